//! What the Go runtime writes when a process dies: panics, fatal errors, goroutine dumps.

use memchr::memchr;

use super::{Format, Parsed, classify};

/// How the first line of a dump begins.
const STARTS: [&[u8]; 10] = [
    b"panic: ",
    b"fatal error: ",
    b"runtime: ",
    b"goroutine ",
    b"[signal SIG",
    b"SIGQUIT: ",
    b"SIGABRT: ",
    b"SIGSEGV: ",
    b"SIGBUS: ",
    b"unexpected fault address ",
];

/// How the first line of a death begins; behind the stacks of another it is a second one.
const DEATHS: [&[u8]; 3] = [b"panic: ", b"fatal error: ", b"SIGQUIT: "];

/// Plain lines that are never part of a dump.
const OTHERS: [&[u8]; 6] = [
    b"Memory cgroup out of memory",
    b"Out of memory: ",
    b"oom-kill:",
    b"thanos: error:",
    b"prometheus: error:",
    b"error parsing commandline arguments",
];

/// A dump begins with this line.
pub(crate) fn starts_dump(body: &[u8]) -> bool {
    if !matches!(
        body.first(),
        Some(b'p' | b'f' | b'r' | b'g' | b'[' | b'S' | b'u')
    ) {
        return false;
    }
    let begins = STARTS.iter().any(|start| body.starts_with(start));
    begins && (!body.starts_with(b"goroutine ") || is_goroutine(body))
}

/// This line belongs to a dump, of which a `stack` has been seen already or not.
pub(crate) fn continues(stack: bool, body: &[u8]) -> bool {
    if OTHERS.iter().any(|start| body.starts_with(start)) {
        return false;
    }
    if DEATHS.iter().any(|start| body.starts_with(start)) {
        return !stack;
    }
    // Registers are printed as `PC=0x46b5a1 m=0 sigcode=0`.
    let plain = matches!(classify(body), Format::Plain | Format::Dump);
    plain || body.starts_with(b"PC=0x")
}

/// `goroutine 1 [running]:`
fn is_goroutine(body: &[u8]) -> bool {
    let rest = &body[b"goroutine ".len()..];
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && rest[digits..].starts_with(b" [") || rest.starts_with(b"running on")
}

/// `msg` is what comes before the first stack, `stack` the rest.
pub(super) fn parse<'a>(body: &'a [u8], parsed: &mut Parsed<'a>) {
    let mut end = memchr(b'\n', body).unwrap_or(body.len());
    // A dump that begins with a stack has no other message.
    while end < body.len() && !body.starts_with(b"goroutine ") {
        let line = &body[end + 1..];
        let len = memchr(b'\n', line).unwrap_or(line.len());
        let line = &line[..len];
        if line.trim_ascii().is_empty()
            || line.starts_with(b"goroutine ")
            || line.starts_with(b"runtime stack:")
        {
            break;
        }
        end += 1 + len;
    }
    parsed.fields.push(&b"msg"[..], &body[..end]);
    let stack = body[end..].trim_ascii();
    if !stack.is_empty() {
        parsed.fields.push(&b"stack"[..], stack);
    }
}
