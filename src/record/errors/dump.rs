//! Fatal errors: a chain in many lines, with the stacks of each wrap between them.

use std::ops::Range;

/// The root cause of a dump; the whole text if it is none.
///
/// Usually the first line is the root cause and the wraps follow, each with its stack. Errors of
/// Thanos's own package are the other way round up to the first blank line: wrapper, stack (`>`),
/// cause. YAML errors take several lines, indented by two blanks.
pub(super) fn root(text: &[u8]) -> &[u8] {
    if memchr::memchr(b'\n', text).is_none() {
        return text;
    }
    if let Some(first) = first_of_death(text) {
        return first;
    }
    let stacks = lines(text).skip(1).any(|line| is_stack(&text[line]));
    if !stacks {
        return text;
    }
    let wrapper_first = lines(text)
        .nth(1)
        .is_some_and(|line| text[line].starts_with(b"> "));
    let mut root = 0..0;
    for line in lines(text) {
        let bytes = &text[line.clone()];
        let more = bytes.starts_with(b"  ") && root.end + 1 == line.start;
        if more {
            root.end = line.end;
        } else if root.is_empty() || (wrapper_first && !is_stack(bytes)) {
            if bytes.is_empty() {
                break;
            }
            root = line;
        } else if !wrapper_first || bytes.is_empty() {
            break;
        }
    }
    &text[root]
}

/// The first line of a panic or of a fatal error of the runtime.
fn first_of_death(text: &[u8]) -> Option<&[u8]> {
    let deaths: [&[u8]; 3] = [b"panic: ", b"fatal error: ", b"runtime: "];
    let dies = deaths.iter().any(|death| text.starts_with(death));
    dies.then(|| text.split(|byte| *byte == b'\n').next())
        .flatten()
}

fn lines(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let ends = memchr::memchr_iter(b'\n', text).chain([text.len()]);
    ends.scan(0, |start, end| {
        let line = *start..end;
        *start = end + 1;
        Some(line)
    })
}

/// `<TAB>/app/cmd/thanos/main.go:135`, or `> func<TAB>/app/file.go:12`
fn is_stack(line: &[u8]) -> bool {
    line.starts_with(b"\t") || line.starts_with(b"> ")
}
