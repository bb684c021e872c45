//! The words that the wrappers of error chains are known by.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::Attempt;

/// What a word means.
#[derive(Clone, Copy, Debug)]
pub(super) enum Word {
    /// An attempt to reach the peer whose endpoint follows.
    Peer(Attempt),
    /// The pod whose endpoint follows could not store.
    Store,
    /// The peer named before could not store: it is the writer itself.
    StoreHere,
    /// A replication of what the endpoint that follows owns.
    Replicate,
    /// A gRPC status.
    Rpc,
    /// The count before it opens a list.
    List,
    /// Between the reasons of a list, and within other texts.
    Semicolon,
    /// An HTTP status is near.
    Status,
    /// The status stands right before it.
    StatusBefore,
    /// What follows is the body of the answer.
    Body,
    /// No more than a wrapper.
    Wrapper,
    S3Code,
    S3Message,
}

/// The words, as Thanos, its peers and its senders write them.
pub(super) const WORDS: [(&str, Word); 41] = [
    (
        "forwarding request to endpoint ",
        Word::Peer(Attempt::Forward),
    ),
    (
        "backing off forward request for endpoint ",
        Word::Peer(Attempt::BackOff),
    ),
    (
        "scheduling forward request for endpoint ",
        Word::Peer(Attempt::Schedule),
    ),
    (
        "get peer connection for endpoint ",
        Word::Peer(Attempt::Dial),
    ),
    ("failed to dial peer ", Word::Peer(Attempt::Dial)),
    ("store locally for endpoint ", Word::Store),
    ("storing locally, endpoint ", Word::Store),
    ("writing locally: ", Word::StoreHere),
    ("replicate write request for endpoint ", Word::Replicate),
    ("replicate write request, endpoint ", Word::Replicate),
    ("rpc error: code = ", Word::Rpc),
    (" errors: ", Word::List),
    ("; ", Word::Semicolon),
    ("HTTP status", Word::Status),
    ("Http status", Word::Status),
    ("http status", Word::Status),
    ("status code", Word::Status),
    ("response status", Word::Status),
    (" Client Error: ", Word::StatusBefore),
    (" Server Error: ", Word::StatusBefore),
    ("response body: ", Word::Body),
    ("response body=", Word::Body),
    ("err = %!w(): ", Word::Body),
    ("err = %!w(<nil>): ", Word::Body),
    ("err = ", Word::Body),
    ("connection error: desc = ", Word::Wrapper),
    ("quorum not reached: ", Word::Wrapper),
    ("could not replicate write request: ", Word::Wrapper),
    ("replicate: ", Word::Wrapper),
    ("failed to dial peer: ", Word::Wrapper),
    ("failed writing to peer: ", Word::Wrapper),
    ("writing to peer: ", Word::Wrapper),
    ("rpc failed: ", Word::Wrapper),
    ("stat s3 object: ", Word::Wrapper),
    ("upload s3 object: ", Word::Wrapper),
    ("get s3 object: ", Word::Wrapper),
    ("delete s3 object: ", Word::Wrapper),
    ("panic: ", Word::Wrapper),
    ("fatal error: ", Word::Wrapper),
    ("<Code>", Word::S3Code),
    ("<Message>", Word::S3Message),
];

/// Finds them.
pub(super) static FINDER: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .build(WORDS.map(|(word, _)| word))
        .expect("a few short words")
});

/// How reasons begin, wherever they stand; the first four are forwards.
pub(super) const SURE: [&[u8]; 9] = [
    b"forwarding request to endpoint ",
    b"backing off forward request ",
    b"scheduling forward request ",
    b"get peer connection for endpoint ",
    b"store locally for endpoint ",
    b"storing locally, endpoint ",
    b"replicate write request",
    b"rpc error: code = ",
    b"upload ",
];

/// How reasons begin inside a list that is not complete.
pub(super) const LISTED: [&[u8]; 26] = [
    b"add ",
    b"check exists",
    b"close ",
    b"commit samples",
    b"compact",
    b"conflict",
    b"context ",
    b"create ",
    b"duplicate ",
    b"exceeded",
    b"failed to ",
    b"get appender",
    b"hashring is not",
    b"internal error",
    b"no matching hashring",
    b"no space",
    b"open ",
    b"out of ",
    b"preallocate",
    b"quorum not",
    b"read ",
    b"remove ",
    b"sync",
    b"target not",
    b"upload:",
    b"wri",
];
