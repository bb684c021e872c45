//! Packed input: what is read, what is refused, what is cut off.

use proptest::prelude::*;

use super::*;
use crate::limits;

const MEMBERS: [(&str, &[u8]); 4] = [
    ("bundle/logs/mon/r-0/c.log", b"line\n"),
    ("bundle/logs/mon/r-0/c.previous.log", b"before\n"),
    ("bundle/notes.md", b"x"),
    ("bundle/truth.yaml", b"cause: x"),
];

#[test]
fn archives_of_every_packing() {
    let dir = tempfile::tempdir().unwrap();
    let plain = tar(&MEMBERS);
    for (name, bytes) in [
        ("b.tar", plain.clone()),
        ("b.tar.gz", gz(&plain)),
        ("b.tgz", gz(&plain)),
        ("b.tar.zst", zst(&plain)),
        ("misnamed.log", gz(&plain)),
        ("misnamed.tar", zst(&plain)),
    ] {
        put(dir.path(), name, &bytes);
        for input in [open(&dir.path().join(name)), open(dir.path())] {
            assert_eq!(all_whose(&input), ["mon/r-0/c", "mon/r-0/c(p)"], "{name}");
            assert_eq!(text(&input.streams[0]), "line\n");
            let gap = format!("{name}!bundle/notes.md: not one of the files that are read");
            assert_eq!(gaps(&input), [gap]);
        }
        fs::remove_file(dir.path().join(name)).unwrap();
    }
}

#[test]
fn long_names_of_both_kinds() {
    let deep = format!(
        "bundle/{}/logs/mon/r-0/{}.log",
        "d".repeat(120),
        "c".repeat(90)
    );
    let gnu = tar(&[(&deep, b"x\n")]);
    let mut builder = tar::Builder::new(Vec::new());
    builder
        .append_pax_extensions([("path", deep.as_bytes())])
        .unwrap();
    let mut header = tar::Header::new_ustar();
    header.set_size(2);
    builder
        .append_data(&mut header, "short", &b"x\n"[..])
        .unwrap();
    let pax = builder.into_inner().unwrap();
    for bytes in [gnu, pax] {
        let expected = format!("mon/r-0/{}", "c".repeat(90));
        assert_eq!(all_whose(&piped(&bytes)), [expected]);
    }
}

#[test]
fn links_and_paths_outside_are_refused() {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    builder
        .append_link(&mut header, "a.log", "/etc/passwd")
        .unwrap();
    for name in ["../up.log", "/abs.log", "x/../../up.log"] {
        let mut header = tar::Header::new_gnu();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(2);
        header.set_cksum();
        builder.append(&header, &b"x\n"[..]).unwrap();
    }
    let input = piped(&gz(&builder.into_inner().unwrap()));
    assert!(input.streams.is_empty());
    assert_eq!(gaps(&input).len(), 4);
}

#[test]
fn cut_off_archives_yield_what_is_there() {
    let noise: String = (0..20_000_u64)
        .map(|i| format!("{:x}\n", i.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect();
    let whole = tar(&[
        ("logs/mon/r-0/c.log", b"line\n"),
        ("logs/mon/r-1/c.log", noise.as_bytes()),
    ]);
    for packed in [whole.clone(), gz(&whole), zst(&whole)] {
        let cut = &packed[..packed.len() * 3 / 4];
        let input = piped(cut);
        assert_eq!(text(&input.streams[0]), "line\n");
        assert!(!input.gaps().is_empty());
    }
}

#[test]
fn cut_off_logs_yield_what_is_there_and_a_gap() {
    let lines: String = (0..200_000_u64)
        .map(|i| format!("{:x}\n", i.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect();
    let dir = tempfile::tempdir().unwrap();
    for (name, packed) in [
        ("a.log.gz", gz(lines.as_bytes())),
        ("a.log.zst", zst(lines.as_bytes())),
    ] {
        put(dir.path(), name, &packed[..packed.len() / 2]);
        let input = open(&dir.path().join(name));
        assert!(input.gaps().is_empty(), "not read yet");
        let read = text(&input.streams[0]);
        assert!(lines.starts_with(&read) && read.len() > lines.len() / 4);
        assert!(gaps(&input)[0].contains("cut off"), "{:?}", gaps(&input));
    }
}

#[test]
fn bombs_are_defused() {
    let zeros = vec![b'a'; (limits::ARCHIVE_RATIO_FLOOR + (8 << 20)) as usize];
    let input = piped(&zst(&zeros));
    let read = std::io::copy(&mut input.streams[0].open().unwrap(), &mut std::io::sink());
    assert!(read.unwrap() <= limits::ARCHIVE_RATIO_FLOOR + (1 << 20));
    assert!(gaps(&input)[0].contains("times its size"));
}

#[test]
fn an_archive_inside_an_archive_is_a_gap() {
    let inner = tar(&MEMBERS);
    let outer = tar(&[("inner.tar", &inner), ("a.log.gz", &gz(b"packed\n"))]);
    let input = piped(&outer);
    assert_eq!(text(&input.streams[0]), "packed\n");
    assert!(gaps(&input)[0].contains("inside an archive"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_archives_do_not_panic(at in 0_usize..4096, with: u8, cut in 0_usize..4096, codec in 0..3) {
        let mut bytes = tar(&MEMBERS);
        bytes = match codec { 0 => bytes, 1 => gz(&bytes), _ => zst(&bytes) };
        let len = bytes.len();
        bytes[at % len] = with;
        bytes.truncate(len - cut % len);
        let input = piped(&bytes);
        for stream in &input.streams {
            let _ = std::io::copy(&mut stream.open().unwrap(), &mut std::io::sink());
        }
    }

    #[test]
    fn arbitrary_input_does_not_panic(bytes: Vec<u8>) {
        let input = piped(&bytes);
        for stream in &input.streams {
            let _ = std::io::copy(&mut stream.open().unwrap(), &mut std::io::sink());
        }
    }

    #[test]
    fn arbitrary_headers_do_not_panic(mut bytes in prop::collection::vec(any::<u8>(), 1024..2048)) {
        // With a checksum that holds, the rest is taken at its word.
        let mut header = tar::Header::from_byte_slice(&bytes[..512]).clone();
        header.set_cksum();
        bytes[..512].copy_from_slice(header.as_bytes());
        for stream in &piped(&bytes).streams {
            let _ = std::io::copy(&mut stream.open().unwrap(), &mut std::io::sink());
        }
    }
}
