//! One file found → what it is for.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::PathBuf;

use super::archive::{self, Store};
use super::contents::kind_of;
use super::gaps::Gaps;
use super::input::{Input, Query, Scrape, because};
use super::pieces::Part;
use super::place::{self, Place};
use super::sniff::{self, Content};
use super::stream::{Blob, Loose, Once, Spool, Stream, TAR_HEADER};
use super::unpack::{Codec, foreign, is_tar, unpacked};
use super::{BundleError, dump};
use crate::limits;
use crate::record::Origin;

/// What the alias of a loose log begins with; no name of a pod does.
const ALIAS: char = '\u{1}';

/// A file found.
pub(super) struct Found {
    /// As it is shown.
    pub(super) name: String,
    /// Parts of its path, as far as they may say what it is.
    pub(super) path: Vec<String>,
    /// Its bytes.
    pub(super) blob: Blob,
    /// Number of a stream that has no name.
    pub(super) anonymous: Option<usize>,
    /// The user named it: it is read whatever it is called.
    pub(super) explicit: bool,
    /// It comes out of an archive: no archive is looked for in it.
    pub(super) in_archive: bool,
}

/// Sorts files into an [`Input`].
pub(super) struct Taker {
    pub(super) input: Input,
    part: Part,
    seen: BTreeSet<PathBuf>,
    files: usize,
    pub(super) gaps: Gaps,
}

/// A file whose packing is known.
pub(super) struct Opened {
    pub(super) found: Found,
    codec: Codec,
    head: Vec<u8>,
}

impl Opened {
    fn file_name(&self) -> &str {
        self.found.path.last().map_or("", String::as_str)
    }

    /// A reader over the unpacked file.
    pub(super) fn reader(&self, gaps: &Gaps) -> Result<Box<dyn Read + Send>, BundleError> {
        let raw = self.found.blob.open(&self.found.name)?;
        Ok(unpacked(raw, self.codec, &self.found.name, gaps))
    }

    fn stream(self, origin: Origin, gaps: &Gaps) -> Stream {
        let size = self.found.blob.len().filter(|_| self.codec == Codec::Plain);
        Stream {
            alias: origin.clone(),
            origin,
            name: self.found.name,
            size,
            blob: self.found.blob,
            codec: self.codec,
            gaps: gaps.clone(),
            loose: None,
        }
    }
}

impl Taker {
    pub(super) fn new(gaps: Gaps, part: Part) -> Self {
        Self {
            input: Input::default(),
            part,
            seen: BTreeSet::new(),
            files: 0,
            gaps,
        }
    }

    pub(super) fn finish(self) -> Input {
        Input::gathered(self.input, self.gaps)
    }

    /// Takes in one file.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(super) fn take(&mut self, found: Found) -> Result<(), BundleError> {
        let parts: Vec<&str> = found.path.iter().map(String::as_str).collect();
        let mut place = match found.anonymous {
            Some(_) => Place::Sniff,
            None => place::place(below_dots(&parts, found.explicit)),
        };
        if found.explicit && matches!(place, Place::Unknown | Place::Archive) {
            place = Place::Sniff;
        }
        match place {
            Place::Never => return Ok(()),
            Place::Secret => {
                self.gaps.add(found.name, "secrets are never read");
                return Ok(());
            }
            Place::Unknown => {
                self.gaps
                    .add(found.name, "not one of the files that are read");
                return Ok(());
            }
            _ => {}
        }
        if self.is_repeated(&found) {
            return Ok(());
        }
        let peek = match place {
            Place::Sniff => limits::PEEK_BYTES,
            _ => TAR_HEADER,
        };
        let Some(opened) = self.open(found, peek)? else {
            return Ok(());
        };
        if is_tar(&opened.head) {
            return self.archive(opened);
        }
        // An archive is everybody's; what is in it is dealt out.
        if !self.part.takes(&opened.found.name) {
            return Ok(());
        }
        self.sort(opened, place)
    }

    /// Whether the same file was taken before, or too many were.
    fn is_repeated(&mut self, found: &Found) -> bool {
        self.files += 1;
        if self.files > limits::BUNDLE_FILES {
            let why = format!("only the first {} files are read", limits::BUNDLE_FILES);
            self.gaps.add("files", why);
            return true;
        }
        match &found.blob {
            Blob::Path(path) => std::fs::canonicalize(path).is_ok_and(|p| !self.seen.insert(p)),
            _ => false,
        }
    }

    /// Looks at the first bytes, unpacked. `None` when the packing is not read.
    fn open(&self, mut found: Found, peek: usize) -> Result<Option<Opened>, BundleError> {
        let raw = found.blob.peek(&found.name, TAR_HEADER)?;
        if let Some(packing) = foreign(&raw) {
            let why = format!("packed with {packing}, which is not read; unpack it first");
            self.gaps.add(found.name, why);
            return Ok(None);
        }
        let mut codec = Codec::of(&raw);
        if codec != Codec::Plain
            && let Blob::Once(_) = &found.blob
        {
            let reader = unpacked(
                found.blob.open(&found.name)?,
                codec,
                &found.name,
                &self.gaps,
            );
            found.blob = Blob::Once(Once::new(reader));
            codec = Codec::Plain;
        }
        let mut head = Vec::new();
        if codec == Codec::Plain {
            head = found.blob.peek(&found.name, TAR_HEADER)?;
            if peek > TAR_HEADER && (sniff::may_be_document(&head) || found.anonymous.is_none()) {
                head = found.blob.peek(&found.name, peek)?;
            }
        } else {
            // Whatever is wrong is noted when the file itself is read.
            let raw = found.blob.open(&found.name)?;
            let mut reader = unpacked(raw, codec, &found.name, &Gaps::default());
            let _ = (&mut reader).take(peek as u64).read_to_end(&mut head);
        }
        Ok(Some(Opened { found, codec, head }))
    }

    fn archive(&mut self, opened: Opened) -> Result<(), BundleError> {
        let name = opened.found.name.clone();
        if opened.found.in_archive {
            self.gaps
                .add(name, "an archive inside an archive; unpack it first");
            return Ok(());
        }
        let mut spool = Spool::default();
        let store = match opened.found.blob.window() {
            Some(window) if opened.codec == Codec::Plain => Store::InPlace(window?),
            _ => Store::Spooled(&mut spool),
        };
        let gaps = self.gaps.clone();
        let want = |path: &[String]| {
            let parts: Vec<&str> = path.iter().map(String::as_str).collect();
            let place = place::place(&parts);
            if place == Place::Unknown {
                let what = format!("{name}!{}", path.join("/"));
                gaps.add(what, "not one of the files that are read");
            }
            if place == Place::Secret {
                gaps.add(
                    format!("{name}!{}", path.join("/")),
                    "secrets are never read",
                );
            }
            !matches!(place, Place::Unknown | Place::Never | Place::Secret)
        };
        let reader = opened.reader(&self.gaps)?;
        for member in archive::members(reader, store, &name, &self.gaps, &want) {
            let found = Found {
                name: member.path.join("/"),
                path: member.path,
                blob: member.blob,
                anonymous: None,
                explicit: false,
                in_archive: true,
            };
            let what = format!("{name}!{}", found.name);
            if let Err(error) = self.take(found) {
                self.gaps.add(what, because(&error));
            }
        }
        Ok(())
    }

    fn sort(&mut self, opened: Opened, place: Place) -> Result<(), BundleError> {
        match place {
            Place::Log(origin) => {
                let stream = opened.stream(origin, &self.gaps);
                self.input.streams.push(stream);
            }
            Place::Loose => self.loose(opened),
            Place::Dump { namespace, pod } => self.dump(opened, namespace, &pod)?,
            Place::Objects { namespace, plural } => {
                self.document(&opened, kind_of(&plural), namespace.as_deref())?;
            }
            Place::Alerts => self.document(&opened, None, None)?,
            Place::Manifest => self.manifest(opened)?,
            Place::Scrape {
                namespace,
                pod,
                unix,
            } => self.scrape(opened, namespace.as_deref(), &pod, unix),
            Place::Query { unix } => {
                let stream = opened.stream(Origin::default(), &self.gaps);
                self.input.queries.push(Query { unix, stream });
            }
            Place::Http {
                namespace,
                pod,
                port,
                path,
            } => self.http(opened, &namespace, &pod, &port, &path)?,
            Place::Config { namespace, file } => self.config(&opened, Some(namespace), &file)?,
            Place::Sniff => self.sniffed(opened)?,
            Place::Archive => {
                let why = "neither an archive nor one of the files that are read";
                self.gaps.add(opened.found.name, why);
            }
            Place::Never | Place::Secret | Place::Unknown => {}
        }
        Ok(())
    }

    fn sniffed(&mut self, opened: Opened) -> Result<(), BundleError> {
        if opened.head.is_empty() && opened.found.anonymous.is_none() {
            self.gaps.add(opened.found.name, "empty");
            return Ok(());
        }
        match sniff::content(&opened.head) {
            Content::Objects | Content::Alerts => self.document(&opened, None, None)?,
            Content::Query => {
                let unix = place::stem(opened.file_name()).parse().ok();
                let stream = opened.stream(Origin::default(), &self.gaps);
                self.input.queries.push(Query { unix, stream });
            }
            Content::Hashring => self.config(&opened, None, "hashrings.json")?,
            Content::Metrics => {
                let pod = anonymous_or_stem(&opened);
                self.scrape(opened, None, &pod, None);
            }
            Content::Unknown if !opened.found.explicit => {
                let why = "JSON of a kind that is not known";
                self.gaps.add(opened.found.name, why);
            }
            Content::Unknown | Content::Log => self.loose(opened),
        }
        Ok(())
    }

    fn loose(&mut self, opened: Opened) {
        if let Some(number) = opened.found.anonymous {
            // A pipe that gives nothing is nothing to look at.
            if opened.head.is_empty() {
                return;
            }
            let origin = Origin {
                pod: format!("?{number}").into(),
                ..Origin::default()
            };
            let stream = opened.stream(origin, &self.gaps);
            self.input.streams.push(stream);
            return;
        }
        let mut folders = opened.found.path.clone();
        folders.pop();
        let loose = Loose {
            origin: place::loose_origin(opened.file_name()),
            folders,
            bare_previous: place::is_bare_previous(opened.file_name()),
        };
        let alias = Origin {
            pod: format!("{ALIAS}{}", opened.found.path.join("/")).into(),
            previous: loose.origin.previous,
            ..Origin::default()
        };
        let stream = Stream {
            loose: Some(loose),
            ..opened.stream(alias, &self.gaps)
        };
        self.input.streams.push(stream);
    }

    fn dump(
        &mut self,
        opened: Opened,
        namespace: Option<String>,
        pod: &str,
    ) -> Result<(), BundleError> {
        let origin = Origin {
            namespace: namespace.as_deref().map(Into::into),
            pod: pod.into(),
            ..Origin::default()
        };
        let window = match opened.found.blob.window() {
            Some(window) if opened.codec == Codec::Plain => Some(window?),
            _ => None,
        };
        let sections = window.as_ref().map(dump::sections).unwrap_or_default();
        let Some(whole) = window.filter(|_| !sections.is_empty()) else {
            let stream = opened.stream(origin, &self.gaps);
            self.input.streams.push(stream);
            return Ok(());
        };
        if sections.len() >= limits::DUMP_SECTIONS {
            let why = format!(
                "only the first {} containers are told apart",
                limits::DUMP_SECTIONS
            );
            self.gaps.add(opened.found.name.as_str(), why);
        }
        for section in sections {
            let blob = Blob::Window(whole.part(section.start, section.len));
            let origin = Origin {
                container: Some(section.container.into()),
                ..origin.clone()
            };
            self.input.streams.push(Stream {
                alias: origin.clone(),
                origin,
                name: opened.found.name.clone(),
                size: blob.len(),
                blob,
                codec: Codec::Plain,
                gaps: self.gaps.clone(),
                loose: None,
            });
        }
        Ok(())
    }

    /// A scrape of a pod.
    pub(super) fn scrape(
        &mut self,
        opened: Opened,
        namespace: Option<&str>,
        pod: &str,
        unix: Option<i64>,
    ) {
        let origin = Origin {
            namespace: namespace.map(Into::into),
            pod: pod.into(),
            ..Origin::default()
        };
        let stream = opened.stream(origin, &self.gaps);
        self.input.scrapes.push(Scrape { unix, stream });
    }
}

/// For a file the user named, only its own name can hide it.
fn below_dots<'a, 'b>(parts: &'b [&'a str], explicit: bool) -> &'b [&'a str] {
    let hidden = |part: &&str| part.starts_with('.');
    let folders = &parts[..parts.len().saturating_sub(1)];
    match folders.iter().rposition(hidden) {
        Some(last) if explicit => &parts[last + 1..],
        _ => parts,
    }
}

fn anonymous_or_stem(opened: &Opened) -> String {
    match opened.found.anonymous {
        Some(number) => format!("?{number}"),
        None => place::loose_origin(opened.file_name()).pod.to_string(),
    }
}
