//! Everything that is wrong in a file that Thanos can read.

mod address;
mod sharding;
mod tenants;
mod zones;

use std::collections::BTreeMap;

use super::config::{RingConfig, Rings, UnknownKey};
use super::fault::{Fault, Place};
use super::{Algorithm, Setup, at_least};

/// What happens when a ring cannot be built, at start or on reload (v0.32+).
const KILLS: &str = "every member that loads this file exits, all at once on a reload";

impl Rings {
    /// All faults, in the order of the file.
    ///
    /// What is not known of the setup is not held against the file: without a replication factor
    /// its checks are left out; without an algorithm, faults that only one of the two would make
    /// are warnings; without a version the newest rules hold.
    #[must_use]
    pub fn validate(&self, setup: &Setup) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (index, ring) in self.rings.iter().enumerate() {
            let ring = Subject {
                ring,
                label: ring.label(index),
                setup,
            };
            ring.algorithm(&mut faults);
            ring.versions(&mut faults);
            ring.size(&mut faults);
            ring.external_labels(&mut faults);
            address::check(&ring, &mut faults);
            zones::check(&ring, &mut faults);
            sharding::check(&ring, &mut faults);
            tenants::check_names(&ring, &mut faults);
        }
        tenants::check_reach(self, setup, &mut faults);
        self.names(setup, &mut faults);
        faults.extend(self.unknown_keys.iter().map(unknown_key));
        faults.sort_by(|a, b| (a.place, a.weight, a.id).cmp(&(b.place, b.weight, b.id)));
        faults
    }

    fn names(&self, setup: &Setup, faults: &mut Vec<Fault>) {
        let mut first: BTreeMap<&str, &RingConfig> = BTreeMap::new();
        for ring in &self.rings {
            let Some(other) = first.insert(&ring.name, ring) else {
                continue;
            };
            first.insert(&ring.name, other);
            let what = format!(
                "a second hashring is called {:?}, as at {}",
                ring.name, other.place
            );
            let sharded = ring.active_shuffle().is_some() && other.active_shuffle().is_some();
            let fault = if sharded && at_least(setup.version, 39) {
                let consequence = format!("their cache metrics collide: {KILLS}");
                Fault::error(ring.place, "same-name", what, consequence)
            } else {
                let consequence = "thanos_receive_hashring_nodes and _tenants show only the last";
                Fault::warning(ring.place, "same-name", what, consequence)
            };
            faults.push(fault.fix("give each hashring a name of its own"));
        }
    }
}

/// An entry under examination.
struct Subject<'a> {
    ring: &'a RingConfig,
    label: String,
    setup: &'a Setup,
}

impl Subject<'_> {
    /// `None`: neither entry nor flag says.
    fn algorithm_in_force(&self) -> Option<Algorithm> {
        self.ring.effective_algorithm(self.setup.algorithm)
    }

    fn from(&self, minor: u32) -> bool {
        at_least(self.setup.version, minor)
    }

    /// A fault if the algorithm is hashmod; a warning if it may be.
    fn if_hashmod(&self, fault: Fault) -> Option<Fault> {
        match self.algorithm_in_force() {
            Some(Algorithm::Hashmod) => Some(fault),
            Some(Algorithm::Ketama) => None,
            None => Some(Fault {
                weight: super::Weight::Warning,
                consequence: format!(
                    "unless the members run with --receive.hashrings-algorithm=ketama: {}",
                    fault.consequence
                ),
                ..fault
            }),
        }
    }

    fn algorithm(&self, faults: &mut Vec<Fault>) {
        let Some(name) = &self.ring.algorithm else {
            return;
        };
        if !self.from(31) {
            faults.push(Fault::warning(
                name.place,
                "algorithm-ignored",
                "`algorithm` is not known before v0.31",
                "ignored; the flag --receive.hashrings-algorithm decides",
            ));
        } else if !matches!(name.text.as_str(), "" | "ketama" | "hashmod") {
            let fault = Fault::error(
                name.place,
                "unknown-algorithm",
                format!("unknown algorithm {:?}", name.text),
                "silently taken as hashmod: other members than expected, and any change of their \
                 number moves nearly every series",
            );
            faults.push(fault.fix("write \"ketama\" or \"hashmod\", in lower case"));
        }
    }

    /// What this version does otherwise than later ones.
    fn versions(&self, faults: &mut Vec<Fault>) {
        let place = self.ring.place;
        let algorithm = self.algorithm_in_force();
        if algorithm == Some(Algorithm::Ketama) && !self.from(27) {
            let what = "ketama is not known before v0.27";
            faults.push(Fault::error(
                place,
                "no-ketama",
                what,
                "series are placed by hashmod",
            ));
        }
        let sorted = self
            .ring
            .endpoints
            .is_sorted_by(|a, b| a.address <= b.address);
        if algorithm == Some(Algorithm::Hashmod) && !self.from(34) && !sorted {
            let fault = Fault::warning(
                place,
                "unsorted-hashmod",
                format!(
                    "hashring {}: endpoints are not sorted by address",
                    self.label
                ),
                "v0.34 and later sort them: that upgrade will move most series",
            );
            faults.push(fault.fix("sort them together with the upgrade, and expect the move"));
        }
    }

    fn size(&self, faults: &mut Vec<Fault>) {
        let (have, place) = (self.ring.endpoints.len(), self.ring.place);
        let label = &self.label;
        if have == 0 {
            let fault = Fault::error(
                place,
                "no-endpoints",
                format!("hashring {label} has no endpoints"),
                match self.algorithm_in_force() {
                    Some(Algorithm::Ketama) => KILLS,
                    _ => "every write of its tenants is answered 500 (insufficient nodes)",
                },
            );
            faults.push(fault.fix("list its members, or remove the entry"));
            return;
        }
        let Some(copies) = self
            .setup
            .replication_factor
            .filter(|&copies| copies > have)
        else {
            return;
        };
        let consequence = match self.algorithm_in_force() {
            Some(Algorithm::Ketama) if self.from(32) => KILLS,
            Some(Algorithm::Ketama) => {
                "members hang while they compute the ring: one core busy, never ready"
            }
            Some(Algorithm::Hashmod) => {
                "every write of its tenants is answered 500 (insufficient nodes)"
            }
            None => {
                "with ketama every member that loads this file exits; with hashmod every write is \
                 answered 500"
            }
        };
        faults.push(
            Fault::error(
                place,
                "fewer-endpoints-than-copies",
                format!("hashring {label} has {have} endpoints for replication factor {copies}"),
                consequence,
            )
            .fix(format!(
                "list at least {copies} endpoints, or lower the replication factor"
            )),
        );
    }

    fn external_labels(&self, faults: &mut Vec<Fault>) {
        if self.ring.external_labels.is_empty() {
            return;
        }
        let place = self.ring.labels_place;
        if !self.from(32) {
            let what = "`external_labels` are not known before v0.32";
            faults.push(Fault::warning(place, "labels-ignored", what, "ignored"));
        } else if self.ring.tenants.is_empty() || self.ring.matcher == super::Matcher::Glob {
            faults.push(Fault::warning(
                place,
                "labels-without-tenants",
                format!(
                    "external_labels of hashring {}, which names no tenant exactly",
                    self.label
                ),
                "added only to tenants listed by their exact name: these get none",
            ));
        }
    }
}

fn unknown_key(key: &UnknownKey) -> Fault {
    let near = key.known.iter().find(|known| close(known, &key.name));
    let what = format!("unknown key {:?}", key.name);
    match near {
        Some(known) => {
            let consequence = format!("ignored, as if {known:?} were not written");
            Fault::error(key.place, "misspelt-key", what, consequence)
                .fix(format!("write {known:?}"))
        }
        None => Fault::warning(key.place, "unknown-key", what, "ignored"),
    }
}

/// Whether a key is likely a misspelling of another: at most two letters differ, after letters in
/// another case and separators are set aside.
fn close(known: &str, written: &str) -> bool {
    let plain = |text: &str| -> Vec<char> {
        text.chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect()
    };
    let (known, written) = (plain(known), plain(written));
    if known == written {
        return true;
    }
    let allowed = if known.len() < 5 { 1 } else { 2 };
    let longest = written.len().max(known.len());
    longest <= 32 && known.len() > 2 && distance(&known, &written) <= allowed
}

/// Levenshtein distance.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// `a, b, c and 4 more`.
fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 3;
    match names.len().checked_sub(SHOWN + 1) {
        Some(more) => format!("{} and {} more", names[..SHOWN].join(", "), more + 1),
        None => names.join(", "),
    }
}

/// The place of the first endpoint that something is true of, or of the entry.
fn first_place(ring: &RingConfig, test: impl Fn(&super::Endpoint) -> bool) -> Place {
    ring.endpoints
        .iter()
        .find(|endpoint| test(endpoint))
        .map_or(ring.place, |e| e.place)
}
