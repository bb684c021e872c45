//! The hashring file as Thanos reads it.

use std::collections::BTreeMap;

use super::Algorithm;
use super::fault::{Fault, Place};
use super::json::{Entry, NOT_LOADED, Node};

/// A hashring file that Thanos can read. Whether it is a good one: [`Rings::validate`].
#[derive(Clone, Debug)]
pub struct Rings {
    /// The entries, in the order of the file, which is the order in which tenants are matched.
    pub rings: Vec<RingConfig>,
    /// Keys that no version knows; Thanos ignores them.
    pub(super) unknown_keys: Vec<UnknownKey>,
}

/// One entry of the file.
#[derive(Clone, Debug, Default)]
pub struct RingConfig {
    /// `hashring`; may be empty.
    pub name: String,
    /// `tenants`; empty means that the entry takes every tenant.
    pub tenants: Vec<Name>,
    /// How `tenants` are read.
    pub matcher: Matcher,
    /// `endpoints`, in the order of the file.
    pub endpoints: Vec<Endpoint>,
    /// `algorithm`, as written; overrides the flag.
    pub algorithm: Option<Name>,
    /// `external_labels`.
    pub external_labels: BTreeMap<String, String>,
    /// `shuffle_sharding_config`.
    pub shuffle: Option<Shuffle>,
    /// Where the entry begins.
    pub place: Place,
    /// Where `tenant_matcher_type` stands, if written.
    pub(super) matcher_place: Place,
    /// Where `external_labels` stands, if written.
    pub(super) labels_place: Place,
}

/// A string with its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name {
    /// The string.
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

/// One member as the file lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// `host:port` of the gRPC server; the only part that is hashed.
    pub address: String,
    /// Zone; empty when not written.
    pub az: String,
    /// Cap'n Proto address, when written.
    pub capnproto_address: Option<String>,
    /// Written as an object, not as a string.
    pub is_object: bool,
    /// Where it stands.
    pub place: Place,
}

/// How names of tenants are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Matcher {
    /// Not written. Means exact for an entry, but nothing for an override.
    #[default]
    Unset,
    /// `exact`
    Exact,
    /// `glob`
    Glob,
    /// Anything else: matches nobody.
    Other(String),
}

impl std::fmt::Display for Matcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unset => "no matcher",
            Self::Exact => "exact name",
            Self::Glob => "glob",
            Self::Other(word) => word,
        })
    }
}

/// `shuffle_sharding_config`: each tenant gets only some of the members.
#[derive(Clone, Debug, Default)]
pub struct Shuffle {
    /// Members per tenant; 0 or less turns shuffle sharding off.
    pub shard_size: i64,
    /// Do not choose the same number in each zone.
    pub zone_awareness_disabled: bool,
    /// Other sizes for some tenants; the first that matches counts.
    pub overrides: Vec<Override>,
    /// Where it stands.
    pub place: Place,
}

/// Another shard size for some tenants.
#[derive(Clone, Debug, Default)]
pub struct Override {
    /// Members for each of these tenants.
    pub shard_size: i64,
    /// The tenants.
    pub tenants: Vec<Name>,
    /// How `tenants` are read.
    pub matcher: Matcher,
    /// Where it stands.
    pub place: Place,
}

/// A key that Thanos ignores.
#[derive(Clone, Debug)]
pub(super) struct UnknownKey {
    pub(super) name: String,
    pub(super) place: Place,
    /// The keys that would have been understood there.
    pub(super) known: &'static [&'static str],
}

const RING_KEYS: &[&str] = &[
    "hashring",
    "tenants",
    "tenant_matcher_type",
    "endpoints",
    "algorithm",
    "external_labels",
    "shuffle_sharding_config",
];
const ENDPOINT_KEYS: &[&str] = &["address", "capnproto_address", "az"];
const SHUFFLE_KEYS: &[&str] = &[
    "shard_size",
    "cache_size",
    "zone_awareness_disabled",
    "overrides",
];
const OVERRIDE_KEYS: &[&str] = &["shard_size", "tenants", "tenant_matcher_type"];

impl Rings {
    /// Reads a hashring file.
    ///
    /// # Errors
    /// All reasons for which Thanos would not load the file: not JSON, not a list, an empty list, a
    /// value of the wrong type, a member without an address.
    pub fn parse(file: &str) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::default();
        let rings = match Node::root(file) {
            Ok(root) => reader.rings(root),
            Err(fault) => return Err(vec![fault]),
        };
        if reader.faults.is_empty() {
            Ok(Self {
                rings,
                unknown_keys: reader.unknown_keys,
            })
        } else {
            Err(reader.faults)
        }
    }

    /// Every member of every entry once, in the order of first mention.
    #[must_use]
    pub fn endpoints(&self) -> Vec<&Endpoint> {
        let mut seen = std::collections::BTreeSet::new();
        self.rings
            .iter()
            .flat_map(|ring| &ring.endpoints)
            .filter(|endpoint| seen.insert(endpoint.address.as_str()))
            .collect()
    }
}

impl RingConfig {
    /// The algorithm in force: the entry's own, or the flag's. An unknown word means hashmod.
    #[must_use]
    pub fn effective_algorithm(&self, flag: Option<Algorithm>) -> Option<Algorithm> {
        match self.algorithm.as_ref().map(|name| name.text.as_str()) {
            None | Some("") => flag,
            Some("ketama") => Some(Algorithm::Ketama),
            Some(_) => Some(Algorithm::Hashmod),
        }
    }

    /// Shuffle sharding, if it is on.
    #[must_use]
    pub fn active_shuffle(&self) -> Option<&Shuffle> {
        self.shuffle
            .as_ref()
            .filter(|shuffle| shuffle.shard_size > 0)
    }

    /// How people will know the entry: its name, or its number in the file.
    #[must_use]
    pub fn label(&self, index: usize) -> String {
        if self.name.is_empty() {
            format!("#{}", index + 1)
        } else {
            self.name.clone()
        }
    }

    /// The distinct zones, sorted; `""` stands for members without one.
    #[must_use]
    pub fn zones(&self) -> Vec<&str> {
        let zones: std::collections::BTreeSet<&str> = self
            .endpoints
            .iter()
            .map(|endpoint| endpoint.az.as_str())
            .collect();
        zones.into_iter().collect()
    }
}

/// Collects faults, so that one wrong value does not hide the next.
#[derive(Default)]
struct Reader {
    faults: Vec<Fault>,
    unknown_keys: Vec<UnknownKey>,
}

impl Reader {
    fn keep<T: Default>(&mut self, result: Result<T, Fault>) -> T {
        result.unwrap_or_else(|fault| {
            self.faults.push(fault);
            T::default()
        })
    }

    fn rings(&mut self, root: Node<'_>) -> Vec<RingConfig> {
        let items = if root.is_null() {
            Vec::new()
        } else {
            match root.list("the file") {
                Ok(items) => items,
                Err(fault) => {
                    let fix = "wrap the hashrings in a list: [ … ]";
                    self.faults.push(Fault {
                        id: "not-a-list",
                        ..fault.fix(fix)
                    });
                    return Vec::new();
                }
            }
        };
        if items.is_empty() {
            let what = "the list of hashrings is empty";
            let fault = Fault::error(
                root.place(),
                "empty-list",
                what,
                format!("\"configuration file is empty\": {NOT_LOADED}"),
            );
            self.faults
                .push(fault.fix("a controller that found no ready member writes this"));
        }
        items.into_iter().map(|item| self.ring(item)).collect()
    }

    fn ring(&mut self, node: Node<'_>) -> RingConfig {
        let mut ring = RingConfig {
            place: node.place(),
            ..RingConfig::default()
        };
        for entry in self.entries(node, "a hashring", RING_KEYS) {
            let value = entry.value;
            match entry.name.as_str() {
                "hashring" => ring.name = self.keep(value.string("hashring")),
                "tenants" => ring.tenants = self.names(value, "tenants"),
                "tenant_matcher_type" => {
                    ring.matcher = self.matcher(value);
                    ring.matcher_place = entry.place;
                }
                "endpoints" => {
                    let items = self.keep(value.list("endpoints"));
                    ring.endpoints = items.into_iter().map(|item| self.endpoint(item)).collect();
                }
                "algorithm" => {
                    let text = self.keep(value.string("algorithm"));
                    ring.algorithm = Some(Name {
                        text,
                        place: value.place(),
                    });
                }
                "external_labels" => {
                    ring.external_labels = self.labels(value);
                    ring.labels_place = entry.place;
                }
                _ => ring.shuffle = Some(self.shuffle(value)),
            }
        }
        ring
    }

    /// Entries whose key is known and whose value is not null, with the key in its usual spelling.
    /// Go compares keys without regard to case.
    fn entries<'a>(
        &mut self,
        node: Node<'a>,
        what: &str,
        known: &'static [&'static str],
    ) -> Vec<Entry<'a>> {
        if node.is_null() {
            return Vec::new();
        }
        let mut entries = self.keep(node.object(what));
        entries.retain_mut(|entry| {
            match known
                .iter()
                .find(|key| key.eq_ignore_ascii_case(&entry.name))
            {
                Some(key) => {
                    entry.name = (*key).to_owned();
                    !entry.value.is_null()
                }
                None => {
                    let name = std::mem::take(&mut entry.name);
                    self.unknown_keys.push(UnknownKey {
                        name,
                        place: entry.place,
                        known,
                    });
                    false
                }
            }
        });
        entries
    }

    fn endpoint(&mut self, node: Node<'_>) -> Endpoint {
        let mut endpoint = Endpoint {
            place: node.place(),
            ..Endpoint::default()
        };
        if node.is_string() || node.is_null() {
            if node.is_string() {
                endpoint.address = self.keep(node.string("an endpoint"));
            }
        } else if node.is_object() {
            endpoint.is_object = true;
            for entry in self.entries(node, "an endpoint", ENDPOINT_KEYS) {
                let text = self.keep(entry.value.string(&entry.name));
                match entry.name.as_str() {
                    "address" => endpoint.address = text,
                    "az" => endpoint.az = text,
                    _ => endpoint.capnproto_address = Some(text),
                }
            }
        } else {
            // Asks for an object only to get the message.
            self.keep(node.object("an endpoint").map(drop));
            return endpoint;
        }
        if endpoint.address.is_empty() {
            self.faults.push(
                Fault::error(
                    endpoint.place,
                    "no-address",
                    "this endpoint has no address",
                    format!("\"endpoint address must be set\" (v0.37+): {NOT_LOADED}"),
                )
                .fix("write {\"address\": \"host:10901\"}; check the spelling of the key"),
            );
        }
        endpoint
    }

    fn names(&mut self, node: Node<'_>, what: &str) -> Vec<Name> {
        let items = self.keep(node.list(what));
        items
            .into_iter()
            .map(|item| Name {
                text: self.keep(item.string("a tenant")),
                place: item.place(),
            })
            .collect()
    }

    fn matcher(&mut self, node: Node<'_>) -> Matcher {
        match self.keep(node.string("tenant_matcher_type")).as_str() {
            "" => Matcher::Unset,
            "exact" => Matcher::Exact,
            "glob" => Matcher::Glob,
            other => Matcher::Other(other.to_owned()),
        }
    }

    fn labels(&mut self, node: Node<'_>) -> BTreeMap<String, String> {
        let entries = self.keep(node.object("external_labels"));
        entries
            .into_iter()
            .map(|entry| {
                (
                    entry.name,
                    self.keep(entry.value.string("an external label")),
                )
            })
            .collect()
    }

    fn shuffle(&mut self, node: Node<'_>) -> Shuffle {
        let mut shuffle = Shuffle {
            place: node.place(),
            ..Shuffle::default()
        };
        for entry in self.entries(node, "shuffle_sharding_config", SHUFFLE_KEYS) {
            let value = entry.value;
            match entry.name.as_str() {
                "shard_size" => shuffle.shard_size = self.keep(value.integer("shard_size")),
                "cache_size" => drop(self.keep(value.integer("cache_size"))),
                "zone_awareness_disabled" => {
                    shuffle.zone_awareness_disabled =
                        self.keep(value.boolean("zone_awareness_disabled"));
                }
                _ => {
                    let items = self.keep(value.list("overrides"));
                    shuffle.overrides = items
                        .into_iter()
                        .map(|item| self.shard_override(item))
                        .collect();
                }
            }
        }
        shuffle
    }

    fn shard_override(&mut self, node: Node<'_>) -> Override {
        let mut result = Override {
            place: node.place(),
            ..Override::default()
        };
        for entry in self.entries(node, "an override", OVERRIDE_KEYS) {
            match entry.name.as_str() {
                "shard_size" => result.shard_size = self.keep(entry.value.integer("shard_size")),
                "tenants" => result.tenants = self.names(entry.value, "tenants"),
                _ => result.matcher = self.matcher(entry.value),
            }
        }
        result
    }
}
