//! What a file is, told by where it lies and what it is called.

use crate::record::Origin;

/// What a path says about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Never looked at, and no gap: the truth and the report of a fixture, dotfiles.
    Never,
    /// Secrets: not opened, and a gap says so.
    Secret,
    /// `manifest.json`.
    Manifest,
    /// A log whose pod the path names.
    Log(Origin),
    /// A log of which only the file's name tells the pod.
    Loose,
    /// `logs.txt` of a `kubectl cluster-info dump`: all containers of a pod.
    Dump {
        /// Namespace, if a folder above names it.
        namespace: Option<String>,
        /// Pod.
        pod: String,
    },
    /// Kubernetes objects; the kind is a fallback for items that do not say.
    Objects {
        /// Namespace, for kinds that have one.
        namespace: Option<String>,
        /// Plural, as the file is called.
        plural: String,
    },
    /// A scrape.
    Scrape {
        /// Namespace.
        namespace: Option<String>,
        /// Pod.
        pod: String,
        /// When, in seconds since the epoch.
        unix: Option<i64>,
    },
    /// Answers of the Prometheus query API.
    Query {
        /// When, in seconds since the epoch.
        unix: Option<i64>,
    },
    /// Body of an HTTP endpoint of a pod.
    Http {
        /// Namespace.
        namespace: String,
        /// Pod.
        pod: String,
        /// Port.
        port: String,
        /// Path, without the leading slash.
        path: String,
    },
    /// A file as mounted.
    Config {
        /// Namespace.
        namespace: String,
        /// File name.
        file: String,
    },
    /// Alerts.
    Alerts,
    /// The content decides.
    Sniff,
    /// Perhaps an archive, perhaps a compressed file with an inner name that says nothing.
    Archive,
    /// Not one of the names that are read.
    Unknown,
}

const LAYOUT: [&str; 5] = ["logs", "kubernetes", "metrics", "http", "config"];

/// Whether a folder of this name is part of a bundle.
pub(super) fn is_layout(name: &str) -> bool {
    LAYOUT.contains(&name)
}

/// What the file at `path` is. `path` starts at the folder given, or further up where that is known
/// to be inside a bundle.
pub(super) fn place(path: &[&str]) -> Place {
    let Some((file, folders)) = path.split_last() else {
        return Place::Unknown;
    };
    let (name, packed) = unsuffixed(file);
    if is_never(file) || is_never(name) || folders.iter().any(|f| f.starts_with('.')) {
        return Place::Never;
    }
    if is_secret(name) {
        return Place::Secret;
    }
    for start in 0..folders.len() {
        if let Some(place) = in_layout(&folders[start..], name) {
            return place;
        }
    }
    if let Some(place) = on_node(folders, name) {
        return place;
    }
    by_name(folders, name, packed)
}

/// Names that no walk ever opens.
fn is_never(name: &str) -> bool {
    name == "truth.yaml" || name == "report.txt" || name.starts_with('.')
}

/// Files of Kubernetes secrets.
fn is_secret(name: &str) -> bool {
    !name.ends_with(".log") && matches!(stem(name), "secret" | "secrets")
}

/// The layout of `design.md` § 5, with `folders[0]` as its first part.
fn in_layout(folders: &[&str], name: &str) -> Option<Place> {
    let place = match folders {
        ["logs", namespace, pod] if is_text(name) => {
            let (container, previous) = container(stem(name));
            Place::Log(origin(Some(namespace), pod, Some(container), previous))
        }
        ["kubernetes", inner @ ..] if inner.len() < 2 && name.ends_with(".json") => {
            Place::Objects {
                namespace: inner.first().map(|n| (*n).to_owned()),
                plural: stem(name).to_owned(),
            }
        }
        ["metrics", "queries"] if name.ends_with(".json") => Place::Query {
            unix: stem(name).parse().ok(),
        },
        ["metrics", namespace, pod] if name.ends_with(".prom") => Place::Scrape {
            namespace: Some((*namespace).to_owned()),
            pod: (*pod).to_owned(),
            unix: stem(name).parse().ok(),
        },
        ["http", namespace, pod, port, rest @ ..] if port.parse::<u16>().is_ok() => Place::Http {
            namespace: (*namespace).to_owned(),
            pod: (*pod).to_owned(),
            port: (*port).to_owned(),
            path: [rest, &[name]].concat().join("/"),
        },
        ["config", namespace] if is_config(name) => Place::Config {
            namespace: (*namespace).to_owned(),
            file: name.to_owned(),
        },
        _ => return None,
    };
    Some(place)
}

/// The layouts of the kubelet: `/var/log/pods/NS_POD_UID/CONTAINER/N.log` and
/// `/var/log/containers/POD_NS_CONTAINER-ID.log`.
fn on_node(folders: &[&str], name: &str) -> Option<Place> {
    let log = name.strip_suffix(".log")?;
    if let [.., pod_folder, container] = folders
        && log.bytes().all(|b| b.is_ascii_digit())
    {
        let mut parts = pod_folder.split('_');
        let (namespace, pod, uid) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_none() && uid.len() >= 32 {
            let found = origin(Some(namespace), pod, Some(container), false);
            return Some(Place::Log(found));
        }
    }
    let (head, id) = log.rsplit_once('-')?;
    if id.len() != 64 || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut parts = head.split('_');
    let (pod, namespace, container) = (parts.next()?, parts.next()?, parts.next()?);
    let found = origin(Some(namespace), pod, Some(container), false);
    parts.next().is_none().then_some(Place::Log(found))
}

/// Elsewhere the name decides.
fn by_name(folders: &[&str], name: &str, packed: bool) -> Place {
    let suffix = name.rsplit_once('.').map_or("", |(_, s)| s);
    match (suffix, folders) {
        _ if name == "manifest.json" => Place::Manifest,
        _ if name == "alerts.json" => Place::Alerts,
        ("txt", [above @ .., pod]) if name == "logs.txt" => Place::Dump {
            namespace: above.last().map(|n| (*n).to_owned()),
            pod: (*pod).to_owned(),
        },
        ("log" | "jsonl", _) => Place::Loose,
        ("json" | "txt", _) => Place::Sniff,
        ("prom", _) => Place::Scrape {
            namespace: None,
            pod: stem(name).to_owned(),
            unix: None,
        },
        ("tar" | "tgz" | "tzst", _) => Place::Archive,
        _ if packed => Place::Archive,
        _ => Place::Unknown,
    }
}

/// The pod and life that a loose log's name tells: its stem, without marks of the previous life.
pub(super) fn loose_origin(file: &str) -> Origin {
    let stem = stem(unsuffixed(file).0);
    let (pod, previous) = container(stem);
    origin(None, pod, None, previous)
}

/// Whether the name says only "the previous container".
pub(super) fn is_bare_previous(file: &str) -> bool {
    matches!(
        stem(unsuffixed(file).0),
        "previous-container" | "previous" | "container-previous"
    )
}

fn container(stem: &str) -> (&str, bool) {
    if stem == "previous-container" || stem == "previous" {
        return (stem, true);
    }
    for mark in [".previous", "-previous", "_previous"] {
        if let Some(name) = stem.strip_suffix(mark)
            && !name.is_empty()
        {
            return (name, true);
        }
    }
    (stem, false)
}

fn origin(namespace: Option<&str>, pod: &str, container: Option<&str>, previous: bool) -> Origin {
    Origin {
        namespace: namespace.map(Into::into),
        pod: pod.into(),
        container: container.map(Into::into),
        previous,
    }
}

/// The name without `.gz`, `.zst`; whether there was one. `.tgz` and `.tzst` stay.
pub(super) fn unsuffixed(file: &str) -> (&str, bool) {
    for suffix in [".gz", ".zst", ".zstd"] {
        if let Some(name) = file.strip_suffix(suffix)
            && !name.is_empty()
        {
            return (name, true);
        }
    }
    (file, false)
}

fn is_text(name: &str) -> bool {
    [".log", ".txt", ".jsonl"].iter().any(|s| name.ends_with(s))
}

fn is_config(name: &str) -> bool {
    name.ends_with(".json") || matches!(name, "limits.yaml" | "limits.yml")
}

/// The name up to its last dot.
pub(super) fn stem(name: &str) -> &str {
    name.rsplit_once('.')
        .map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem })
}
