//! Members of a tar archive, each as a blob of its own.
//!
//! Headers are interpreted here rather than by `tar`, because it reads long names of any size into
//! memory. Links are not followed and paths that leave the archive are refused.

use std::io::Read;

use super::gaps::Gaps;
use super::stream::{Blob, Spool, Window};
use crate::limits;

/// One readable member.
#[derive(Debug)]
pub(super) struct Member {
    /// Its path, split; no empty, `.` or `..` parts.
    pub(super) path: Vec<String>,
    /// Its bytes.
    pub(super) blob: Blob,
}

/// Where member bytes come from.
pub(super) enum Store<'a> {
    /// The archive lies unpacked in a file: members are windows into it.
    InPlace(Window),
    /// Members are copied out.
    Spooled(&'a mut Spool),
}

/// All members of the archive that `want` their path; what is not taken becomes a gap.
pub(super) fn members(
    reader: Box<dyn Read + Send>,
    mut store: Store<'_>,
    name: &str,
    gaps: &Gaps,
    want: &dyn Fn(&[String]) -> bool,
) -> Vec<Member> {
    let mut archive = tar::Archive::new(reader);
    let mut found = Vec::new();
    let entries = match archive.entries() {
        Ok(entries) => entries.raw(true),
        Err(error) => {
            gaps.add(name, format!("the archive cannot be read ({error})"));
            return found;
        }
    };
    let mut long_name: Option<Vec<u8>> = None;
    for (seen, entry) in entries.enumerate() {
        if seen >= limits::ARCHIVE_ENTRIES {
            let why = format!("only the first {} members are looked at", seen);
            gaps.add(name, why);
            break;
        }
        let mut entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                gaps.add(name, format!("the archive is damaged or cut off ({error})"));
                break;
            }
        };
        let kind = entry.header().entry_type();
        if kind.is_gnu_longname() {
            long_name = Some(short(&mut entry));
        } else if kind.is_pax_local_extensions() {
            long_name = pax_path(&short(&mut entry)).or(long_name);
        } else {
            let raw = long_name
                .take()
                .unwrap_or_else(|| entry.header().path_bytes().into_owned());
            let Some(path) = accepted(&raw, kind, name, gaps) else {
                continue;
            };
            if !want(&path) {
                continue;
            }
            match blob(&mut entry, &mut store, name, &path, gaps) {
                Some(blob) => found.push(Member { path, blob }),
                None => break,
            }
        }
    }
    found
}

/// The path of a regular member; links, devices and odd paths become gaps.
fn accepted(raw: &[u8], kind: tar::EntryType, name: &str, gaps: &Gaps) -> Option<Vec<String>> {
    if kind.is_dir() || kind.is_pax_global_extensions() || kind.is_gnu_longlink() {
        return None;
    }
    let text = String::from_utf8_lossy(raw.strip_suffix(b"\0").unwrap_or(raw)).into_owned();
    let what = format!("{name}!{text}");
    if !kind.is_file() && !kind.is_contiguous() {
        gaps.add(what, "links and devices in archives are not read");
        return None;
    }
    let parts: Vec<&str> = text
        .split('/')
        .filter(|p| !p.is_empty() && *p != ".")
        .collect();
    let outside = text.starts_with('/') || parts.contains(&"..");
    let odd = text.contains('\0') || parts.is_empty() || parts.len() > limits::BUNDLE_DEPTH;
    if outside || odd {
        gaps.add(what, "its path leads out of the archive or is malformed");
        return None;
    }
    Some(parts.into_iter().map(str::to_owned).collect())
}

/// The member's bytes; `None` when no more can be taken.
fn blob<R: Read>(
    entry: &mut tar::Entry<'_, R>,
    store: &mut Store<'_>,
    name: &str,
    path: &[String],
    gaps: &Gaps,
) -> Option<Blob> {
    let size = entry.size();
    let spool = match store {
        Store::InPlace(whole) => {
            let part = whole.part(entry.raw_file_position(), size);
            return Some(Blob::Window(part));
        }
        Store::Spooled(spool) => spool,
    };
    let left = limits::ARCHIVE_BYTES.saturating_sub(spool.len());
    match spool.copy(entry, left.min(size)) {
        Ok(_) if size > left => {
            let why = format!(
                "only {} bytes of an archive are unpacked",
                limits::ARCHIVE_BYTES
            );
            gaps.add(name, why);
            None
        }
        Ok((window, _)) => Some(Blob::Window(window)),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            let why = format!("{error} ({})", cause.unwrap_or_default());
            gaps.add(format!("{name}!{}", path.join("/")), why);
            None
        }
    }
}

/// The content of a header extension, cut to a sane size.
fn short(entry: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    // An error shows again at the next entry.
    let _ = entry
        .take(limits::ARCHIVE_NAME_BYTES * 2)
        .read_to_end(&mut bytes);
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    bytes
}

/// `path` of a pax extension: records of the form `LENGTH key=value\n`.
fn pax_path(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut path = None;
    while let Some(space) = bytes.iter().position(|b| *b == b' ') {
        let length: usize = std::str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
        let record = bytes.get(space + 1..length)?;
        if let Some(value) = record.strip_prefix(b"path=") {
            path = Some(value.strip_suffix(b"\n").unwrap_or(value).to_vec());
        }
        bytes = &bytes[length..];
    }
    path
}
