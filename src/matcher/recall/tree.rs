//! Kinds of lines, as a tree: a node is a text that lines share and how the value behind it is passed;
//! its children are what may follow. A line is recognised by going down from the root, comparing texts
//! and passing over values, so most of its bytes are looked at once, many at a time.

use rustc_hash::FxHashMap;

use super::hash::{SEED, mix, mix_bytes};
use super::proof::{Asked, BYTES, Class, Index, Pass, Way};
use super::shape::{Close, Shape, Value};
use crate::limits;
use crate::pack::Pack;
use crate::record::{Time, Times};

/// Bytes of a text by which children are told apart; the longest that a text has.
const HEADS: [usize; 6] = [48, 24, 12, 6, 3, 0];

const NONE: u32 = u32::MAX;

/// All kinds of lines known.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// By parent and first bytes of the text.
    children: FxHashMap<u64, Vec<u32>>,
    /// Bytes of all texts.
    bytes: usize,
    times: Times,
    /// Values of the line walked last: start and end.
    pub(super) values: Vec<(u32, u32)>,
}

#[derive(Debug)]
struct Node {
    text: Box<[u8]>,
    /// Where in the text the body begins, if it does.
    body: u32,
    value: Value,
    pass: Pass,
    fallback: Pass,
    asks: Vec<Asked>,
    /// Its only child.
    only: u32,
    /// Which of [`HEADS`] its children are told apart by.
    heads: u8,
}

/// A line of a known kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walked {
    /// What it says.
    pub(super) key: u64,
    /// Its length, without its line end.
    pub(super) len: usize,
    /// Where its body begins.
    pub(super) body: usize,
    /// When, if it says so.
    pub(super) time: Option<Time>,
}

impl Default for Tree {
    fn default() -> Self {
        let root = Node {
            text: Box::default(),
            body: NONE,
            value: Value::End,
            pass: Pass::Key,
            fallback: Pass::Key,
            asks: Vec::new(),
            only: NONE,
            heads: 0,
        };
        Self {
            nodes: vec![root],
            children: FxHashMap::default(),
            bytes: 0,
            times: Times::default(),
            values: Vec::new(),
        }
    }
}

impl Tree {
    /// It has no room for more.
    pub(super) fn is_full(&self) -> bool {
        self.nodes.len() > limits::RECALL_NODES || self.bytes > limits::RECALL_BYTES
    }

    /// Walks the line at the start of `text`, if it is of a known kind. `salt` goes into its key.
    #[inline]
    pub(super) fn walk(
        &mut self,
        (index, pack): (&Index, &Pack),
        text: &[u8],
        salt: u64,
    ) -> Option<Walked> {
        self.values.clear();
        let (mut at, mut node, mut body) = (0, 0, 0);
        let mut key = mix(SEED, salt);
        let (mut time, mut frame_time) = (None, None);
        loop {
            node = self.child(node, &text[at..])?;
            let found = &self.nodes[node as usize];
            if found.body != NONE {
                body = at + found.body as usize;
            }
            at += found.text.len();
            let rest = text.get(at..)?;
            let len = match found.value {
                Value::End => {
                    return Some(Walked {
                        key: mix(key, u64::from(node)),
                        len: at - 1,
                        body,
                        time: time.or(frame_time),
                    });
                }
                Value::Time | Value::FrameTime => {
                    let (read, len) = self.times.leading(rest)?;
                    if found.value == Value::Time {
                        time = Some(read);
                    } else if rest[10] == b'T' && rest[4] == b'-' {
                        frame_time = Some(read);
                    } else {
                        return None;
                    }
                    len
                }
                Value::Who => until(rest, Close::Bracket)?,
                Value::Field(close) => match found.pass {
                    Pass::Skip(class) | Pass::Check(class) => class_len(rest, class)?,
                    Pass::Key => until(rest, close)?,
                },
            };
            match (found.value, found.pass) {
                (Value::Who | Value::Field(_), Pass::Key) => key = mix_bytes(key, &rest[..len]),
                // With a byte on each side: the proof counts on it.
                (_, Pass::Check(_)) if !index.is_free(around(text, at, len)) => return None,
                _ => {}
            }
            if found.pass != Pass::Key {
                for asked in &found.asks {
                    key = mix(key, u64::from(asked.holds(pack, &rest[..len])));
                }
            }
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a piece is below 4 GiB by limits::CHUNK_BYTES"
            )]
            self.values.push((at as u32, (at + len) as u32));
            at += len;
        }
    }

    /// The child of `node` that `rest` begins with.
    #[inline]
    fn child(&self, node: u32, rest: &[u8]) -> Option<u32> {
        let parent = &self.nodes[node as usize];
        if parent.only != NONE {
            let text = &self.nodes[parent.only as usize].text;
            return rest.starts_with(text).then_some(parent.only);
        }
        for (n, len) in HEADS.into_iter().enumerate() {
            if parent.heads & 1 << n == 0 || rest.len() < len {
                continue;
            }
            let known = self.children.get(&head(node, &rest[..len]));
            let fits = |child: &&u32| rest.starts_with(&self.nodes[**child as usize].text);
            if let Some(child) = known.and_then(|all| all.iter().find(fits)) {
                return Some(*child);
            }
        }
        None
    }

    /// Makes lines of this shape known. What a value is passed by may have to become stricter; then
    /// `true`, and no key says any more what it said.
    pub(super) fn insert(&mut self, line: &[u8], body: usize, shape: &Shape, ways: &[Way]) -> bool {
        let (mut node, mut stricter) = (0, false);
        for (part, way) in shape.parts.iter().zip(ways) {
            let text = &line[part.text.clone()];
            let starts = (part.text.start..=part.text.end).contains(&body)
                && (body > part.text.start || body == 0);
            let body_at = if starts {
                u32::try_from(body - part.text.start).unwrap_or(NONE)
            } else {
                NONE
            };
            node = match self.known(node, text, part.what) {
                Some(child) => {
                    let known = &mut self.nodes[child as usize];
                    if known.fallback != way.fallback {
                        known.fallback = Pass::Key;
                    }
                    if known.pass != way.pass && known.pass != known.fallback {
                        known.pass = known.fallback;
                        stricter = true;
                    }
                    for asked in &way.asks {
                        if !known.asks.contains(asked) {
                            known.asks.push(*asked);
                            stricter = true;
                        }
                    }
                    child
                }
                None => self.add(
                    node,
                    Node {
                        text: text.into(),
                        body: body_at,
                        value: part.what,
                        pass: way.pass,
                        fallback: way.fallback,
                        asks: way.asks.clone(),
                        only: NONE,
                        heads: 0,
                    },
                ),
            };
        }
        stricter
    }

    fn known(&self, parent: u32, text: &[u8], value: Value) -> Option<u32> {
        let len = head_len(text);
        let known = self.children.get(&head(parent, &text[..len]))?;
        let same = |child: &&u32| {
            let node = &self.nodes[**child as usize];
            *node.text == *text && node.value == value
        };
        known.iter().find(same).copied()
    }

    fn add(&mut self, parent: u32, node: Node) -> u32 {
        let child = u32::try_from(self.nodes.len()).unwrap_or(NONE);
        let len = head_len(&node.text);
        self.bytes += node.text.len();
        let family = self
            .children
            .entry(head(parent, &node.text[..len]))
            .or_default();
        // Of two texts that a line begins with, the longer one says more.
        let nodes = &self.nodes;
        let at = family.partition_point(|c| nodes[*c as usize].text.len() >= node.text.len());
        family.insert(at, child);
        self.nodes.push(node);
        let above = &mut self.nodes[parent as usize];
        above.only = if above.heads == 0 { child } else { NONE };
        let n = HEADS.iter().position(|h| *h == len).unwrap_or_default();
        above.heads |= 1 << n;
        child
    }
}

/// The longest of [`HEADS`] that a text has.
fn head_len(text: &[u8]) -> usize {
    HEADS
        .into_iter()
        .find(|len| *len <= text.len())
        .unwrap_or_default()
}

#[inline]
fn head(parent: u32, bytes: &[u8]) -> u64 {
    mix_bytes(mix(SEED, u64::from(parent)), bytes)
}

/// So many bytes from a place on, and one on each side.
fn around(text: &[u8], at: usize, len: usize) -> &[u8] {
    &text[at.saturating_sub(1)..text.len().min(at + len + 1)]
}

/// Length of what consists of the class at the start of `rest`; never nothing.
#[inline]
fn class_len(rest: &[u8], class: Class) -> Option<usize> {
    let bit = class.bit();
    let len = rest
        .iter()
        .position(|b| BYTES[*b as usize] & bit == 0)
        .filter(|len| *len > 0)?;
    // As JSON does, and small enough to be written as it is read.
    let odd = class == Class::Integer && (rest[0] == b'0' || len > 18);
    (!odd).then_some(len)
}

/// Length of the value at the start of `rest`.
#[inline]
fn until(rest: &[u8], close: Close) -> Option<usize> {
    match close {
        Close::Blank => rest.iter().position(|b| *b <= b' '),
        Close::Json => rest
            .iter()
            .position(|b| matches!(b, b',' | b'}' | b' ' | b'\n')),
        Close::Bracket => {
            let end = memchr::memchr2(b']', b'\n', rest)?;
            (rest[end] == b']').then_some(end)
        }
        Close::Quote => {
            let mut at = 0;
            loop {
                at += memchr::memchr3(b'"', b'\\', b'\n', rest.get(at..)?)?;
                match rest[at] {
                    b'"' => return Some(at),
                    b'\\' if rest.get(at + 1) != Some(&b'\n') => at += 2,
                    _ => return None,
                }
            }
        }
    }
}
