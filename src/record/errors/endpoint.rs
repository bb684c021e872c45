//! The endpoint in a forwarding error, as each version prints it.
//!
//! | versions | `forwarding …`, `scheduling …` | `backing off …` |
//! | --- | --- | --- |
//! | to 0.34 | `host:10901` | `host:10901` |
//! | 0.35, 0.36 | `host:10901` | `{host:10901 0}` |
//! | 0.37 to 0.41 | `{host:10901 host:19391 az}` | `{{host:10901 host:19391 az} 0}` |
//! | from 0.42 | `addr: host:10901, capnp_addr: host:19391, az: zone` | the same |

/// An endpoint at the beginning of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Endpoint<'t> {
    /// Address, without scheme and path; empty if there is none.
    pub(super) host: &'t [u8],
    /// Cap'n Proto address.
    pub(super) capnp: Option<&'t [u8]>,
    /// Bytes it takes, with the `: ` behind it.
    pub(super) len: usize,
    /// The text ends in it.
    pub(super) cut: bool,
}

/// No printed endpoint is longer.
const LONGEST: usize = 1024;

/// Reads the endpoint that `text` begins with.
pub(super) fn endpoint(text: &[u8]) -> Endpoint<'_> {
    let text = &text[..text.len().min(LONGEST)];
    let braces = text
        .iter()
        .take(2)
        .take_while(|byte| **byte == b'{')
        .count();
    let mut rest = &text[braces..];
    let mut capnp = None;
    let named = strip(&mut rest, b"addr: ");
    let host = token(&mut rest);
    if named {
        if strip(&mut rest, b", capnp_addr: ") {
            capnp = Some(token(&mut rest));
        }
        if strip(&mut rest, b", az: ") {
            let zone = rest
                .iter()
                .take_while(|byte| !matches!(**byte, b':' | b';' | b'"'))
                .count();
            rest = &rest[zone..];
        }
    } else if braces > 0 {
        // Blanks part the members, so an empty one leaves two of them.
        if strip(&mut rest, b" ") {
            let second = token(&mut rest);
            capnp = (!second.iter().all(u8::is_ascii_digit)).then_some(second);
        }
        rest = behind_braces(rest, braces);
    }
    let cut = rest.is_empty();
    if !strip(&mut rest, b": ") {
        strip(&mut rest, b":");
    }
    let whole = !cut || host.iter().any(|byte| matches!(byte, b'.' | b':'));
    Endpoint {
        host: if whole { address(host) } else { b"" },
        capnp: capnp.map(address).filter(|address| !address.is_empty()),
        len: text.len() - rest.len(),
        cut,
    }
}

fn strip(rest: &mut &[u8], head: &[u8]) -> bool {
    let Some(stripped) = rest.strip_prefix(head) else {
        return false;
    };
    *rest = stripped;
    true
}

/// An address: up to a byte that none holds. The colon that parts it from the reason is left.
fn token<'t>(rest: &mut &'t [u8]) -> &'t [u8] {
    let len = rest
        .iter()
        .position(|byte| {
            matches!(
                byte,
                b' ' | b',' | b'{' | b'}' | b';' | b'"' | b'\\' | b'\n' | b'\t'
            )
        })
        .unwrap_or(rest.len());
    let len = len - usize::from(rest[..len].ends_with(b":"));
    let token = &rest[..len];
    *rest = &rest[len..];
    token
}

/// Skips what is left of the printed struct: other members, closing braces, the replica number.
fn behind_braces(text: &[u8], braces: usize) -> &[u8] {
    let mut rest = text;
    for _ in 0..braces {
        match memchr::memchr3(b'}', b';', b'{', rest) {
            Some(at) if rest[at] == b'}' => rest = &rest[at + 1..],
            Some(at) => return &rest[at..],
            None => return b"",
        }
    }
    rest
}

/// `https://host:10901/path` → `host:10901`
fn address(token: &[u8]) -> &[u8] {
    let host = match memchr::memmem::find(token, b"://") {
        Some(at) => &token[at + 3..],
        None => token,
    };
    let host = host.strip_prefix(b"/").unwrap_or(host);
    host.split(|byte| *byte == b'/').next().unwrap_or(host)
}
