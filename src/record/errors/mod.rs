//! Error chains, taken apart.
//!
//! A refused write is answered with one line of text that holds the reasons of all replicas, each
//! wrapped by every hop it came through: `2 errors: forwarding request to endpoint A: rpc error:
//! code = Unavailable desc = …; backing off forward request for endpoint B: …`. A [`Leaf`] is one
//! such reason: who could not be reached, by which attempt, with which code, and why. Senders
//! quote the same text behind an HTTP status, and cut it, so every part may be missing.
//!
//! One pass over the text finds the words that wrappers are known by; nothing recurses, and time
//! is linear in the text whatever it nests.

use std::borrow::Cow;

use super::{Format, Record};

mod dump;
mod endpoint;
mod scan;
mod words;

#[cfg(test)]
mod tests;

/// What was tried when it failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attempt {
    /// No forward: a plain error.
    #[default]
    None,
    /// `forwarding request to endpoint`: the peer was asked.
    Forward,
    /// `backing off forward request for endpoint`: it was not even asked.
    BackOff,
    /// `scheduling forward request for endpoint`: its workers stayed busy.
    Schedule,
    /// `get peer connection for endpoint`, `failed to dial peer`: no connection was made.
    Dial,
    /// `store locally for endpoint`, `writing locally`: the pod's own storage.
    Local,
    /// `replicate write request for endpoint`: the copies of what that endpoint owns; which of
    /// them failed is not said.
    Replicate,
}

impl Attempt {
    /// Its name in packs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Forward => "forward",
            Self::BackOff => "back-off",
            Self::Schedule => "schedule",
            Self::Dial => "dial",
            Self::Local => "local",
            Self::Replicate => "replicate",
        }
    }
}

/// One reason in an error chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leaf<'r> {
    /// The reason from its nearest forward on; without a forward, with all its context. For
    /// dumps of fatal errors the whole dump.
    pub text: Cow<'r, [u8]>,
    /// The innermost message, without any known wrapper.
    pub cause: &'r [u8],
    /// What was tried.
    pub attempt: Attempt,
    /// `host:port` of the peer that the attempt was about (gRPC; for a lone `failed to dial peer`
    /// the address dialled).
    pub peer: Option<&'r [u8]>,
    /// The peer's Cap'n Proto address, from Thanos 0.37 on.
    pub capnp: Option<&'r [u8]>,
    /// The endpoint that a replication was for. It is not known to be at fault.
    pub owner: Option<&'r [u8]>,
    /// The endpoint that failed to store in its own TSDB.
    pub local: Option<&'r [u8]>,
    /// gRPC code that the attempt came back with: the outermost of this leaf.
    pub code: Option<&'r [u8]>,
    /// The innermost gRPC code; differs where a peer quotes another peer.
    pub inner_code: Option<&'r [u8]>,
    /// HTTP status that a sender quotes.
    pub http: Option<u16>,
    /// Code of an S3 error body (`AccessDenied`).
    pub s3: Option<&'r [u8]>,
    /// The text ends before the leaf does, or in the middle of its endpoint.
    pub cut: bool,
}

impl Leaf<'_> {
    /// Value of a pseudo-field: `leaf`, `cause`, `peer`, `capnp`, `owner`, `local`, `code`,
    /// `inner_code`, `http`, `s3` or `attempt`. `None` for other names, and where it has none.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        let value = match name {
            "leaf" => &self.text,
            "cause" => self.cause,
            "peer" => self.peer?,
            "capnp" => self.capnp?,
            "owner" => self.owner?,
            "local" => self.local?,
            "code" => self.code?,
            "inner_code" => self.inner_code?,
            "http" => return Some(Cow::Owned(self.http?.to_string().into_bytes())),
            "s3" => self.s3?,
            "attempt" => self.attempt.name().as_bytes(),
            _ => return None,
        };
        Some(Cow::Borrowed(value))
    }

    /// The pseudo-fields that [`Leaf::field`] knows.
    pub const FIELDS: [&'static str; 11] = [
        "leaf",
        "cause",
        "peer",
        "capnp",
        "owner",
        "local",
        "code",
        "inner_code",
        "http",
        "s3",
        "attempt",
    ];
}

/// The leaves of a record's `err`, or else `error`, or else `msg` (of plain text: the line), or
/// else `message`. At most [`crate::limits::ERROR_LEAVES`] of each value.
#[must_use]
pub fn leaves<'r>(record: &'r Record<'_>) -> Vec<Leaf<'r>> {
    let fields = record.fields();
    for key in ["err", "error", "msg", "message"] {
        let mut all = Vec::new();
        for text in fields
            .all(key)
            .filter(|text| !matches!(*text, b"" | b"null"))
        {
            all.append(&mut parse(text));
        }
        if !all.is_empty() {
            return all;
        }
    }
    match record.format() {
        Format::Plain => parse(record.body),
        _ => Vec::new(),
    }
}

/// The leaves of an error text, at least one unless it is blank. A text that is no chain is one
/// leaf whose cause is the text.
#[must_use]
pub fn parse(text: &[u8]) -> Vec<Leaf<'_>> {
    let text = text.trim_ascii();
    let root = dump::root(text);
    let mut leaves = scan::scan(root);
    if let ([leaf], false) = (leaves.as_mut_slice(), root.len() == text.len()) {
        leaf.text = Cow::Borrowed(text);
    }
    leaves
}
