//! Everything there is to read, found and sorted.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::gaps::{Gap, Gaps};
use super::objects::Objects;
use super::place::{self, is_layout};
use super::stream::{Blob, Once, Stream};
use super::take::{Found, Loose, Taker};
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
    gaps: Gaps,
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
        let gaps = Gaps::default();
        let mut taker = Taker::new(gaps.clone());
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

    /// Puts together what was taken.
    pub(super) fn assemble(mut parts: Self, loose: Vec<Loose>, gaps: Gaps) -> Self {
        parts.objects.finish(&gaps);
        parts.gaps = gaps;
        let topology = &parts.objects.topology;
        parts.streams.extend(named(loose, topology));
        for stream in &mut parts.streams {
            if stream.origin.namespace.is_none() {
                stream.origin.namespace = namespace_of(topology, &stream.origin.pod);
            }
        }
        parts
            .streams
            .sort_by(|a, b| (&a.origin, &a.name).cmp(&(&b.origin, &b.name)));
        parts.scrapes.sort_by(|a, b| {
            (&a.stream.origin, a.unix, &a.stream.name).cmp(&(
                &b.stream.origin,
                b.unix,
                &b.stream.name,
            ))
        });
        parts
            .queries
            .sort_by(|a, b| (a.unix, &a.stream.name).cmp(&(b.unix, &b.stream.name)));
        parts.manifests.sort();
        parts
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

/// Whose logs the loose ones are. By itself the file's name tells the pod. When files of several
/// folders are called alike, or the folder is called like a pod that is known, the folders tell the
/// pods and the names the containers. A file called only "previous container" belongs to the one
/// other log of its folder.
fn named(loose: Vec<Loose>, topology: &Topology) -> Vec<Stream> {
    let mut folders: BTreeMap<(String, bool), Vec<Vec<String>>> = BTreeMap::new();
    for log in &loose {
        let key = (
            log.stream.origin.pod.to_string(),
            log.stream.origin.previous,
        );
        let list = folders.entry(key).or_default();
        if !list.contains(&log.folders) {
            list.push(log.folders.clone());
        }
    }
    let alike = |log: &Loose, previous: bool| {
        let key = (log.stream.origin.pod.to_string(), previous);
        folders.get(&key).is_some_and(|list| list.len() > 1)
    };
    let siblings: Vec<(Vec<String>, Origin, bool)> = loose
        .iter()
        .map(|log| {
            let mut origin = log.stream.origin.clone();
            let collides = alike(log, false) || alike(log, true);
            let known = |folder: &&String| collides || topology.pod(None, folder).is_some();
            if let Some(folder) = log.folders.last().filter(known) {
                origin.container = Some(origin.pod.clone());
                origin.pod = folder.as_str().into();
            }
            (log.folders.clone(), origin, log.bare_previous)
        })
        .collect();
    let mut streams = Vec::new();
    for (log, (folder, origin, _)) in loose.into_iter().zip(&siblings) {
        let mut stream = log.stream;
        stream.origin = origin.clone();
        if log.bare_previous {
            let mut others = siblings
                .iter()
                .filter(|(other, _, bare)| other == folder && !bare);
            if let (Some((_, only, _)), None) = (others.next(), others.next()) {
                stream.origin = Origin {
                    previous: true,
                    ..only.clone()
                };
            }
        }
        streams.push(stream);
    }
    streams
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
