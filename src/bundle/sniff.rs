//! What a file holds, told by its first bytes.

/// Kinds of content that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Lines.
    Log,
    /// Kubernetes objects as JSON.
    Objects,
    /// Alerts.
    Alerts,
    /// An answer of the Prometheus query API.
    Query,
    /// A hashring file.
    Hashring,
    /// A scrape.
    Metrics,
    /// JSON that is none of these.
    Unknown,
}

/// Whether `head` may be a JSON document rather than lines: it starts like one and its first line
/// is not a whole object.
pub(super) fn may_be_document(head: &[u8]) -> bool {
    matches!(trim(head).first(), Some(b'{' | b'['))
}

/// What `head` is the start of.
pub(super) fn content(head: &[u8]) -> Content {
    let text = trim(head);
    match text.first() {
        Some(b'{' | b'[') => json(text),
        Some(b'#') if text.starts_with(b"# HELP ") || text.starts_with(b"# TYPE ") => {
            Content::Metrics
        }
        _ => Content::Log,
    }
}

/// Keys decide, and only the quoted names, so that the order of keys and white space do not matter.
fn json(text: &[u8]) -> Content {
    let has = |key: &str| memchr::memmem::find(text, key.as_bytes()).is_some();
    let whole_first_line = first_line_is_whole(text);
    if has("\"apiVersion\"") && has("\"kind\"") {
        // A log line may quote an object: lines have a message beside it.
        let line = whole_first_line && (has("\"msg\"") || has("\"level\"") || has("\"log\""));
        return if line { Content::Log } else { Content::Objects };
    }
    if has("\"labels\"") && (has("\"startsAt\"") || has("\"activeAt\"")) {
        return Content::Alerts;
    }
    if has("\"resultType\"") {
        return Content::Query;
    }
    if has("\"endpoints\"") && !has("\"msg\"") {
        return Content::Hashring;
    }
    if whole_first_line {
        return Content::Log;
    }
    Content::Unknown
}

/// Whether the first line is a whole object, as in JSON lines.
fn first_line_is_whole(text: &[u8]) -> bool {
    let line = text.split(|b| *b == b'\n').next().unwrap_or_default();
    text.starts_with(b"{") && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok()
}

fn trim(head: &[u8]) -> &[u8] {
    head.strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(head)
        .trim_ascii_start()
}
