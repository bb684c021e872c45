//! Who said it, and a bounded table of everyone who spoke.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

use rustc_hash::FxHashMap;

use super::frame::Who;
use crate::limits;

/// Who said it: a stream, pod and container.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// Kubernetes namespace, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Box<str>>,
    /// Pod name; `?1` for an anonymous standard input; empty for objects that belong to no pod.
    pub pod: Box<str>,
    /// Container, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Box<str>>,
    /// The log of the container's previous life.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub previous: bool,
}

impl Origin {
    /// An origin of which only the pod is known.
    #[must_use]
    pub fn pod(pod: &str) -> Self {
        Self {
            pod: pod.into(),
            ..Self::default()
        }
    }

    /// `namespace/pod`, or the bare pod when the namespace is unknown.
    #[must_use]
    pub fn name(&self) -> Cow<'_, str> {
        match &self.namespace {
            Some(namespace) => Cow::Owned(format!("{namespace}/{}", self.pod)),
            None => Cow::Borrowed(&self.pod),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{namespace}/{}", self.pod),
            None => f.write_str(&self.pod),
        }
    }
}

/// The stateful set and the ordinal of a pod called `<set>-<ordinal>`; with the namespace before it, the set keeps it.
#[must_use]
pub fn set_and_ordinal(pod: &str) -> Option<(&str, u32)> {
    let (set, ordinal) = pod.rsplit_once('-')?;
    Some((set, ordinal.parse().ok()?))
}

/// Place of an origin in its [`Origins`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OriginIx(u32);

/// The origins of one stream, bounded by [`limits::READER_ORIGINS`]. The first is the stream's own.
#[derive(Debug)]
pub struct Origins {
    all: Vec<Origin>,
    /// By place: the joined name.
    names: Vec<Box<[u8]>>,
    /// Joined name (namespace, pod, container) → place in `all`.
    by_name: FxHashMap<Box<[u8]>, OriginIx>,
    /// Joined name of the last one asked for; lines of one pod come in runs.
    last: (Vec<u8>, OriginIx),
    scratch: Vec<u8>,
    /// Times that an origin had no room and was given the shared one.
    pub overflowed: u64,
}

impl Origins {
    /// The stream's own origin.
    pub const OWN: OriginIx = OriginIx(0);

    /// Name of the pod that stands for all that have no room.
    pub const OTHERS: &'static str = "?others";

    /// A table of which `own` is the stream's own origin.
    #[must_use]
    pub fn new(own: Origin) -> Self {
        Self {
            all: vec![own],
            names: vec![Box::default()],
            by_name: FxHashMap::default(),
            last: (Vec::new(), Self::OWN),
            scratch: Vec::new(),
            overflowed: 0,
        }
    }

    /// The origin at a place.
    #[must_use]
    pub fn get(&self, ix: OriginIx) -> &Origin {
        &self.all[ix.0 as usize]
    }

    /// The origin a frame names. What the frame leaves open is taken from the stream's own.
    pub fn intern(&mut self, who: &Who<'_>) -> OriginIx {
        self.scratch.clear();
        let parts = [
            who.namespace.as_deref(),
            Some(&who.pod[..]),
            who.container.as_deref(),
        ];
        for part in parts {
            self.scratch.extend_from_slice(part.unwrap_or_default());
            self.scratch.push(0);
        }
        if self.last.0 == self.scratch {
            return self.last.1;
        }
        let known = self.by_name.get(self.scratch.as_slice()).copied();
        let ix = known.unwrap_or_else(|| self.add(who));
        self.last.0.clone_from(&self.scratch);
        self.last.1 = ix;
        ix
    }

    /// The name that frames give an origin; empty for the stream's own and the shared one.
    pub(super) fn name(&self, ix: OriginIx) -> &[u8] {
        &self.names[ix.0 as usize]
    }

    /// A frame gave this name.
    pub(super) fn knows(&self, name: &[u8]) -> bool {
        self.by_name.contains_key(name)
    }

    /// The origin that frames give this name, as [`Origins::name`] said it elsewhere.
    pub(super) fn named(&mut self, name: &[u8]) -> OriginIx {
        let mut parts = name.splitn(3, |byte| *byte == 0);
        let part = |part: Option<&[u8]>| {
            part.filter(|p| !p.is_empty())
                .map(|p| Cow::Owned(p.to_vec()))
        };
        let namespace = part(parts.next());
        let Some(pod) = parts.next() else {
            return Self::OWN;
        };
        let container = part(parts.next().and_then(|rest| rest.strip_suffix(b"\0")));
        self.intern(&Who {
            namespace,
            pod: Cow::Owned(pod.to_vec()),
            container,
        })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Never so: the stream's own origin is always there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All of them; the stream's own first, the others as they came.
    pub fn iter(&self) -> impl Iterator<Item = &Origin> {
        self.all.iter()
    }

    fn add(&mut self, who: &Who<'_>) -> OriginIx {
        // The last place is the shared one.
        let full = self.all.len() + 1 >= limits::READER_ORIGINS;
        if full {
            self.overflowed += 1;
            if self.all.len() < limits::READER_ORIGINS {
                self.all.push(Origin::pod(Self::OTHERS));
                self.names.push(Box::default());
            }
            return self.end();
        }
        let own = &self.all[0];
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned().into_boxed_str();
        let origin = Origin {
            namespace: who
                .namespace
                .as_deref()
                .map(text)
                .or_else(|| own.namespace.clone()),
            pod: text(&who.pod),
            container: who.container.as_deref().map(text).or_else(|| {
                own.container
                    .clone()
                    .filter(|_| own.pod.as_bytes() == &who.pod[..])
            }),
            previous: own.previous,
        };
        self.all.push(origin);
        self.names.push(self.scratch.as_slice().into());
        let ix = self.end();
        self.by_name.insert(self.scratch.as_slice().into(), ix);
        ix
    }

    fn end(&self) -> OriginIx {
        let last = self.all.len() - 1;
        OriginIx(u32::try_from(last).expect("bounded by limits::READER_ORIGINS"))
    }
}
