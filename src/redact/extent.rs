//! How far a value reaches.

/// Bytes of a value that are looked at to decide whether it is one.
pub(super) const LOOK_BYTES: usize = 256;

/// What stands behind a separator.
pub(super) struct Value {
    /// Where it is; of an unquoted one at most [`LOOK_BYTES`].
    pub(super) range: std::ops::Range<usize>,
    /// In quotes of its own.
    pub(super) quoted: bool,
    /// Space stands before it.
    pub(super) spaced: bool,
}

impl Value {
    /// The value that begins at or after `from`.
    pub(super) fn at(text: &str, from: usize) -> Self {
        let bytes = text.as_bytes();
        let mut start = from;
        while bytes.get(start).is_some_and(|b| matches!(b, b' ' | b'\t')) {
            start += 1;
        }
        let spaced = start > from;
        if bytes.get(start) == Some(&b'[') && !text[start..].starts_with("[REDACTED") {
            start += 1;
        }
        let escapes = bytes[start..]
            .iter()
            .take(8)
            .take_while(|b| **b == b'\\')
            .count();
        match bytes.get(start + escapes) {
            Some(quote @ (b'"' | b'\'' | b'`')) => {
                let open = start + escapes + 1;
                let end = close(bytes, open, *quote, escapes);
                Self {
                    range: open..end,
                    quoted: true,
                    spaced,
                }
            }
            // To its end only when it is taken.
            _ => Self {
                range: start..bare_end(text, start, LOOK_BYTES),
                quoted: false,
                spaced,
            },
        }
    }

    /// All of a value of which [`LOOK_BYTES`] were looked at.
    pub(super) fn whole(&self, text: &str) -> std::ops::Range<usize> {
        if self.quoted {
            return self.range.clone();
        }
        self.range.start..bare_end(text, self.range.start, usize::MAX)
    }

    /// The value of a header: with its spaces, to the end of whatever it stands in.
    pub(super) fn rest(&self, text: &str) -> std::ops::Range<usize> {
        if self.quoted {
            return self.range.clone();
        }
        let start = self.range.start;
        let bytes = &text.as_bytes()[start..];
        let end = bytes.iter().enumerate().position(|(i, b)| match b {
            b'"' | b'\'' | b'`' | b']' | b'}' => true,
            b'\n' | b'\r' => true,
            b'\\' => matches!(bytes.get(i + 1), Some(b'n' | b'r' | b't' | b'"' | b'\\')),
            _ => false,
        });
        start..start + end.unwrap_or(bytes.len())
    }
}

/// Where a quoted value ends: at the quote with as many backslashes as the one that opened it; cut
/// text ends it as well.
fn close(bytes: &[u8], open: usize, quote: u8, escapes: usize) -> usize {
    let mut at = open;
    while let Some(found) = memchr::memchr(quote, &bytes[at..]) {
        let here = at + found;
        let slashes = bytes[open..here]
            .iter()
            .rev()
            .take_while(|b| **b == b'\\')
            .count();
        if slashes == escapes {
            return here - escapes;
        }
        // A quote with fewer belongs to what is around.
        if slashes < escapes {
            return here - slashes;
        }
        at = here + 1;
    }
    bytes.len()
}

/// Where an unquoted value ends, or that many bytes on. Commas and the like belong to it unless something new begins.
pub(super) fn bare_end(text: &str, start: usize, at_most: usize) -> usize {
    let bytes = text.as_bytes();
    if bytes[start..].starts_with(b"[REDACTED") {
        return bytes[start..]
            .iter()
            .position(|b| *b == b']')
            .map_or(bytes.len(), |p| start + p + 1);
    }
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        let ends = match byte {
            b if b.is_ascii_whitespace() => true,
            b'"' | b'\'' | b'`' | b'&' | b'<' | b'|' => true,
            b'\\' => matches!(
                bytes.get(at + 1),
                Some(b'n' | b'r' | b't' | b'"' | b'\'' | b'\\')
            ),
            b',' | b';' | b'}' | b']' | b')' => begins_anew(&bytes[at + 1..]),
            _ => false,
        };
        if ends {
            return at;
        }
        if at - start >= at_most {
            return text.floor_char_boundary(at);
        }
        at += 1;
    }
    at
}

/// What stands behind a comma or bracket: nothing, another bracket, or a further name.
fn begins_anew(rest: &[u8]) -> bool {
    match rest.first() {
        None => true,
        Some(b) if b.is_ascii_whitespace() || b"\"'\\}]),;:".contains(b) => true,
        _ => {
            let name = rest.iter().take(40).take_while(|b| is_name(**b)).count();
            name > 0 && matches!(rest.get(name), Some(b'=' | b':'))
        }
    }
}

/// Could it be part of a name?
pub(super) fn is_name(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')
}

/// The first bytes of a text, cut between characters.
pub(super) fn cut(text: &str, at_most: usize) -> &str {
    &text[..text.floor_char_boundary(at_most)]
}
