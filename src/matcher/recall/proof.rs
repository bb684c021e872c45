//! Which values the hits of a line depend on.
//!
//! A value may be passed over only where no literal that any signature looks for in the line can reach
//! into it, whatever it is; all others are part of what a line is recognised by.

use aho_corasick::AhoCorasick;

use super::shape::{Close, Part, Shape, Value};
use crate::matcher::condition::{is_leaf_field, record_holds, value_holds};
use crate::matcher::grams::Grams;
use crate::pack::{About, Extract, Pack, Signature, SignatureIx, SubjectKind, Test, Variant};
use crate::record::{Record, Source};

/// Fields that an error chain is read from.
const CHAINS: [&str; 4] = ["err", "error", "msg", "message"];

/// Bytes of a value that may be passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Numbers, durations, addresses, times.
    Number,
    /// Hexadecimal ids, with dashes.
    Hex,
    /// ULIDs.
    Upper,
    /// A whole number as JSON allows it.
    Integer,
    /// Any but blanks, quotes, backslashes and what is not ASCII.
    Word,
    /// The same, and blanks.
    Text,
}

const CLASSES: [Class; 6] = [
    Class::Number,
    Class::Hex,
    Class::Upper,
    Class::Integer,
    Class::Word,
    Class::Text,
];

impl Class {
    /// Its bit in [`BYTES`].
    pub(super) const fn bit(self) -> u8 {
        1 << self as u8
    }

    fn holds(self, value: &[u8]) -> bool {
        value.iter().all(|b| BYTES[*b as usize] & self.bit() != 0)
    }
}

/// Classes of each byte.
pub(super) static BYTES: [u8; 256] = bytes();

const fn bytes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 128 {
        let b = n as u8;
        let number = b.is_ascii_digit()
            || matches!(
                b,
                b'.' | b':' | b'+' | b'-' | b'h' | b'm' | b's' | b'n' | b'u'
            )
            || matches!(b, b'T' | b'Z' | b'e' | b'E');
        let hex = b.is_ascii_hexdigit() && !b.is_ascii_uppercase() || b == b'-';
        let upper = b.is_ascii_digit() || b.is_ascii_uppercase();
        let word = b > b' ' && b < 127 && !matches!(b, b'"' | b'\\' | b'=' | b',' | b'}' | b']');
        let text = b >= b' ' && b < 127 && !matches!(b, b'"' | b'\\');
        if number {
            table[n] |= Class::Number.bit();
        }
        if hex {
            table[n] |= Class::Hex.bit();
        }
        if upper {
            table[n] |= Class::Upper.bit();
        }
        if b.is_ascii_digit() {
            table[n] |= Class::Integer.bit();
        }
        if word {
            table[n] |= Class::Word.bit();
        }
        if text {
            table[n] |= Class::Text.bit();
        }
        n += 1;
    }
    // The micro sign and the Greek letter, in UTF-8: durations.
    table[0xc2] |= Class::Number.bit();
    table[0xb5] |= Class::Number.bit();
    table[0xce] |= Class::Number.bit();
    table[0xbc] |= Class::Number.bit();
    table
}

/// How a value is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// Whatever its bytes, as long as they are of the class.
    Skip(Class),
    /// Likewise, unless a literal stands in it.
    Check(Class),
    /// It is part of what the line is recognised by.
    Key,
}

/// A condition whose truth is asked of each value that is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    signature: SignatureIx,
    variant: u16,
    condition: u16,
}

impl Asked {
    /// Whether it holds of a value without escapes.
    pub(super) fn holds(self, pack: &Pack, value: &[u8]) -> bool {
        let variant =
            &pack.signatures[self.signature.0 as usize].variants[usize::from(self.variant)];
        value_holds(
            Some(value),
            &variant.conditions[usize::from(self.condition)].test,
        )
    }
}

/// How a value is passed, and what is asked of it.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) pass: Pass,
    /// How it may be passed where lines of the same kind have values of other classes.
    pub(super) fallback: Pass,
    pub(super) asks: Vec<Asked>,
}

/// Fields that the hits of a line depend on.
#[derive(Debug, Default)]
struct Needed<'p> {
    /// With all they say.
    whole: Vec<&'p str>,
    /// With the truth of a condition.
    asked: Vec<(&'p str, Asked)>,
}

/// What a pack needs so that lines can be recognised.
#[derive(Debug, Default)]
pub(in crate::matcher) struct Index {
    /// Literals that signatures look for in whole lines.
    grams: Grams,
    /// Those too short for that; none is an anchor.
    short: Option<AhoCorasick>,
    /// By class: literals of which a part may reach into a value of the class, from a place to another.
    reach: [Vec<Reach>; 6],
    /// By class: some literal consists of its bytes alone.
    inside: [bool; 6],
}

/// The bytes of a literal that would lie in a value.
#[derive(Debug)]
struct Reach {
    literal: Vec<u8>,
    from: usize,
    to: usize,
}

impl Index {
    /// Collects the literals of `pack`.
    pub(in crate::matcher) fn new(pack: &Pack) -> Self {
        let mut literals: Vec<&[u8]> = Vec::new();
        let logs = pack.signatures.iter().filter(|s| s.source == Source::Log);
        for variant in logs.flat_map(|s| &s.variants) {
            literals.extend(variant.anchors.iter().map(Vec::as_slice));
            for condition in variant.conditions.iter().filter(|c| c.field == "line") {
                literals.extend(texts(&condition.test).iter().map(|t| t.as_bytes()));
            }
        }
        literals.retain(|l| !l.is_empty());
        literals.sort_unstable();
        literals.dedup();
        let mut index = Self::default();
        for class in CLASSES {
            let n = class as usize;
            index.inside[n] = literals.iter().any(|l| class.holds(l));
            index.reach[n] = literals.iter().flat_map(|l| reaches(l, class)).collect();
        }
        let (long, short): (Vec<&[u8]>, Vec<&[u8]>) =
            literals.iter().partition(|l| l.len() >= Grams::SHORTEST);
        index.grams = Grams::new(long.into_iter().map(<[u8]>::to_vec).collect());
        if !short.is_empty() {
            index.short = AhoCorasick::new(short).ok();
        }
        index
    }

    /// All literals that [`Index::find`] finds, in the order of their numbers.
    pub(in crate::matcher) fn literals(&self) -> impl Iterator<Item = &[u8]> {
        self.grams.literals()
    }

    /// Hands the number of each literal in `line` to `found`, some perhaps more than once.
    #[inline]
    pub(in crate::matcher) fn find(&self, line: &[u8], found: impl FnMut(u32)) {
        self.grams.find(line, found);
    }

    /// No literal stands in the value.
    #[inline]
    pub(super) fn is_free(&self, value: &[u8]) -> bool {
        let mut free = true;
        self.grams.find(value, |_| free = false);
        free && self
            .short
            .as_ref()
            .is_none_or(|short| !short.is_match(value))
    }

    /// How each part of a line may be passed; `None` when its hits depend on the line as a whole.
    pub(super) fn passes(
        &self,
        pack: &Pack,
        candidates: &[(SignatureIx, u16)],
        record: &Record<'_>,
        line: &[u8],
        shape: &Shape,
    ) -> Option<Vec<Way>> {
        let is_value = |name: &str| {
            let named = |p: &Part| {
                matches!(p.what, Value::Field(_)) && &line[p.key.clone()] == name.as_bytes()
            };
            shape.parts.iter().any(named)
        };
        let mut needed = Needed::default();
        for (ix, v) in candidates {
            let signature = &pack.signatures[ix.0 as usize];
            let variant = &signature.variants[usize::from(*v)];
            let of_record = |c: &&crate::pack::Condition| {
                c.field != "line" && !is_leaf_field(&c.field) && !is_value(&c.field)
            };
            if !variant
                .conditions
                .iter()
                .filter(of_record)
                .all(|c| record_holds(record, c))
            {
                continue;
            }
            depends((*ix, *v), signature, variant, &mut needed)?;
        }
        let asked = |part: &Part| -> Vec<Asked> {
            let key = &line[part.key.clone()];
            let of_part = needed.asked.iter().filter(|(n, _)| n.as_bytes() == key);
            of_part.map(|(_, asked)| *asked).collect()
        };
        let whole = |part: &Part| {
            let key = &line[part.key.clone()];
            needed.whole.iter().any(|n| n.as_bytes() == key)
        };
        let of_time = |p: &Part| p.what == Value::Time && (whole(p) || !asked(p).is_empty());
        if shape.parts.iter().any(of_time) {
            return None;
        }
        let ways = shape.parts.iter().enumerate().map(|(n, part)| {
            let (pass, fallback) = match part.what {
                Value::Field(close) if !whole(part) => {
                    let next = shape.parts.get(n + 1).map_or(0..0, |p| p.text.clone());
                    self.pass(line, part, &line[next], close)
                }
                _ => (Pass::Key, Pass::Key),
            };
            let asks = match pass {
                Pass::Key => Vec::new(),
                _ => asked(part),
            };
            Way {
                pass,
                fallback,
                asks,
            }
        });
        Some(ways.collect())
    }

    fn pass(&self, line: &[u8], part: &Part, after: &[u8], close: Close) -> (Pass, Pass) {
        let (before, value) = (&line[part.text.clone()], &line[part.value.clone()]);
        let fits = |class: Class, margin| {
            class.holds(value) && !self.reaches(before, after, class, margin)
        };
        let sure = |class: Class| fits(class, 0) && !self.inside[class as usize];
        let starts_with_digit = value.first().is_some_and(u8::is_ascii_digit);
        if value.is_empty() {
            return (Pass::Key, Pass::Key);
        }
        if close == Close::Json {
            let whole = sure(Class::Integer) && value[0] != b'0';
            let pass = if whole {
                Pass::Skip(Class::Integer)
            } else {
                Pass::Key
            };
            return (pass, Pass::Key);
        }
        let class = match close {
            Close::Quote => Class::Text,
            _ => Class::Word,
        };
        // What reaches out by one byte is looked for when the value is.
        let fallback = if fits(class, 1) {
            Pass::Check(class)
        } else {
            Pass::Key
        };
        let classes = [Class::Number, Class::Hex, Class::Upper];
        let mut classes = classes
            .into_iter()
            .filter(|c| *c != Class::Number || starts_with_digit);
        if let Some(class) = classes.find(|c| sure(*c)) {
            return (Pass::Skip(class), fallback);
        }
        let around = part.value.start - 1..line.len().min(part.value.end + 1);
        if self.is_free(&line[around]) {
            (fallback, fallback)
        } else {
            (Pass::Key, Pass::Key)
        }
    }

    /// Can a literal lie partly in a value of the class that stands between these texts, and reach out of
    /// it by more than the margin?
    fn reaches(&self, before: &[u8], after: &[u8], class: Class, margin: usize) -> bool {
        self.reach[class as usize].iter().any(|reach| {
            let (left, right) = (&reach.literal[..reach.from], &reach.literal[reach.to..]);
            if left.len() <= margin && right.len() <= margin {
                return false;
            }
            let begins = before.ends_with(left) || left.ends_with(before);
            let ends = after.starts_with(right) || right.starts_with(after);
            begins && ends
        })
    }
}

/// Parts of a literal that could be a value of the class, or an end of one.
fn reaches(literal: &[u8], class: Class) -> Vec<Reach> {
    let mut found = Vec::new();
    for from in 0..literal.len() {
        let opens = from == 0 || matches!(literal[from - 1], b'=' | b'"' | b':' | b'[');
        if !opens {
            continue;
        }
        for to in from + 1..=literal.len() {
            if BYTES[literal[to - 1] as usize] & class.bit() == 0 {
                break;
            }
            let closes = to == literal.len()
                || matches!(literal[to], b' ' | b'"' | b',' | b'}' | b']' | b'\n');
            // All of it inside is another matter.
            if closes && (from, to) != (0, literal.len()) {
                found.push(Reach {
                    literal: literal.to_vec(),
                    from,
                    to,
                });
            }
        }
    }
    found
}

/// Adds the fields that a variant's hits depend on; `None` when they depend on the whole line.
fn depends<'p>(
    (ix, v): (SignatureIx, u16),
    signature: &'p Signature,
    variant: &'p Variant,
    needed: &mut Needed<'p>,
) -> Option<()> {
    let mut leafy = signature.extract.iter().any(|e| is_leaf_field(&e.from));
    for (n, condition) in (0..).zip(&variant.conditions) {
        if condition.field == "line" {
            if texts(&condition.test).is_empty() {
                return None;
            }
        } else if is_leaf_field(&condition.field) {
            leafy = true;
        } else {
            let asked = Asked {
                signature: ix,
                variant: v,
                condition: n,
            };
            needed.asked.push((&condition.field, asked));
        }
    }
    for extract in signature.extract.iter().filter(|e| !is_plain(signature, e)) {
        if extract.from == "line" {
            return None;
        }
        needed.whole.push(&extract.from);
    }
    if names_object(signature) {
        needed.whole.extend(["kind", "name", "namespace"]);
    }
    if leafy {
        needed.whole.extend(CHAINS);
    }
    Some(())
}

/// The literals that a test on the whole line asks for, if that is all it asks.
fn texts(test: &Test) -> &[String] {
    match test {
        Test::Contains(text) => std::slice::from_ref(text),
        Test::ContainsAny(texts) => texts,
        _ => &[],
    }
}

/// The extraction takes whole values of a field and names no subject: it can be made anew for every
/// line, and need not be part of what lines are recognised by.
pub(super) fn is_plain(signature: &Signature, extract: &Extract) -> bool {
    let names = matches!(&signature.about, About::Extracted { name, .. } if *name == extract.name);
    extract.regex.is_none() && !names && extract.from != "line" && !is_leaf_field(&extract.from)
}

/// Its subject may be named by fields of the record itself.
fn names_object(signature: &Signature) -> bool {
    let kind = match &signature.about {
        About::Writer => return false,
        About::Extracted { kind, .. } | About::Singleton(kind) => *kind,
    };
    matches!(
        kind,
        SubjectKind::Node | SubjectKind::Statefulset | SubjectKind::Volume
    )
}
