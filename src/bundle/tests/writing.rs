//! What is written can be read.

use std::io::Write;

use serde_json::json;

use super::super::{BundleError, Writer};
use super::*;

fn write(target: &Path) -> Result<(), BundleError> {
    let writer = Writer::create(target)?;
    writer
        .log("mon", "r-0", "thanos", false)?
        .write_all(b"line\n")
        .unwrap();
    writer
        .log("mon", "r-0", "thanos", true)?
        .write_all(b"before\n")
        .unwrap();
    let pods = json!({"apiVersion": "v1", "kind": "List", "items": [
        {"kind": "Pod", "metadata": {"name": "r-0", "namespace": "mon"}}]});
    writer.object(Some("mon"), "pods", &pods)?;
    writer.object(None, "nodes", &json!({"kind": "List", "items": []}))?;
    writer.metrics("mon", "r-0", 17, b"up 1\n")?;
    writer.query(18, b"{}")?;
    writer.http("mon", "r-0", 10902, "/-/ready", b"OK")?;
    writer.config("mon", "hashrings.json", b"[]")?;
    writer.alerts(br#"{"alerts":[],"groupKey":"x"}"#)?;
    writer.gap("events", "forbidden");
    writer.finish("2026-01-01T00:00:00Z", Some("mon"))
}

#[test]
fn every_form_reads_the_same() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["b", "b.tar", "b.tar.gz", "b.tar.zst"] {
        let target = dir.path().join(name);
        write(&target).unwrap();
        let input = open(&target);
        assert_eq!(all_whose(&input), ["mon/r-0/thanos", "mon/r-0/thanos(p)"]);
        assert_eq!(gaps(&input), ["events: forbidden"]);
        assert_eq!(input.scrapes.len(), 1);
        assert_eq!(input.queries.len(), 1);
        assert_eq!(of_kind(&input, "http")[0].get("ok"), Some("true"));
        assert_eq!(input.objects.hashrings.len(), 1);
        assert_eq!(input.manifests[0].namespace.as_deref(), Some("mon"));
    }
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        4,
        "nothing is left behind"
    );
}

#[test]
fn the_same_bundle_gives_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let [one, two] = ["1.tar.zst", "2.tar.zst"].map(|name| {
        write(&dir.path().join(name)).unwrap();
        fs::read(dir.path().join(name)).unwrap()
    });
    assert_eq!(one, two);
}

#[test]
fn nothing_appears_before_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    let writer = Writer::create(&target).unwrap();
    writer.config("mon", "hashrings.json", b"[]").unwrap();
    assert!(!target.exists());
    drop(writer);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    put(dir.path(), "b/x.log", b"taken");
    assert!(Writer::create(&target).is_err());
}

#[test]
fn names_and_secrets_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let writer = Writer::create(&dir.path().join("b")).unwrap();
    for odd in ["", "..", ".x", "a/b", "a\0b"] {
        assert!(writer.log("mon", odd, "c", false).is_err(), "{odd:?}");
    }
    let secrets = json!({"kind": "List", "items": [{"kind": "Secret"}]});
    for (plural, list) in [("secrets", json!({})), ("things", secrets)] {
        let refused = writer.object(Some("mon"), plural, &list);
        assert!(matches!(refused, Err(BundleError::Secret)));
    }
}
