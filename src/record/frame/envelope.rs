//! Frames that carry the line inside a JSON object: Docker's json-file, journald, `logcli -o
//! jsonl`, VictoriaLogs, stern's JSON output, Fluent Bit and its kin.

use std::borrow::Cow;

use memchr::memmem;
use serde::Deserialize;

use super::{Layer, Who, prefix};
use crate::record::body;
use crate::record::{Fields, Time, Times};

/// Which tool wrote the object, told by its first key and one more that only this tool writes.
fn carrier(text: &[u8]) -> Option<&'static [u8]> {
    let first = &text[2..text.len().min(66)];
    let first = &first[..memchr::memchr(b'"', first)?];
    let has = |key: &[u8]| memmem::find(text, key).is_some();
    match first {
        b"log" | b"stream" if has(b"\"log\":") => Some(b"log"),
        b"labels" | b"line" | b"timestamp" if has(b"\"line\":") && has(b"\"labels\":") => {
            Some(b"line")
        }
        [b'_' | b'A'..=b'Z', ..] if has(b"\"MESSAGE\":") => Some(b"MESSAGE"),
        _ if has(b"\"_msg\":") => Some(b"_msg"),
        _ if has(b"\"podName\":") && has(b"\"message\":") => Some(b"message"),
        _ if has(b"\"kubernetes\":") && has(b"\"log\":") => Some(b"log"),
        _ if has(b"\"kubernetes\":") && has(b"\"message\":") => Some(b"message"),
        _ => None,
    }
}

/// The line inside the object; `None` if it is not an envelope.
pub(super) fn unwrap<'a>(text: &'a [u8], times: &mut Times) -> Option<Layer<'a>> {
    let key = carrier(text)?;
    let fields = body::parse_json(text);
    let name = std::str::from_utf8(key).ok()?;
    let inside = match fields.cow(name) {
        Some(inside) => inside,
        None => Cow::Owned(journal_bytes(text)?),
    };
    // Docker cuts long lines; only the last piece ends in a line end.
    let docker = key == b"log"
        && fields.get("stream").is_some()
        && fields.get("kubernetes.pod_name").is_none();
    let partial = docker && !inside.ends_with(b"\n");
    let layer = Layer::new(b"");
    Some(Layer {
        who: who(&fields, key),
        time: time(&fields, times),
        body: without_end(inside),
        partial,
        stderr: fields.get("stream") == Some(b"stderr"),
        ..layer
    })
}

fn without_end(mut text: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    let len = text.len()
        - text
            .iter()
            .rev()
            .take_while(|byte| matches!(byte, b'\n' | b'\r'))
            .count();
    match &mut text {
        Cow::Borrowed(text) => *text = &text[..len],
        Cow::Owned(text) => text.truncate(len),
    }
    text
}

/// journald writes a message that is not clean text as an array of bytes.
fn journal_bytes(text: &[u8]) -> Option<Vec<u8>> {
    #[derive(Deserialize)]
    struct Entry {
        #[serde(rename = "MESSAGE")]
        message: Vec<u8>,
    }
    serde_json::from_slice::<Entry>(text)
        .ok()
        .map(|entry| entry.message)
}

fn time(fields: &Fields<'_>, times: &mut Times) -> Option<Time> {
    const KEYS: [&str; 5] = [
        "__REALTIME_TIMESTAMP",
        "time",
        "timestamp",
        "_time",
        "@timestamp",
    ];
    KEYS.iter().find_map(|key| times.value(fields.get(key)?))
}

fn who<'a>(fields: &Fields<'a>, key: &[u8]) -> Option<Who<'a>> {
    const POD: [&str; 8] = [
        "kubernetes.pod_name",
        "kubernetes.pod.name",
        "labels.pod",
        "labels.pod_name",
        "podName",
        "pod",
        "pod_name",
        "k8s.pod.name",
    ];
    const NAMESPACE: [&str; 6] = [
        "kubernetes.namespace_name",
        "kubernetes.namespace",
        "kubernetes.pod_namespace",
        "labels.namespace",
        "namespace",
        "k8s.namespace.name",
    ];
    const CONTAINER: [&str; 7] = [
        "kubernetes.container_name",
        "kubernetes.container.name",
        "labels.container",
        "labels.container_name",
        "containerName",
        "container",
        "k8s.container.name",
    ];
    let first = |keys: &[&str]| {
        let named = |value: &Cow<'_, [u8]>| (1..=prefix::NAME).contains(&value.len());
        keys.iter().find_map(|key| fields.cow(key).filter(named))
    };
    if key == b"MESSAGE" {
        return Some(Who {
            namespace: None,
            pod: first(&["_HOSTNAME"])?,
            container: first(&["CONTAINER_NAME", "SYSLOG_IDENTIFIER", "_COMM"]),
        });
    }
    Some(Who {
        namespace: first(&NAMESPACE),
        pod: first(&POD)?,
        container: first(&CONTAINER),
    })
}
