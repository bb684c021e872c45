//! Who the members are in Kubernetes, before and after.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{PlanError, PlanRequest};
use crate::hashring::config::{Endpoint, RingConfig, Rings};

/// A hashring, as pods, with the change worked out.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Name of the entry.
    pub(super) label: String,
    pub(super) namespace: String,
    /// The StatefulSets, in the order of the file.
    pub(super) sets: Vec<Set>,
    /// What could not be told for certain.
    pub(super) doubts: Vec<String>,
    /// Entries that change: those with the same members.
    entries: Vec<usize>,
}

/// A StatefulSet behind a hashring.
#[derive(Clone, Debug)]
pub(super) struct Set {
    pub(super) name: String,
    pub(super) service: String,
    /// Members listed before.
    pub(super) before: usize,
    /// Members listed after.
    pub(super) after: usize,
    /// What follows the pod's name in an address.
    rest: String,
    /// Ordinal of each listed member, with its zone.
    zones: BTreeMap<usize, String>,
}

/// A member's address, taken apart.
struct Pod<'a> {
    set: &'a str,
    ordinal: usize,
    rest: &'a str,
    service: &'a str,
    namespace: Option<&'a str>,
}

impl Target {
    pub(super) fn new(rings: &Rings, request: &PlanRequest) -> Result<Self, PlanError> {
        let (label, entries) = choose(rings, request)?;
        let ring = &rings.rings[entries[0]];
        let mut sets: Vec<Set> = Vec::new();
        let mut namespaces = BTreeSet::new();
        for endpoint in &ring.endpoints {
            let pod = take_apart(endpoint)?;
            namespaces.extend(pod.namespace.map(str::to_owned));
            let set = match sets.iter_mut().find(|set| set.name == pod.set) {
                Some(set) => set,
                None => {
                    sets.push(Set {
                        name: pod.set.to_owned(),
                        service: pod.service.to_owned(),
                        before: 0,
                        after: 0,
                        rest: pod.rest.to_owned(),
                        zones: BTreeMap::new(),
                    });
                    sets.last_mut().expect("just pushed")
                }
            };
            set.zones.insert(pod.ordinal, endpoint.az.clone());
        }
        for set in &mut sets {
            set.before = set.zones.len();
            set.after = set.before;
            if set
                .zones
                .keys()
                .next_back()
                .is_some_and(|&last| last + 1 != set.before)
            {
                return Err(bad(format!(
                    "members of StatefulSet {} are not numbered from 0 without gaps: a change of \
                     replicas would hit others than the ring's",
                    set.name
                )));
            }
        }
        let namespace = match (&request.namespace, namespaces.len()) {
            (Some(namespace), _) => namespace.clone(),
            (None, 1) => namespaces.into_iter().next().unwrap_or_default(),
            _ => {
                return Err(bad(
                    "the namespace cannot be told from the addresses: give -n",
                ));
            }
        };
        for name in [&namespace, &request.configmap, &request.container] {
            check_name(name)?;
        }
        let mut target = Self {
            label,
            namespace,
            sets,
            doubts: Vec::new(),
            entries,
        };
        if let Some(to) = request.to {
            target.resize(to, &request.statefulsets)?;
        }
        Ok(target)
    }

    pub(super) fn before(&self) -> usize {
        self.sets.iter().map(|set| set.before).sum()
    }

    pub(super) fn after(&self) -> usize {
        self.sets.iter().map(|set| set.after).sum()
    }

    /// Pods that come or go, by name.
    pub(super) fn moving(&self) -> Vec<String> {
        self.sets
            .iter()
            .flat_map(|set| {
                let (low, high) = (set.before.min(set.after), set.before.max(set.after));
                (low..high).map(move |ordinal| format!("{}-{ordinal}", set.name))
            })
            .collect()
    }

    /// All pods that run while the change is under way.
    pub(super) fn pods(&self) -> Vec<String> {
        self.sets
            .iter()
            .flat_map(|set| {
                (0..set.before.max(set.after)).map(move |n| format!("{}-{n}", set.name))
            })
            .collect()
    }

    /// Gives each set its share: the smallest grows first, the largest shrinks first.
    fn resize(&mut self, to: usize, only: &[String]) -> Result<(), PlanError> {
        for name in only {
            if !self.sets.iter().any(|set| set.name == *name) {
                let known: Vec<&str> = self.sets.iter().map(|set| set.name.as_str()).collect();
                return Err(bad(format!(
                    "no member of hashring {} is of StatefulSet {name}; there is {}",
                    self.label,
                    known.join(", ")
                )));
            }
        }
        if to == 0 {
            return Err(bad(
                "a hashring without members takes no writes; remove the entry instead",
            ));
        }
        if to > crate::limits::RING_MEMBERS {
            return Err(bad(format!("{to} members are more than can be computed")));
        }
        let may = |set: &Set| only.is_empty() || only.contains(&set.name);
        while self.after() < to {
            let set = self
                .sets
                .iter_mut()
                .filter(|set| may(set))
                .min_by_key(|set| set.after);
            set.expect("at least one may change").after += 1;
        }
        while self.after() > to {
            let set = self
                .sets
                .iter_mut()
                .filter(|set| may(set))
                .max_by_key(|set| set.after);
            let set = set.expect("at least one may change");
            if set.after == 0 {
                return Err(bad("the StatefulSets named have too few members for that"));
            }
            set.after -= 1;
        }
        self.place_new();
        Ok(())
    }

    /// Zones for new members: that of their StatefulSet, or the one with the fewest members.
    fn place_new(&mut self) {
        let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
        for zone in self.sets.iter().flat_map(|set| set.zones.values()) {
            *sizes.entry(zone.clone()).or_default() += 1;
        }
        for set in &mut self.sets {
            let own: BTreeSet<String> = set.zones.values().cloned().collect();
            for ordinal in set.before..set.after {
                let zone = own
                    .iter()
                    .min_by_key(|zone| sizes.get(*zone).copied().unwrap_or(0));
                let zone = zone.cloned().unwrap_or_default();
                *sizes.entry(zone.clone()).or_default() += 1;
                if own.len() > 1 {
                    self.doubts.push(format!(
                        "{}-{ordinal} will run in zone {zone}: check where it is really scheduled",
                        set.name
                    ));
                }
                set.zones.insert(ordinal, zone);
            }
        }
    }

    /// The changed file; none if the members stay the same. Keys that are not understood are kept.
    pub(super) fn file(&self, text: &str) -> Result<Option<String>, PlanError> {
        if self.before() == self.after() {
            return Ok(None);
        }
        let mut file: Value = serde_json::from_str(text).map_err(|e| bad(e.to_string()))?;
        for &entry in &self.entries {
            let list = file
                .get_mut(entry)
                .and_then(Value::as_object_mut)
                .and_then(|ring| {
                    let key = ring
                        .keys()
                        .find(|key| key.eq_ignore_ascii_case("endpoints"))?
                        .clone();
                    ring.get_mut(&key)
                })
                .and_then(Value::as_array_mut)
                .ok_or_else(|| bad("the endpoints of the hashring are not a list"))?;
            for set in &self.sets {
                set.edit(list);
            }
        }
        let mut text = serde_json::to_string_pretty(&file).map_err(|e| bad(e.to_string()))?;
        text.push('\n');
        Ok(Some(text))
    }
}

impl Set {
    fn address(&self, ordinal: usize) -> String {
        format!("{}-{ordinal}{}", self.name, self.rest)
    }

    /// Takes out the members that leave; puts new ones behind the last of this set, in its form.
    fn edit(&self, list: &mut Vec<Value>) {
        for ordinal in self.after..self.before {
            let gone = self.address(ordinal);
            list.retain(|item| address_of(item) != Some(&gone));
        }
        for ordinal in self.before..self.after {
            let model = self.address(ordinal - 1);
            let Some(at) = list
                .iter()
                .position(|item| address_of(item) == Some(&model))
            else {
                continue;
            };
            let mut item = list[at].clone();
            match &mut item {
                Value::String(address) => *address = self.address(ordinal),
                Value::Object(object) => {
                    let (old, new) = (
                        format!("{}-{}", self.name, ordinal - 1),
                        format!("{}-{ordinal}", self.name),
                    );
                    for (key, value) in object.iter_mut() {
                        let key = key.to_ascii_lowercase();
                        if key == "az" {
                            *value = Value::from(self.zones[&ordinal].clone());
                        } else if let Value::String(text) = value
                            && let Some(rest) = text.strip_prefix(&old)
                            && rest.starts_with(['.', ':'])
                        {
                            *text = format!("{new}{rest}");
                        }
                    }
                }
                _ => {}
            }
            list.insert(at + 1, item);
        }
    }
}

fn address_of(item: &Value) -> Option<&String> {
    let text = match item {
        Value::Object(object) => object
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case("address"))
            .map(|(_, v)| v)?,
        other => other,
    };
    if let Value::String(text) = text {
        Some(text)
    } else {
        None
    }
}

/// The entry to change, with all others that list the same members.
fn choose(rings: &Rings, request: &PlanRequest) -> Result<(String, Vec<usize>), PlanError> {
    let members = |ring: &RingConfig| -> BTreeSet<String> {
        ring.endpoints
            .iter()
            .map(|endpoint| endpoint.address.clone())
            .collect()
    };
    let labels: Vec<String> = rings
        .rings
        .iter()
        .enumerate()
        .map(|(index, ring)| ring.label(index))
        .collect();
    let first = match &request.hashring {
        Some(name) => labels
            .iter()
            .position(|label| label == name)
            .ok_or_else(|| {
                bad(format!(
                    "no hashring {name:?}; there is {}",
                    labels.join(", ")
                ))
            })?,
        None => 0,
    };
    let wanted = members(&rings.rings[first]);
    if wanted.is_empty() {
        return Err(bad(format!("hashring {} has no members", labels[first])));
    }
    let same = |index: &usize| members(&rings.rings[*index]) == wanted;
    let entries: Vec<usize> = (0..rings.rings.len()).filter(same).collect();
    if request.hashring.is_none() && entries.len() < rings.rings.len() {
        return Err(bad(format!(
            "hashrings have different members: say which to change with --hashring ({})",
            labels.join(", ")
        )));
    }
    let names: Vec<&str> = entries
        .iter()
        .map(|&index| labels[index].as_str())
        .collect();
    let mut entries_first = entries.clone();
    entries_first.sort_by_key(|&index| index != first);
    Ok((names.join(", "), entries_first))
}

fn take_apart(endpoint: &Endpoint) -> Result<Pod<'_>, PlanError> {
    let address = endpoint.address.as_str();
    let no = || {
        bad(format!(
            "{address} is not the name of a StatefulSet's pod (name-0.service.namespace.svc…:port): \
             commands cannot be written"
        ))
    };
    let at = address.find(['.', ':']).unwrap_or(address.len());
    let (pod, rest) = address.split_at(at);
    let (set, ordinal) = pod.rsplit_once('-').ok_or_else(no)?;
    let ordinal = ordinal
        .parse()
        .ok()
        .filter(|&n| n < crate::limits::RING_MEMBERS);
    let ordinal = ordinal.ok_or_else(no)?;
    let host = rest.split(':').next().unwrap_or_default();
    let mut labels = host.split('.').skip(1);
    let (service, namespace) = (labels.next().unwrap_or_default(), labels.next());
    for name in [set].into_iter().chain(namespace) {
        check_name(name)?;
    }
    if !service.is_empty() {
        check_name(service)?;
    }
    Ok(Pod {
        set,
        ordinal,
        rest,
        service,
        namespace,
    })
}

/// Names end up in commands, so they must be what Kubernetes allows and nothing else.
fn check_name(name: &str) -> Result<(), PlanError> {
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    if name.is_empty() || name.starts_with('-') || !name.chars().all(fine) {
        return Err(bad(format!(
            "{name:?} is not a name that Kubernetes allows"
        )));
    }
    Ok(())
}

fn bad(reason: impl Into<String>) -> PlanError {
    PlanError::Request(reason.into())
}
