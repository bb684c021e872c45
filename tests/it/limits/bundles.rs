//! Bounds of what is read from files, archives and documents.

use std::fs;
use std::io::Write as _;

use rdiag::bundle::Input;
use rdiag::hashring::{Load, Rings, Router, Setup, diff};
use rdiag::limits;
use rdiag::metrics::{Collector, parse_line};
use rdiag::record::Origin;

use super::{gaps, piped};

/// A folder with one file.
fn folder(path: &str, content: &[u8]) -> (tempfile::TempDir, Input) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, content).unwrap();
    let input = Input::open(&[dir.path().to_owned()], None).unwrap();
    (dir, input)
}

fn header(name: &str, kind: u8, size: u64) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_size(size);
    header.set_cksum();
    header.as_bytes().to_vec()
}

#[test]
fn files_beyond_the_bound_are_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..=limits::BUNDLE_FILES {
        let below = dir.path().join(format!("{:03}", n % 500));
        if n < 500 {
            fs::create_dir(&below).unwrap();
        }
        // Links to one file are as many files.
        fs::File::create(below.join(format!("{n}.log"))).unwrap();
    }
    let input = Input::open(&[dir.path().to_owned()], None).unwrap();
    assert!(gaps(&input).contains(&format!("only the first {} files", limits::BUNDLE_FILES)));
}

#[test]
fn a_document_is_read_up_to_a_bound() {
    // A list of a quarter of a gigabyte, packed to a thousandth.
    let event =
        r#"{"kind":"Event","metadata":{"name":"e","namespace":"n"},"reason":"R","message":"m"},"#;
    let block = event.repeat(4000);
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer
        .write_all(br#"{"apiVersion":"v1","kind":"List","items":["#)
        .unwrap();
    let mut written = 0;
    while written < limits::DOCUMENT_BYTES {
        packer.write_all(block.as_bytes()).unwrap();
        written += block.len() as u64;
    }
    packer.write_all(br#"{"kind":"Event"}]}"#).unwrap();
    let input = piped(packer.finish().unwrap());
    assert!(gaps(&input).contains("only the first"), "{}", gaps(&input));
    // The events were all alike; what counts is that those before the cut were read.
    assert!(!input.objects.records.is_empty());
}

#[test]
fn records_of_objects_and_alerts_are_bounded() {
    let more = limits::OBJECT_RECORDS + 1000;
    let events: Vec<String> = (0..more)
        .map(|n| format!(r#"{{"kind":"Event","metadata":{{"name":"e{n}","namespace":"n"}},"reason":"R","message":"{n}"}}"#))
        .collect();
    let list = format!(
        r#"{{"apiVersion":"v1","kind":"List","items":[{}]}}"#,
        events.join(",")
    );
    let input = piped(list.into_bytes());
    assert!(input.objects.records.len() <= limits::OBJECT_RECORDS);
    assert!(
        gaps(&input).contains("above the limit were left out"),
        "{}",
        gaps(&input)
    );
    let alerts: Vec<String> = (0..more)
        .map(|n| format!(r#"{{"status":"firing","labels":{{"alertname":"A{n}"}},"startsAt":"2026-01-01T00:00:00Z"}}"#))
        .collect();
    let payload = format!(
        r#"{{"version":"4","groupKey":"g","status":"firing","alerts":[{}]}}"#,
        alerts.join(",")
    );
    let input = piped(payload.into_bytes());
    assert!(input.objects.records.len() <= limits::OBJECT_RECORDS);
    assert!(
        gaps(&input).contains("above the limit were left out"),
        "{}",
        gaps(&input)
    );
}

#[test]
fn configuration_files_are_bounded_in_length_and_number() {
    let long = vec![b' '; usize::try_from(limits::CONFIG_BYTES).unwrap() + 1];
    let (_dir, input) = folder("config/ns/hashrings.json", &long);
    assert!(gaps(&input).contains("only the first"), "{}", gaps(&input));
    let dir = tempfile::tempdir().unwrap();
    for n in 0..=limits::CONFIG_FILES {
        let place = dir.path().join(format!("config/ns{n}"));
        fs::create_dir_all(&place).unwrap();
        fs::write(
            place.join("hashrings.json"),
            format!(r#"[{{"endpoints":["r-{n}:1"]}}]"#),
        )
        .unwrap();
    }
    let input = Input::open(&[dir.path().to_owned()], None).unwrap();
    assert!(gaps(&input).contains("left out"), "{}", gaps(&input));
}

#[test]
fn archives_are_bounded_in_bytes_names_ratio_and_window() {
    // A member that says it is longer than everything may be; its bytes never come.
    let mut huge = header("logs/n/p/c.log", b'0', limits::ARCHIVE_BYTES + 1);
    huge.extend(b"level=info msg=x\n");
    let packed = zstd::encode_all(&huge[..], 1).unwrap();
    let said = gaps(&piped(packed));
    assert!(
        said.contains("of an archive are unpacked") || said.contains("cut off"),
        "{said}"
    );
    // A name as long as a file.
    let name_bytes = usize::try_from(limits::ARCHIVE_NAME_BYTES).unwrap();
    let name = format!("logs/n/p/{}.log", "x".repeat(8 * name_bytes));
    let mut long = header("././@LongLink", b'L', name.len() as u64);
    long.extend(name.as_bytes());
    long.resize(long.len().div_ceil(512) * 512, 0);
    long.extend(header("short.log", b'0', 0));
    long.extend([0; 1024]);
    let input = piped(long);
    let longest = input
        .streams
        .iter()
        .map(|s| s.name.len())
        .max()
        .unwrap_or(0);
    assert!(longest <= 2 * name_bytes + 64, "{longest}");
    // Zeros that unpack to a thousand times their size.
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![0; 1 << 20];
    let enough = limits::ARCHIVE_RATIO_FLOOR / (1 << 20) + 64;
    (0..enough).for_each(|_| bomb.write_all(&zeros).unwrap());
    let bomb = bomb.finish().unwrap();
    let ratio = (enough << 20) / bomb.len() as u64;
    assert!(
        ratio >= limits::ARCHIVE_RATIO,
        "the test's own bomb is too small: {ratio}"
    );
    let input = piped(bomb);
    for stream in &input.streams {
        let read = std::io::copy(&mut stream.open().unwrap(), &mut std::io::sink()).unwrap();
        assert!(read < limits::ARCHIVE_RATIO_FLOOR + (8 << 20), "{read}");
    }
    assert!(
        gaps(&input).contains("ratio") || gaps(&input).contains("times"),
        "{}",
        gaps(&input)
    );
    // A frame that asks for a window of a gigabyte.
    let exponent = u8::try_from(30 - 10).unwrap();
    const { assert!(30 > limits::ZSTD_WINDOW_LOG) };
    let frame = [
        0x28,
        0xb5,
        0x2f,
        0xfd,
        0x00,
        exponent << 3,
        0x09,
        0x00,
        0x00,
        b'x',
    ];
    let input = piped(frame.to_vec());
    assert!(gaps(&input).contains("zstd"), "{}", gaps(&input));
}

#[test]
fn sections_of_a_dump_are_bounded() {
    let mut text = String::new();
    for n in 0..=limits::DUMP_SECTIONS {
        text.push_str(&format!(
            "==== START logs for container c{n} of pod ns/p ====\nlevel=info msg=x\n==== END logs for container c{n} of pod ns/p ====\n"
        ));
    }
    let (_dir, input) = folder("ns/p/logs.txt", text.as_bytes());
    assert!(input.streams.len() <= limits::DUMP_SECTIONS);
    assert!(gaps(&input).contains("containers"), "{}", gaps(&input));
}

#[test]
fn labels_and_points_of_series_are_bounded() {
    let labels: Vec<String> = (0..=limits::METRIC_LABELS)
        .map(|n| format!("l{n}=\"x\""))
        .collect();
    let many = format!("m{{{}}} 1", labels.join(","));
    let few = format!("m{{{}}} 1", labels[1..].join(","));
    assert!(format!("{:?}", parse_line(&few)).contains("Sample"));
    assert!(!format!("{:?}", parse_line(&many)).contains("Sample"));
    let every = |_: &str| true;
    let mut collector = Collector::new(&every);
    let origin = Origin::pod("p");
    let text = "m 1\n".repeat(4 * limits::METRIC_POINTS);
    collector.scrape(&origin, Some(1), text.as_bytes()).unwrap();
    let collected = format!("{:?}", collector.finish());
    assert!(
        collected.len() < 400 * limits::METRIC_POINTS,
        "{}",
        collected.len()
    );
}

#[test]
fn copies_and_tenants_of_rings_are_bounded() {
    let members: Vec<String> = (0..limits::RING_MEMBERS)
        .map(|n| format!("\"r-{n}:10901\""))
        .collect();
    let file = format!(
        r#"[{{"algorithm":"ketama","endpoints":[{}]}}]"#,
        members.join(",")
    );
    let rings = Rings::parse(&file).unwrap();
    let sections = limits::RING_COPIES / limits::RING_MEMBERS;
    let setup = Setup {
        replication_factor: Some(sections.max(20)),
        ..Setup::default()
    };
    let built = Router::new(&rings, &setup)
        .and_then(|router| router.ring(0, "t").map(|ring| ring.copies()));
    assert!(built.is_err(), "{built:?}");
    let tenants: Vec<String> = (0..=limits::RING_TENANTS)
        .map(|n| format!("\"t{n}\""))
        .collect();
    let file = format!(
        r#"[{{"tenants":[{}],"endpoints":["a:1","b:1","c:1"]}}]"#,
        tenants.join(",")
    );
    let rings = Rings::parse(&file).unwrap();
    let setup = Setup::default();
    let router = Router::new(&rings, &setup).unwrap();
    let same = diff(&router, &router, &Load::default()).unwrap();
    assert_eq!(same.tenants_left_out, 1);
}

#[test]
fn of_too_many_pods_the_first_are_kept() {
    let beyond = 10;
    let pods: Vec<String> = (0..limits::TOPOLOGY_OBJECTS + beyond)
        .map(|n| format!(r#"{{"kind":"Pod","metadata":{{"namespace":"m","name":"r-{n}"}}}}"#))
        .collect();
    let list = pods.join(",");
    let list = format!(r#"{{"apiVersion":"v1","kind":"PodList","items":[{list}]}}"#);
    let input = piped(list.into_bytes());
    assert_eq!(input.objects.topology.pods.len(), limits::TOPOLOGY_OBJECTS);
    let gaps = gaps(&input);
    let expected = format!("{beyond} objects or records above the limit");
    assert!(gaps.contains(&expected), "{gaps}");
}

#[test]
fn rings_that_change_with_every_hash_are_compared_up_to_a_bound() {
    let ring = |algorithm: &str, members: usize| {
        let names: Vec<String> = (0..members).map(|n| format!("\"r-{n}:10901\"")).collect();
        let names = names.join(",");
        let file = format!(r#"[{{"algorithm":"{algorithm}","endpoints":[{names}]}}]"#);
        Rings::parse(&file).unwrap()
    };
    let compared = |hashmod: usize, ketama: usize| {
        let (a, b) = (ring("hashmod", hashmod), ring("ketama", ketama));
        let setup = Setup::default();
        let (a, b) = (
            Router::new(&a, &setup).unwrap(),
            Router::new(&b, &setup).unwrap(),
        );
        diff(&a, &b, &Load::default()).map(|_| ())
    };
    // A thousand sections a member of a ketama ring, each with every remainder.
    assert!(compared(3, 3).is_ok());
    let members = usize::try_from(2 * limits::RING_PIECES / 100_000).unwrap();
    let refused = compared(members, 100);
    assert!(refused.is_err(), "{refused:?}");
}
