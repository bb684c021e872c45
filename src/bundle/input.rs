//! Everything there is to read, found and sorted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::gaps::{Gap, Gaps};
use super::objects::Objects;
use super::pieces::Part;
use super::place::{self, is_layout};
use super::stream::{Blob, Loose, Once, Stream};
use super::take::{Found, Taker};
use super::topology::Topology;
use super::{BundleError, Manifest};
use crate::limits;
use crate::record::Origin;

/// Everything there is to read.
#[derive(Debug, Default)]
pub struct Input {
    /// Logs, sorted by origin and name, not read yet.
    pub streams: Vec<Stream>,
    /// Scrapes, sorted by pod and time, not read yet.
    pub scrapes: Vec<Scrape>,
    /// Answers of the Prometheus query API, sorted by time, not read yet.
    pub queries: Vec<Query>,
    /// Kubernetes objects, events, alerts, HTTP bodies, configuration.
    pub objects: Objects,
    /// Manifests of the bundles, sorted.
    pub manifests: Vec<Manifest>,
    /// Names of loose logs by their aliases.
    names: BTreeMap<Origin, Origin>,
    pub(super) gaps: Gaps,
}

/// One scrape of one pod: Prometheus text or OpenMetrics.
#[derive(Debug)]
pub struct Scrape {
    /// When, in seconds since the epoch, as the file's name says.
    pub unix: Option<i64>,
    /// Its text; the origin is the pod scraped.
    pub stream: Stream,
}

/// Answers of the Prometheus query API.
#[derive(Debug)]
pub struct Query {
    /// When, in seconds since the epoch, as the file's name says.
    pub unix: Option<i64>,
    /// Its text; the origin is empty.
    pub stream: Stream,
}

impl Input {
    /// Finds everything to read below `paths` (files, folders, archives; `-` is skipped) and in
    /// `stdin`, and reads what is neither a log nor a scrape.
    ///
    /// # Errors
    /// When one of `paths` cannot be opened. Anything else that cannot be read is a gap.
    pub fn open(
        paths: &[PathBuf],
        stdin: Option<Box<dyn Read + Send>>,
    ) -> Result<Self, BundleError> {
        Self::gather(paths, stdin, Part::default()).map(Self::finish)
    }

    /// Finds what [`Input::open`] finds, as far as it belongs to `part`, and leaves open what only
    /// all parts together can tell. It can be scanned, and taken to [`super::Piece`]s; nothing else
    /// should be read from it before [`Input::finish`].
    ///
    /// # Errors
    /// As [`Input::open`].
    pub fn gather(
        paths: &[PathBuf],
        stdin: Option<Box<dyn Read + Send>>,
        part: Part,
    ) -> Result<Self, BundleError> {
        let gaps = Gaps::default();
        let mut taker = Taker::new(gaps.clone(), part);
        let given: Vec<&PathBuf> = paths.iter().filter(|p| p.as_os_str() != "-").collect();
        let several = given.len() + usize::from(stdin.is_some()) > 1;
        let mut pipes = Vec::new();
        for path in given {
            let attempt = |source| BundleError::Open {
                path: path.clone(),
                source,
            };
            let about = fs::metadata(path).map_err(attempt)?;
            if about.is_dir() {
                let mut walk = Walk::new(path, several, &mut taker, &gaps);
                walk.folder(path, 0).map_err(attempt)?;
            } else if about.is_file() {
                taker.take(explicit(path))?;
            } else {
                let file = fs::File::open(path).map_err(attempt)?;
                pipes.push(Box::new(file) as Box<dyn Read + Send>);
            }
        }
        pipes.extend(stdin);
        for (i, pipe) in pipes.into_iter().enumerate() {
            let name = if i == 0 {
                "stdin".to_owned()
            } else {
                format!("stdin {}", i + 1)
            };
            taker.take(Found {
                name,
                path: Vec::new(),
                blob: Blob::Once(Once::new(pipe)),
                anonymous: Some(i + 1),
                explicit: true,
                in_archive: false,
            })?;
        }
        Ok(taker.finish())
    }

    /// What could not be read, sorted. Complete once all streams have been read to their end.
    #[must_use]
    pub fn gaps(&self) -> Vec<Gap> {
        self.gaps.list()
    }

    /// Adds a gap found later.
    pub fn add_gap(&self, what: impl Into<String>, why: impl Into<String>) {
        self.gaps.add(what, why);
    }

    /// Whether there is nothing to look at.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty()
            && self.scrapes.is_empty()
            && self.queries.is_empty()
            && self.objects.records.is_empty()
            && self.objects.hashrings.is_empty()
            && self.objects.limits.is_empty()
    }

    /// Whose lines were counted under `alias`, if they belong under another name: that of a loose
    /// log, or the full name of a pod of which the lines gave only the bare one.
    #[must_use]
    pub fn name_of(&self, alias: &Origin) -> Option<Origin> {
        if let Some(named) = self.names.get(alias) {
            return Some(named.clone());
        }
        if alias.namespace.is_some() {
            return None;
        }
        let namespace = namespace_of(&self.objects.topology, &alias.pod)?;
        Some(Origin {
            namespace: Some(namespace),
            ..alias.clone()
        })
    }

    /// What was taken, in an order that does not depend on where it was found.
    pub(super) fn gathered(mut parts: Self, gaps: Gaps) -> Self {
        parts.gaps = gaps;
        parts.sort();
        parts
    }

    /// Puts together what was gathered.
    #[must_use]
    pub fn finish(mut self) -> Self {
        self.objects.finish(&self.gaps);
        let topology = &self.objects.topology;
        for (stream, origin) in self.streams.iter().zip(named(&self.streams, topology)) {
            if let Some(mut origin) = origin {
                if origin.namespace.is_none() {
                    origin.namespace = namespace_of(topology, &origin.pod);
                }
                self.names.insert(stream.alias.clone(), origin);
            }
        }
        for i in 0..self.streams.len() {
            if let Some(origin) = self.name_of(&self.streams[i].alias) {
                self.streams[i].origin = origin;
            }
        }
        self.sort();
        self
    }

    fn sort(&mut self) {
        self.streams
            .sort_by(|a, b| (&a.origin, &a.name).cmp(&(&b.origin, &b.name)));
        self.scrapes.sort_by(|a, b| {
            (&a.stream.origin, a.unix, &a.stream.name).cmp(&(
                &b.stream.origin,
                b.unix,
                &b.stream.name,
            ))
        });
        self.queries
            .sort_by(|a, b| (a.unix, &a.stream.name).cmp(&(b.unix, &b.stream.name)));
        self.manifests.sort();
    }
}

/// The namespace of the only pod of that name.
fn namespace_of(topology: &Topology, pod: &str) -> Option<Box<str>> {
    let mut named = topology.pods.iter().filter(|p| p.name == pod);
    let only = named.next()?;
    if named.next().is_some() {
        return None;
    }
    only.namespace.as_deref().map(Into::into)
}

/// A file named by the user: read whatever it is called.
fn explicit(path: &Path) -> Found {
    Found {
        name: path
            .file_name()
            .map_or_else(String::new, |n| n.to_string_lossy().into_owned()),
        path: components(path),
        blob: Blob::Path(path.to_owned()),
        anonymous: None,
        explicit: true,
        in_archive: false,
    }
}

/// Whose logs the loose ones are; `None` for the others. By itself the file's name tells the pod. When
/// files of several folders are called alike, or the folder is called like a pod that is known, the
/// folders tell the pods and the names the containers. A file called only "previous container"
/// belongs to the one other log of its folder.
fn named(streams: &[Stream], topology: &Topology) -> Vec<Option<Origin>> {
    let loose = || streams.iter().filter_map(|s| s.loose.as_ref());
    let mut folders: BTreeMap<(&str, bool), BTreeSet<&[String]>> = BTreeMap::new();
    for log in loose() {
        let key = (&*log.origin.pod, log.origin.previous);
        folders.entry(key).or_default().insert(&log.folders);
    }
    let alike = |log: &Loose, previous: bool| {
        let found = folders.get(&(&*log.origin.pod, previous));
        found.is_some_and(|list| list.len() > 1)
    };
    let own = |log: &Loose| {
        let mut origin = log.origin.clone();
        let collides = alike(log, false) || alike(log, true);
        let known = |folder: &&String| collides || topology.pod(None, folder).is_some();
        if let Some(folder) = log.folders.last().filter(known) {
            origin.container = Some(origin.pod.clone());
            origin.pod = folder.as_str().into();
        }
        origin
    };
    let mut siblings: BTreeMap<&[String], BTreeMap<&Origin, Origin>> = BTreeMap::new();
    for stream in streams {
        if let Some(log) = stream.loose.as_ref().filter(|l| !l.bare_previous) {
            let list = siblings.entry(&log.folders).or_default();
            list.insert(&stream.alias, own(log));
        }
    }
    let name = |log: &Loose| {
        let others = siblings.get(log.folders.as_slice());
        let mut others = others.into_iter().flat_map(BTreeMap::values);
        match (others.next(), others.next()) {
            (Some(only), None) if log.bare_previous => Origin {
                previous: true,
                ..only.clone()
            },
            _ => own(log),
        }
    };
    streams.iter().map(|s| s.loose.as_ref().map(name)).collect()
}

/// A walk through one folder given.
struct Walk<'a> {
    /// Parts before those below the folder: what is known of a bundle around it.
    prefix: Vec<String>,
    /// Put before names when several inputs are given.
    label: Vec<String>,
    root: PathBuf,
    /// The folder without links, to see where links lead.
    real_root: PathBuf,
    taker: &'a mut Taker,
    gaps: &'a Gaps,
}

impl<'a> Walk<'a> {
    fn new(root: &Path, several: bool, taker: &'a mut Taker, gaps: &'a Gaps) -> Self {
        let label = components(root).pop().filter(|_| several);
        Self {
            prefix: inside_bundle(root),
            label: label.into_iter().collect(),
            root: root.to_owned(),
            real_root: fs::canonicalize(root).unwrap_or_else(|_| root.to_owned()),
            taker,
            gaps,
        }
    }

    fn folder(&mut self, folder: &Path, depth: usize) -> std::io::Result<()> {
        let mut entries: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(folder)? {
            entries.push(entry?.path());
        }
        entries.sort();
        for path in entries {
            let hidden = path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if !hidden {
                self.entry(&path, depth);
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, depth: usize) {
        let name = self.name(path);
        let about = match fs::metadata(path) {
            Ok(about) => about,
            Err(error) => {
                return self
                    .gaps
                    .add(name, format!("cannot be looked at ({error})"));
            }
        };
        let is_link = fs::symlink_metadata(path).is_ok_and(|m| m.is_symlink());
        if is_link && (about.is_dir() || !self.stays_inside(path)) {
            self.gaps.add(name, "a link that is not followed");
        } else if about.is_dir() {
            if depth >= limits::BUNDLE_DEPTH {
                self.gaps.add(name, "too deep a folder");
            } else if let Err(error) = self.folder(path, depth + 1) {
                self.gaps.add(name, format!("cannot be listed ({error})"));
            }
        } else if about.is_file() {
            let below = path.strip_prefix(&self.root).unwrap_or(path);
            let mut parts = self.prefix.clone();
            parts.extend(components(below));
            let found = Found {
                name: name.clone(),
                path: parts,
                blob: Blob::Path(path.to_owned()),
                anonymous: None,
                explicit: false,
                in_archive: false,
            };
            if let Err(error) = self.taker.take(found) {
                self.gaps.add(name, because(&error));
            }
        } else {
            self.gaps.add(name, "neither a file nor a folder");
        }
    }

    fn stays_inside(&self, path: &Path) -> bool {
        fs::canonicalize(path).is_ok_and(|real| real.starts_with(&self.real_root))
    }

    fn name(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.root).unwrap_or(path);
        let mut parts = self.label.clone();
        parts.extend(components(below));
        parts.join("/")
    }
}

/// An error with its source, in one line.
pub(super) fn because(error: &BundleError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error} ({source})"),
        None => error.to_string(),
    }
}

/// What leads from the bundle around `root` down to it: some folder above has a manifest, or the
/// folder itself is called like a part of the layout.
fn inside_bundle(root: &Path) -> Vec<String> {
    let parts = components(root);
    for up in 1..=4 {
        let Some(above) = root.ancestors().nth(up) else {
            break;
        };
        if above.join("manifest.json").is_file() && parts.len() >= up {
            let below = parts[parts.len() - up..].to_vec();
            if below.first().is_some_and(|first| is_layout(first)) {
                return below;
            }
        }
    }
    let own = parts.last().filter(|name| place::is_layout(name));
    own.cloned().into_iter().collect()
}

fn components(path: &Path) -> Vec<String> {
    path.components()
        .filter_map(|part| match part {
            std::path::Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
            _ => None,
        })
        .collect()
}
