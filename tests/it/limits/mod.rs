//! Each bound of `src/limits.rs` that input can reach bites, and what it drops is counted or said.

mod bundles;
mod collect;
mod listed;
mod reports;
mod serve;

use std::io::Cursor;
use std::time::Duration;

use rdiag::bundle::Input;
use rdiag::hashring::{Rings, Router, Setup};
use rdiag::limits;
use rdiag::metrics::{Collector, Line, read};
use rdiag::pack::Pack;
use rdiag::record::reader::Counts;
use rdiag::record::{Format, Issue, Options, Origin, Reader, Record, errors};

/// What reading a stream gives: records, counts, origins, and those that had no room.
fn read_all(text: String, mut each: impl FnMut(&Record<'_>)) -> (Counts, usize, u64) {
    let mut reader = Reader::new(
        Cursor::new(text.into_bytes()),
        Origin::pod("p"),
        Options::default(),
    );
    while let Some(record) = reader.next().unwrap() {
        each(&record);
    }
    (
        reader.counts(),
        reader.origins().len(),
        reader.origins().overflowed,
    )
}

fn gaps(input: &Input) -> String {
    input
        .gaps()
        .iter()
        .map(|g| format!("{}: {}\n", g.what, g.why))
        .collect()
}

fn piped(bytes: Vec<u8>) -> Input {
    Input::open(&[], Some(Box::new(Cursor::new(bytes)))).unwrap()
}

#[test]
fn a_long_line_is_cut_and_counted() {
    let text = format!(
        "level=info msg={}\nlevel=info msg=next\n",
        "x".repeat(2 * limits::LINE_BYTES)
    );
    let mut bodies = Vec::new();
    let (counts, ..) = read_all(text, |r| {
        bodies.push((r.body.len(), r.truncated, r.issues().has(Issue::Truncated)))
    });
    assert_eq!(
        bodies,
        [(limits::LINE_BYTES, true, true), (19, false, false)]
    );
    assert_eq!(counts.truncated, 1);
}

#[test]
fn many_fields_and_deep_json_are_issues() {
    let fields: String = (0..2 * limits::FIELDS)
        .map(|n| format!(" k{n}=v"))
        .collect();
    let deep = format!(
        "{{\"level\":\"error\",\"a\":{}1{}}}",
        "{\"b\":".repeat(2 * limits::JSON_DEPTH),
        "}".repeat(2 * limits::JSON_DEPTH)
    );
    let wide: String = (0..2 * limits::FIELDS)
        .map(|n| format!(",\"k{n}\":1"))
        .collect();
    for (line, issue) in [
        (format!("level=info{fields}"), Issue::TooManyFields),
        (
            format!("{{\"level\":\"info\"{wide}}}"),
            Issue::TooManyFields,
        ),
        (deep, Issue::DeepJson),
    ] {
        let origin = Origin::pod("p");
        let record = Record::log(&origin, line.as_bytes());
        assert!(record.issues().has(issue), "{issue:?}");
        assert!(record.fields().len() <= limits::FIELDS);
        assert_ne!(record.format(), Format::Plain);
    }
}

#[test]
fn error_chains_are_bounded_in_leaves_and_time() {
    let list: String = (0..4 * limits::ERROR_LEAVES)
        .map(|n| format!("; forwarding request to endpoint r-{n}:1: x"))
        .collect();
    let list = format!("{} errors: {}", 4 * limits::ERROR_LEAVES, &list[2..]);
    assert_eq!(errors::parse(list.as_bytes()).len(), limits::ERROR_LEAVES);
    for unit in [
        "a: ",
        "2 errors: ",
        "rpc error: code = Unavailable desc = ",
        "forwarding request to endpoint a:1: ",
        "\"",
        "{",
        "[",
        "; ",
    ] {
        within(Duration::from_secs(20), unit, || {
            let _ = errors::parse(unit.repeat(1_000_000 / unit.len()).as_bytes());
        });
    }
}

#[test]
fn a_dump_is_folded_up_to_a_bound() {
    let stack: String = (0..2 * limits::FOLDED_LINES)
        .map(|n| format!("main.f{n}()\n\t/a/b.go:{n} +0x1\n"))
        .collect();
    let text = format!("panic: x\n\ngoroutine 1 [running]:\n{stack}level=info msg=next\n");
    let (counts, ..) = read_all(text, |_| {});
    assert!(counts.unfolded_lines > 0, "{counts:?}");
    assert!(counts.records < 10, "{counts:?}");
}

#[test]
fn a_million_pods_share_origins() {
    let text: String = (0..1_000_000)
        .map(|n| format!("[pod/r-{n}/c] level=info msg=x\n"))
        .collect();
    let mut records = 0;
    let (_, origins, overflowed) = read_all(text, |_| records += 1);
    assert_eq!((records, origins), (1_000_000, limits::READER_ORIGINS));
    assert!(overflowed > 800_000);
}

#[test]
fn open_joins_are_given_out_early() {
    let text: String = (0..4 * limits::OPEN_JOINS)
        .map(|n| format!("[pod/r-{n}/c] panic: half of a dump\n[pod/r-{n}/c] \n[pod/r-{n}/c] goroutine 1 [running]:\n"))
        .collect();
    let (counts, ..) = read_all(text, |_| {});
    assert!(counts.early > 0, "{counts:?}");
}

#[test]
fn scrapes_are_bounded() {
    let long = format!(
        "m{{a=\"{}\"}} 1\n",
        "x".repeat(2 * limits::METRIC_LINE_BYTES)
    );
    let stats = read(Cursor::new(long), &|_| true, &mut |_: Line<'_>| {}).unwrap();
    assert!(format!("{stats:?}").contains('1'), "{stats:?}");
    let every = |_: &str| true;
    let mut collector = Collector::new(&every);
    let text: String = (0..limits::METRIC_SERIES + 1000)
        .map(|n| format!("m{{n=\"{n}\"}} 1\n"))
        .collect();
    collector
        .scrape(&Origin::pod("p"), Some(1), Cursor::new(text))
        .unwrap();
    assert!(collector.finish().dropped >= 1000);
}

#[test]
fn hashrings_are_bounded() {
    let members: Vec<String> = (0..=limits::RING_MEMBERS)
        .map(|n| format!("\"r-{n}:10901\""))
        .collect();
    let file = format!(
        "[{{\"algorithm\":\"ketama\",\"endpoints\":[{}]}}]",
        members.join(",")
    );
    let rings = Rings::parse(&file).unwrap();
    let setup = Setup::default();
    let built = Router::new(&rings, &setup)
        .and_then(|router| router.ring(0, "t").map(|ring| ring.copies()));
    assert!(built.is_err(), "{built:?}");
}

#[test]
fn archives_are_bounded_in_members_names_and_links() {
    let header = |name: &str, kind: u8, size: usize| {
        let mut header = tar::Header::new_gnu();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(tar::EntryType::new(kind));
        header.set_size(size as u64);
        header.set_cksum();
        header.as_bytes().to_vec()
    };
    let mut many = header("a.log", b'0', 0).repeat(limits::ARCHIVE_ENTRIES + 1);
    many.extend([0; 1024]);
    assert!(gaps(&piped(many)).contains("only the first"), "members");
    for (name, kind) in [
        ("../x.log", b'0'),
        ("/x.log", b'0'),
        ("x.log", b'2'),
        ("x.log", b'1'),
        ("x.log", b'3'),
    ] {
        let mut bytes = header(name, kind, 0);
        bytes.extend([0; 1024]);
        let input = piped(bytes);
        assert!(
            input.streams.is_empty() && !input.gaps().is_empty(),
            "{name} {kind}"
        );
    }
}

#[test]
fn folders_and_gaps_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let mut deep = dir.path().to_owned();
    (0..limits::BUNDLE_DEPTH + 4).for_each(|_| deep.push("d"));
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::write(deep.join("a.log"), "level=info\n").unwrap();
    let input = Input::open(&[dir.path().to_owned()], None).unwrap();
    assert!(input.streams.is_empty());
    assert!(!gaps(&input).is_empty());
    for n in 0..2 * limits::GAPS {
        input.add_gap(format!("file {n}"), "why");
    }
    assert!(input.gaps().len() <= limits::GAPS + 1);
    assert!(gaps(&input).lines().last().is_some());
}

#[test]
fn objects_values_are_cut() {
    let message = "m".repeat(4 * limits::OBJECT_VALUE_BYTES);
    let event = format!(
        r#"{{"apiVersion":"v1","kind":"Event","metadata":{{"name":"e","namespace":"n"}},"reason":"R","message":"{message}","involvedObject":{{"kind":"Pod","name":"p","namespace":"n"}}}}"#
    );
    let input = piped(event.into_bytes());
    let longest = input
        .objects
        .records
        .iter()
        .flat_map(|r| &r.fields)
        .map(|(_, v)| v.len())
        .max();
    assert!(
        longest.is_some_and(|n| n <= limits::OBJECT_VALUE_BYTES),
        "{longest:?}"
    );
}

#[test]
fn yaml_that_explodes_does_not() {
    let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for n in 1..12 {
        let refs = vec![format!("*a{}", n - 1); 10].join(",");
        bomb.push_str(&format!("a{n}: &a{n} [{refs}]\n"));
    }
    let deep = "[".repeat(200_000);
    within(Duration::from_secs(20), "yaml", || {
        assert!(Pack::load([("causes/x.yaml", bomb.as_bytes())]).is_err());
        assert!(Pack::load([("causes/x.yaml", deep.as_bytes())]).is_err());
    });
}

/// Quadratic time on a megabyte would be hours; the limit leaves room for a loaded machine.
#[allow(clippy::disallowed_methods)] // A test of time.
fn within(limit: Duration, what: &str, run: impl FnOnce()) {
    let start = std::time::Instant::now();
    run();
    assert!(start.elapsed() < limit, "{what}: {:?}", start.elapsed());
}
