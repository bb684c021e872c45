//! Which lines are recognised, and which are not because something hangs on how they differ.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::record::{Origin, Reader};

const FILES: &[(&str, &str)] = &[
    (
        "signatures/a/written.yaml",
        "title: Written\nseverity: info\nvariants: [{where: {msg: write block completed}}]\n\
         extract: {tenant: {from: tenant}, block: {from: ulid}}\nabout: tenant\n",
    ),
    (
        "signatures/a/slow.yaml",
        "title: Slow\nseverity: info\nvariants: [{where: {msg: write block completed, duration: {regex: '^[0-9]+h'}}}]\n",
    ),
    (
        "signatures/a/lost.yaml",
        "title: Lost\nseverity: error\nvariants: [{where: {line: {contains: connection-was-lost}}}]\n",
    ),
];

const LINE: &str = "ts=2026-03-01T00:00:01.5Z level=info tenant=a msg=\"write block completed\" \
                    ulid=01HXVT2Q8B3E3M1YQ3N2ZC7F8A duration=3.5ms dir=/data/1";

/// Is a line recognised, once [`LINE`] was seen often enough?
#[track_caller]
fn check(line: &str, expected: bool) {
    let pack = Pack::load(FILES.iter().copied()).unwrap();
    let matcher = Matcher::new(&pack);
    for frame in ["", "[pod/a-0/b] ", "2026-03-01T00:00:02Z stderr F "] {
        let mut recall: Recall<()> = Recall::default();
        let text = format!("{frame}{LINE}\n").repeat(8);
        let mut reader = Reader::piece(
            text.into_bytes(),
            Origin::pod("?1"),
            crate::record::Options::default(),
            crate::record::reader::Carry::default(),
        );
        while let Some((record, line, body)) = reader.next_in_line().unwrap() {
            recall.learn(&matcher, &pack, &record, (line, body), 0, |_| ());
        }
        let asked = format!("{frame}{line}\nmore");
        let known = recall.known(&matcher, &pack, asked.as_bytes(), 0);
        assert_eq!(known.is_some(), expected, "{asked}");
        if let Some(known) = known {
            assert_eq!(
                (known.body, known.len),
                (frame.len(), frame.len() + line.len())
            );
        }
        assert!(recall.known(&matcher, &pack, asked.as_bytes(), 1).is_none());
    }
}

#[test]
fn the_same_at_another_time() {
    check(LINE, true);
    check(&LINE.replace("01.5Z", "02.123456789Z"), true);
    check(&LINE.replace("3.5ms", "12µs"), true);
    check(&LINE.replace("3N2ZC7F8A", "AAAAAAAAA"), true);
    check(&LINE.replace("/data/1", "/data/2"), true);
}

#[test]
fn what_matters_differs() {
    check(&LINE.replace("tenant=a", "tenant=b"), false);
    check(&LINE.replace("3.5ms", "3h"), false);
    check(&LINE.replace("level=info", "level=warn"), false);
    check(&LINE.replace("/data/1", "connection-was-lost"), false);
    check(&LINE.replace("/data/1", "\"a b\""), false);
    check(&LINE.replace("/data/1", "/data/1 more=1"), false);
    check(&LINE.replace("01.5Z", "yesterday"), false);
    check(&LINE.replace(" msg", "  msg"), false);
}
