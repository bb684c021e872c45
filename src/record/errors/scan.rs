//! The one pass: words that wrappers are known by, found left to right, each changing what is
//! known of the current leaf; `; ` before the beginning of another reason ends it.

use std::borrow::Cow;
use std::ops::Range;

use super::endpoint::endpoint;
use super::words::{FINDER, LISTED, SURE, WORDS, Word};
use super::{Attempt, Leaf};
use crate::limits;

/// How far behind its word a status may stand: some senders print sizes and addresses between.
const STATUS_WINDOW: usize = 200;

/// Longest S3 message that is looked for.
const MESSAGE_WINDOW: usize = 512;

/// What is known of the current leaf.
#[derive(Clone, Copy, Debug, Default)]
struct Known<'t> {
    /// Where its text begins, and its innermost message.
    start: usize,
    cause: usize,
    /// Where the innermost message ends, if before the leaf.
    cause_end: Option<usize>,
    /// The forward that the list it stands in came back from.
    context: Option<(usize, usize)>,
    attempt: Attempt,
    peer: Option<&'t [u8]>,
    capnp: Option<&'t [u8]>,
    owner: Option<&'t [u8]>,
    local: Option<&'t [u8]>,
    code: Option<&'t [u8]>,
    inner_code: Option<&'t [u8]>,
    http: Option<u16>,
    s3: Option<&'t [u8]>,
    cut: bool,
}

/// An open list.
#[derive(Clone, Copy, Debug)]
struct List<'t> {
    /// Reasons still to come.
    left: u64,
    /// What was known before it.
    known: Known<'t>,
    /// Its reasons are forwards.
    forwards: bool,
}

struct Scan<'t> {
    text: &'t [u8],
    known: Known<'t>,
    lists: Vec<List<'t>>,
    leaves: Vec<Leaf<'t>>,
}

/// The leaves of one error text.
pub(super) fn scan(text: &[u8]) -> Vec<Leaf<'_>> {
    let mut scan = Scan {
        text,
        known: Known::default(),
        lists: Vec::new(),
        leaves: Vec::new(),
    };
    for found in FINDER.find_iter(text) {
        let (_, word) = WORDS[found.pattern().as_usize()];
        scan.word(word, found.range());
        if scan.leaves.len() >= limits::ERROR_LEAVES {
            return scan.leaves;
        }
    }
    scan.end_leaf(text.len());
    scan.leaves
}

impl<'t> Scan<'t> {
    fn word(&mut self, word: Word, at: Range<usize>) {
        match word {
            Word::Peer(attempt) => self.peer(attempt, at),
            Word::Store => {
                let name = self.endpoint(at.end);
                self.known.local = name;
                self.begin(Attempt::Local, at.start);
            }
            Word::StoreHere => {
                self.known.cause = at.end;
                self.known.local = self.known.peer.or(self.known.local);
                self.known.attempt = Attempt::Local;
            }
            Word::Replicate => {
                let name = self.endpoint(at.end);
                self.known.owner = name;
                self.begin(Attempt::Replicate, at.start);
            }
            Word::Rpc => self.rpc(at),
            Word::List => self.open_list(at),
            Word::Semicolon => self.semicolon(at),
            Word::Status => self.status(at.end),
            Word::StatusBefore => {
                let digits = at.start.checked_sub(3).map(|from| from..at.start);
                if let Some(status) = digits.and_then(|digits| number(&self.text[digits])) {
                    self.set_status(status, at.end);
                }
            }
            Word::Body => {
                if self.known.http.is_some() && self.known.attempt == Attempt::None {
                    self.known.cause = self.behind_quote(at.end);
                }
            }
            Word::Wrapper => self.known.cause = self.behind_quote(at.end),
            Word::S3Code => self.known.s3 = self.tagged(at.end).map(|range| &self.text[range]),
            Word::S3Message => {
                if let Some(message) = self.tagged(at.end) {
                    self.known.cause = message.start;
                    self.known.cause_end = Some(message.end);
                }
            }
        }
    }

    /// An attempt to reach a peer. The nearest counts: the outer ones only carried it.
    fn peer(&mut self, attempt: Attempt, at: Range<usize>) {
        let carried = attempt == Attempt::Dial
            && matches!(
                self.known.attempt,
                Attempt::Forward | Attempt::BackOff | Attempt::Schedule
            );
        let found = endpoint(&self.text[at.end..]);
        self.known.cause = at.end + found.len;
        if carried {
            return;
        }
        if let Some(list) = self.lists.last_mut() {
            list.forwards |= self.known.start == at.start;
        }
        self.known = Known {
            start: at.start,
            cause: self.known.cause,
            attempt,
            peer: Some(found.host).filter(|host| !host.is_empty()),
            capnp: found.capnp,
            cut: found.cut,
            owner: self.known.owner,
            http: self.known.http,
            ..Known::default()
        };
    }

    /// The endpoint at a place; the cause begins behind it.
    fn endpoint(&mut self, at: usize) -> Option<&'t [u8]> {
        let found = endpoint(&self.text[at..]);
        self.known.cause = at + found.len;
        self.known.cut |= found.cut;
        Some(found.host).filter(|host| !host.is_empty())
    }

    /// An attempt that a forward may have carried here; then it stays a forward.
    fn begin(&mut self, attempt: Attempt, start: usize) {
        if matches!(self.known.attempt, Attempt::None | Attempt::Replicate)
            && self.known.context.is_none()
        {
            self.known.attempt = attempt;
            self.known.start = start;
        }
    }

    /// `Unavailable desc = `
    fn rpc(&mut self, at: Range<usize>) {
        let rest = &self.text[at.end..];
        let len = rest
            .iter()
            .take(32)
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'(' | b')'))
            .count();
        let code = &rest[..len];
        self.known.code = self.known.code.or(Some(code));
        self.known.inner_code = Some(code);
        self.known.cause = match rest[len..].starts_with(b" desc = ") {
            true => at.end + len + b" desc = ".len(),
            false => at.start,
        };
    }

    fn open_list(&mut self, at: Range<usize>) {
        let digits = self.text[..at.start]
            .iter()
            .rev()
            .take(9)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let Some(n) = number(&self.text[at.start - digits..at.start]) else {
            return;
        };
        if self.known.attempt != Attempt::None {
            let from = self
                .known
                .context
                .map_or(self.known.start, |(from, _)| from);
            self.known.context = Some((from, at.start - digits));
        }
        self.known.start = at.end;
        self.known.cause = at.end;
        if self.lists.len() < limits::ERROR_DEPTH {
            self.lists.push(List {
                left: u64::from(n).saturating_sub(1),
                known: self.known,
                forwards: false,
            });
        }
    }

    /// Ends the leaf if another reason follows; other texts hold semicolons too.
    fn semicolon(&mut self, at: Range<usize>) {
        let next = &self.text[at.end..];
        let forward = SURE[..4].iter().any(|start| next.starts_with(start));
        let sure = SURE.iter().any(|start| next.starts_with(start)) || counts_samples(next);
        let open = self.lists.iter().any(|list| list.left > 0);
        let listed =
            open && (LISTED.iter().any(|start| next.starts_with(start)) || counts_errors(next));
        if !sure && !listed {
            return;
        }
        self.end_leaf(at.start);
        while let Some(list) = self.lists.last() {
            // What a pod says of its own storage holds no forwards: its list is over, even if the
            // sender cut it or some of its reasons could not be told apart.
            let inner = forward && !list.forwards && list.known.context.is_some();
            let more = self.lists.iter().rev().skip(1).any(|outer| outer.left > 0);
            if list.left > 0 && !(inner && more) {
                break;
            }
            self.lists.pop();
        }
        self.known = match self.lists.last_mut() {
            Some(list) => {
                list.left -= 1;
                list.known
            }
            None => Known {
                http: self.known.http,
                ..Known::default()
            },
        };
        self.known.start = at.end;
        self.known.cause = at.end;
    }

    /// A status behind its word: three digits that a reason, a sign or nothing follows.
    fn status(&mut self, at: usize) {
        let window = &self.text[at..self.text.len().min(at + STATUS_WINDOW)];
        let found = (0..window.len()).find_map(|from| {
            let digits = window.get(from..from + 3)?;
            let alone = from == 0 || matches!(window[from - 1], b' ' | b'=' | b':' | b'"' | b'(');
            let sign = match &window[from + 3..] {
                [b' ', letter, ..] => letter.is_ascii_uppercase() || *letter == b'(',
                [byte, ..] => matches!(byte, b';' | b',' | b':' | b')' | b'"' | b'\\' | b'\n'),
                [] => true,
            };
            let status = number(digits).filter(|status| (100..600).contains(status));
            status
                .filter(|_| alone && sign)
                .map(|status| (status, at + from))
        });
        let Some((status, digits)) = found else {
            return;
        };
        let reason = &self.text[digits + 3..];
        let len = reason
            .iter()
            .take(64)
            .take_while(|byte| byte.is_ascii_alphabetic() || matches!(byte, b' ' | b'-' | b'\''))
            .count();
        let body = reason[len..].starts_with(b": ");
        self.set_status(status, if body { digits + 3 + len + 2 } else { digits });
    }

    /// Statuses inside a forward are the peer's affair, not the sender's.
    fn set_status(&mut self, status: u32, cause: usize) {
        let outside = self.known.attempt == Attempt::None && self.known.code.is_none();
        if outside && self.known.http.is_none() {
            self.known.http = u16::try_from(status).ok();
            self.known.cause = cause;
        }
    }

    /// Past an opening quote, escaped or not.
    fn behind_quote(&self, at: usize) -> usize {
        match &self.text[at..] {
            [b'"', ..] => at + 1,
            [b'\\', b'"', ..] => at + 2,
            _ => at,
        }
    }

    /// Up to the closing tag.
    fn tagged(&self, at: usize) -> Option<Range<usize>> {
        let window = &self.text[at..self.text.len().min(at + MESSAGE_WINDOW)];
        memchr::memchr(b'<', window).map(|len| at..at + len)
    }

    fn end_leaf(&mut self, end: usize) {
        let known = &self.known;
        let item = self.text[known.start.min(end)..end].trim_ascii();
        let from = known.cause.min(end);
        let to = known.cause_end.unwrap_or(end).clamp(from, end);
        let cause = unquoted(&self.text[from..to], from, self.text);
        if item.is_empty() {
            return;
        }
        let text = match known.context {
            Some((from, to)) if to - from <= limits::ERROR_CONTEXT_BYTES => {
                Cow::Owned([&self.text[from..to], item].concat())
            }
            _ => Cow::Borrowed(item),
        };
        self.leaves.push(Leaf {
            text,
            cause: if cause.is_empty() { item } else { cause },
            attempt: known.attempt,
            peer: known.peer,
            capnp: known.capnp,
            owner: known.owner,
            local: known.local,
            code: known.code,
            inner_code: known.inner_code,
            http: known.http,
            s3: known.s3,
            cut: known.cut,
        });
    }
}

/// Up to the closing quote, if an opening one stands before it. Both are escaped where the text
/// was not decoded; quotes inside are escaped once more.
fn unquoted<'t>(cause: &'t [u8], from: usize, text: &[u8]) -> &'t [u8] {
    let cause = cause.trim_ascii();
    let quote: &[u8] = match &text[..from] {
        [.., b'\\', b'"'] => b"\\\"",
        [.., b'"'] => b"\"",
        _ => return cause,
    };
    let closing = memchr::memmem::find_iter(cause, quote).find(|at| !cause[..*at].ends_with(b"\\"));
    closing.map_or(cause, |at| &cause[..at])
}

fn number(digits: &[u8]) -> Option<u32> {
    let all = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    all.then(|| std::str::from_utf8(digits).ok()?.parse().ok())
        .flatten()
}

/// `add 5 samples: `
fn counts_samples(text: &[u8]) -> bool {
    text.strip_prefix(b"add ")
        .is_some_and(|rest| rest.first().is_some_and(u8::is_ascii_digit))
}

/// `2 errors: `
fn counts_errors(text: &[u8]) -> bool {
    let digits = text
        .iter()
        .take(9)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    digits > 0 && text[digits..].starts_with(b" errors: ")
}
