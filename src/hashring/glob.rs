//! Patterns for tenants, with the rules of Go's `filepath.Match` on Unix.
//!
//! `*` is any run without `/`, `?` one character but `/`, `[a-z]` and `[^a-z]` one character of a
//! class (which may be `/`), `\` takes the next character literally. A pattern is cut at its stars
//! into chunks; a malformed chunk is an error only once matching gets to it.

/// A pattern that Go calls malformed: `[` without end, an empty or reversed `-`, a `\` at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("syntax error in pattern")]
pub(super) struct BadPattern;

/// Whether `pattern` matches the whole of `name`.
///
/// # Errors
/// [`BadPattern`] when matching reaches a malformed chunk; as in Go, a name that already failed on
/// an earlier chunk gets `false` instead.
pub(super) fn matches(pattern: &str, name: &str) -> Result<bool, BadPattern> {
    let mut rest = name.as_bytes();
    let chunks = chunks(pattern);
    for (i, chunk) in chunks.iter().enumerate() {
        let last = i + 1 == chunks.len();
        if chunk.star && chunk.text.is_empty() {
            return Ok(!rest.contains(&b'/'));
        }
        let items = parse(chunk.text)?;
        match find(&items, rest, chunk.star, last) {
            Some(after) => rest = after,
            None => return Ok(false),
        }
    }
    Ok(rest.is_empty())
}

/// Checks every chunk of a pattern.
///
/// # Errors
/// [`BadPattern`] when some name could make Thanos answer with an error.
pub(super) fn check(pattern: &str) -> Result<(), BadPattern> {
    chunks(pattern)
        .iter()
        .try_for_each(|chunk| parse(chunk.text).map(drop))
}

struct Chunk<'a> {
    /// Stars stand before it.
    star: bool,
    text: &'a str,
}

enum Item {
    Byte(u8),
    /// `?`
    Any,
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

fn chunks(pattern: &str) -> Vec<Chunk<'_>> {
    let mut rest = pattern;
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        let text = rest.trim_start_matches('*');
        let star = text.len() < rest.len();
        let end = chunk_end(text.as_bytes());
        chunks.push(Chunk {
            star,
            text: &text[..end],
        });
        rest = &text[end..];
    }
    chunks
}

/// Where the next star outside brackets stands.
fn chunk_end(text: &[u8]) -> usize {
    let mut in_class = false;
    let mut i = 0;
    while i < text.len() {
        match text[i] {
            b'\\' => i += 1,
            b'[' => in_class = true,
            b']' => in_class = false,
            b'*' if !in_class => return i,
            _ => {}
        }
        i += 1;
    }
    text.len()
}

fn parse(chunk: &str) -> Result<Vec<Item>, BadPattern> {
    let mut items = Vec::new();
    let mut rest = chunk;
    while let Some(first) = rest.chars().next() {
        rest = &rest[first.len_utf8()..];
        match first {
            '?' => items.push(Item::Any),
            '[' => {
                let (class, after) = parse_class(rest)?;
                items.push(class);
                rest = after;
            }
            '\\' => {
                let next = rest.chars().next().ok_or(BadPattern)?;
                push_bytes(&mut items, next);
                rest = &rest[next.len_utf8()..];
            }
            other => push_bytes(&mut items, other),
        }
    }
    Ok(items)
}

fn push_bytes(items: &mut Vec<Item>, c: char) {
    let mut buffer = [0; 4];
    items.extend(c.encode_utf8(&mut buffer).bytes().map(Item::Byte));
}

/// What follows `[`, up to and with its `]`.
fn parse_class(text: &str) -> Result<(Item, &str), BadPattern> {
    let (negated, mut rest) = match text.strip_prefix('^') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut ranges = Vec::new();
    loop {
        if let Some(after) = rest.strip_prefix(']')
            && !ranges.is_empty()
        {
            return Ok((Item::Class { negated, ranges }, after));
        }
        let (low, after) = class_char(rest)?;
        rest = after;
        let mut high = low;
        if let Some(after) = rest.strip_prefix('-') {
            (high, rest) = class_char(after)?;
        }
        ranges.push((low, high));
    }
}

/// One character of a class; something must follow it.
fn class_char(text: &str) -> Result<(char, &str), BadPattern> {
    let mut chars = text.chars();
    let mut c = chars.next().ok_or(BadPattern)?;
    if c == '-' || c == ']' {
        return Err(BadPattern);
    }
    if c == '\\' {
        c = chars.next().ok_or(BadPattern)?;
    }
    let rest = chars.as_str();
    if rest.is_empty() {
        Err(BadPattern)
    } else {
        Ok((c, rest))
    }
}

/// What is left of `name` after the chunk, at its start or, after a star, at the first place that
/// can be reached without crossing a `/`. The last chunk must take all of the name.
fn find<'n>(items: &[Item], name: &'n [u8], star: bool, last: bool) -> Option<&'n [u8]> {
    let fits = |name| take(items, name).filter(|rest: &&[u8]| !last || rest.is_empty());
    if let Some(rest) = fits(name) {
        return Some(rest);
    }
    if !star {
        return None;
    }
    // Byte by byte, as Go does, even inside a character.
    (0..name.len())
        .take_while(|&i| name[i] != b'/')
        .find_map(|i| fits(&name[i + 1..]))
}

fn take<'n>(items: &[Item], mut name: &'n [u8]) -> Option<&'n [u8]> {
    for item in items {
        let first = *name.first()?;
        let (c, width) = decode(name);
        let (fits, width) = match item {
            Item::Byte(byte) => (*byte == first, 1),
            Item::Any => (first != b'/', width),
            Item::Class { negated, ranges } => {
                let inside = ranges.iter().any(|&(low, high)| low <= c && c <= high);
                (inside != *negated, width)
            }
        };
        if !fits {
            return None;
        }
        name = &name[width..];
    }
    Some(name)
}

/// The first character; a broken one counts as U+FFFD of one byte.
fn decode(bytes: &[u8]) -> (char, usize) {
    (1..=bytes.len().min(4))
        .find_map(|n| std::str::from_utf8(&bytes[..n]).ok())
        .and_then(|text| text.chars().next())
        .map_or((char::REPLACEMENT_CHARACTER, 1), |c| (c, c.len_utf8()))
}
