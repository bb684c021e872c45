//! Which lines are recognised, and which are not because something hangs on how they differ.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::limits;
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
    let pack = Pack::load(
        FILES
            .iter()
            .map(|(p, b)| ((*p).to_owned(), b.as_bytes().to_vec())),
    )
    .unwrap();
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

/// Shows the line as often as it takes to be remembered.
fn teach(recall: &mut Recall<()>, (matcher, pack): (&Matcher, &Pack), line: &str) {
    let mut reader = Reader::piece(
        format!("{line}\n").repeat(4).into_bytes(),
        Origin::pod("?1"),
        crate::record::Options::default(),
        crate::record::reader::Carry::default(),
    );
    while let Some((record, line, body)) = reader.next_in_line().unwrap() {
        recall.learn(matcher, pack, &record, (line, body), 0, |_| ());
    }
}

#[test]
fn more_than_there_is_room_for_is_forgotten() {
    let files = FILES.iter();
    let pack = Pack::load(files.map(|(p, b)| ((*p).to_owned(), b.as_bytes().to_vec()))).unwrap();
    let matcher = Matcher::new(&pack);
    let with = (&matcher, &pack);

    // Kinds of lines, short ones and long ones.
    let long = "k".repeat(limits::RECALL_LINE_BYTES / 2);
    for (name, kinds) in [
        ("k", limits::RECALL_NODES + 2),
        (&long, 2 * limits::RECALL_BYTES / long.len() + 2),
    ] {
        let mut recall: Recall<()> = Recall::default();
        let mut was_full = 0;
        for n in 0..kinds {
            let before = recall.tree.is_full();
            teach(&mut recall, with, &format!("level=info {name}{n}=1"));
            // The next kind finds an empty tree.
            assert!(!(before && recall.tree.is_full()), "{n}");
            was_full += usize::from(before);
        }
        assert!(was_full > 0, "{kinds} kinds have room");
    }

    // Outcomes of one kind of line.
    let mut recall: Recall<()> = Recall::default();
    let mut most = 0;
    // A few get lost where two lines have one place among those seen once.
    for n in 0..limits::RECALL_OUTCOMES + 100 {
        let line = LINE.replace("tenant=a", &format!("tenant=t{n}"));
        teach(&mut recall, with, &line);
        most = most.max(recall.outcomes.len());
    }
    assert_eq!(most, limits::RECALL_OUTCOMES);
    assert!(recall.outcomes.len() < most);
    assert_eq!(recall.once.len(), limits::RECALL_ONCE);

    // Lines as long as may be, and longer ones.
    for (len, expected) in [
        (limits::RECALL_LINE_BYTES, true),
        (limits::RECALL_LINE_BYTES + 1, false),
    ] {
        let mut recall: Recall<()> = Recall::default();
        let line = format!("level=info msg={}", "x".repeat(len - 16));
        assert_eq!(line.len() + 1, len);
        teach(&mut recall, with, &line);
        let asked = format!("{line}\n");
        let known = recall.known(&matcher, &pack, asked.as_bytes(), 0);
        assert_eq!(known.is_some(), expected, "{len}");
    }
}
