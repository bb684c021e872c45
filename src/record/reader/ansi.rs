//! Terminal colours and other escapes, taken out.

use memchr::memchr;

pub(super) const ESC: u8 = 0x1b;

/// Moves what is not an escape sequence to the front, and gives its length.
pub(super) fn strip(text: &mut [u8]) -> usize {
    let Some(first) = memchr(ESC, text) else {
        return text.len();
    };
    let (mut to, mut from) = (first, first);
    while from < text.len() {
        if text[from] == ESC {
            from += sequence(&text[from..]);
            continue;
        }
        let len = memchr(ESC, &text[from..]).unwrap_or(text.len() - from);
        text.copy_within(from..from + len, to);
        to += len;
        from += len;
    }
    to
}

/// Length of the escape sequence that `text` begins with.
fn sequence(text: &[u8]) -> usize {
    match text.get(1) {
        // Parameters, then a letter. A byte that is neither ends a broken one.
        Some(b'[') => {
            let inside = text[2..]
                .iter()
                .take_while(|byte| (0x20..0x40).contains(*byte))
                .count();
            let last = text
                .get(2 + inside)
                .is_some_and(|byte| (0x40..0x7f).contains(byte));
            2 + inside + usize::from(last)
        }
        // Titles and links, up to a bell or the next escape.
        Some(b']') => match text[2..].iter().position(|byte| matches!(*byte, 7 | ESC)) {
            Some(at) if text[2 + at] == 7 => 3 + at,
            Some(at) => (4 + at).min(text.len()),
            None => 2,
        },
        Some(&ESC) | None => 1,
        Some(_) => 2,
    }
}
