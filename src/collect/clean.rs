//! Takes credentials out of the files of a bundle before it leaves the machine.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use serde::de::IgnoredAny;
use serde_json::Value;

use crate::redact::Redactor;

/// Copies the file at `from` to `to` without its credentials; how many there were. What is packed with gzip
/// or zstd is packed so again; what holds a whole archive is refused, since its members cannot be
/// vouched for.
///
/// # Errors
/// When a file cannot be read or written, or its packing is broken.
pub fn file(from: &Path, to: &Path) -> io::Result<u64> {
    let mut out = File::create(to)?;
    let replaced = stream(File::open(from)?, &mut out)?;
    // Documents were looked at as lines of text: they must still be documents.
    let is_json = from.extension().is_some_and(|e| e == "json");
    if replaced > 0 && is_json && is_document(from) && !is_document(to) {
        return by_values(from, to);
    }
    Ok(replaced)
}

fn stream(from: File, to: &mut File) -> io::Result<u64> {
    let mut from = BufReader::new(from);
    let head = from.fill_buf()?;
    let (gzip, zstd) = (
        head.starts_with(&[0x1f, 0x8b]),
        head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]),
    );
    let mut redactor = Redactor::new(Default::default());
    let mut to = BufWriter::new(to);
    if gzip {
        let mut plain = BufReader::new(flate2::bufread::MultiGzDecoder::new(from));
        let mut packer = flate2::write::GzEncoder::new(&mut to, flate2::Compression::default());
        copy(&mut redactor, &mut plain, &mut packer)?;
        packer.finish()?;
    } else if zstd {
        let mut plain = BufReader::new(zstd::stream::read::Decoder::with_buffer(from)?);
        let mut packer = zstd::stream::write::Encoder::new(&mut to, 3)?;
        copy(&mut redactor, &mut plain, &mut packer)?;
        packer.finish()?;
    } else {
        copy(&mut redactor, &mut from, &mut to)?;
    }
    to.flush()?;
    Ok(redactor.replaced())
}

fn copy(redactor: &mut Redactor, from: &mut impl BufRead, to: &mut impl Write) -> io::Result<()> {
    let head = from.fill_buf()?;
    if head.get(257..262) == Some(b"ustar") {
        let why = "it holds an archive, whose members cannot be vouched for";
        return Err(io::Error::new(io::ErrorKind::Unsupported, why));
    }
    redactor.copy(from, to)
}

/// Whether a file is one JSON document.
fn is_document(path: &Path) -> bool {
    File::open(path)
        .is_ok_and(|file| serde_json::from_reader::<_, IgnoredAny>(BufReader::new(file)).is_ok())
}

/// Each string by itself.
fn by_values(from: &Path, to: &Path) -> io::Result<u64> {
    let mut value: Value = serde_json::from_reader(BufReader::new(File::open(from)?))?;
    let mut redactor = Redactor::new(Default::default());
    redactor.document(&mut value);
    let mut out = BufWriter::new(File::create(to)?);
    serde_json::to_writer(&mut out, &value)?;
    out.flush()?;
    Ok(redactor.replaced())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Read as _;

    use super::*;

    fn cleaned(name: &str, bytes: &[u8]) -> (Vec<u8>, u64) {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join(name), folder.path().join("out"));
        std::fs::write(&from, bytes).unwrap();
        let replaced = file(&from, &to).unwrap();
        (std::fs::read(to).unwrap(), replaced)
    }

    #[test]
    fn text_documents_and_packed_text() {
        let log =
            b"level=info msg=a\nlevel=error err=\"https://u:hunter22@h/ refused\"\nodd \xff byte\n";
        let (plain, replaced) = cleaned("a.log", log);
        let text = String::from_utf8_lossy(&plain);
        assert!(
            replaced == 1 && !text.contains("hunter22") && plain.contains(&0xff),
            "{text}"
        );
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(log).unwrap();
        let (packed, _) = cleaned("a.log.gz", &gzip.finish().unwrap());
        let mut text = Vec::new();
        flate2::read::MultiGzDecoder::new(&packed[..])
            .read_to_end(&mut text)
            .unwrap();
        assert_eq!(text, plain);
        let (packed, _) = cleaned("a.log.zst", &zstd::encode_all(&log[..], 1).unwrap());
        assert_eq!(zstd::decode_all(&packed[..]).unwrap(), plain);
    }

    #[test]
    fn documents_stay_documents() {
        for document in [
            r#"{"password": "hunter22", "token": null, "apiKey": 12345678, "n": 1}"#,
            r#"{"password": 12345678, "list": ["--db.password=hunter22", "x"], "key": true}"#,
            r#"{"env":[{"name":"AWS_SECRET_ACCESS_KEY","value":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}]}"#,
        ] {
            let (bytes, replaced) = cleaned("a.json", document.as_bytes());
            let text = String::from_utf8(bytes).unwrap();
            assert!(replaced > 0, "{text}");
            assert!(
                !text.contains("hunter22") && !text.contains("wJalr"),
                "{text}"
            );
            serde_json::from_str::<Value>(&text).unwrap();
        }
    }

    #[test]
    fn archives_within_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut tar = tar::Builder::new(File::create(folder.path().join("a.tar")).unwrap());
        let mut header = tar::Header::new_ustar();
        header.set_size(1);
        tar.append_data(&mut header, "x", &b"x"[..]).unwrap();
        tar.into_inner().unwrap();
        assert!(file(&folder.path().join("a.tar"), &folder.path().join("out")).is_err());
    }
}
