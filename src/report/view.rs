//! What the formats for people show, chosen once: which incident comes first, which causes remain,
//! which evidence is the same said of several subjects.

use std::collections::BTreeSet;

use super::choice::{REMAINING, common_subjects, leading, remaining, titled, undecided_title};
use super::model::{Evidence, Gap, Hypothesis, Incident, Member, Report, SourceCoverage, Subject};
use super::phrase::{self, Strength};

/// A report, and what all of it has in common.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) report: &'a Report,
    /// The one namespace; none when there are several, or it is unknown.
    pub(super) namespace: Option<&'a str>,
}

/// Evidence for people: one fact, whoever it was seen on.
pub(super) struct Reason {
    pub(super) text: String,
    pub(super) strength: Strength,
}

impl Reason {
    pub(super) fn same(&self, other: &Self) -> bool {
        self.text == other.text && self.strength == other.strength
    }
}

impl<'a> View<'a> {
    pub(super) fn new(report: &'a Report) -> Self {
        Self {
            report,
            namespace: only_namespace(report),
        }
    }

    /// `thanos-receive in monitoring`, `3 receivers`, `v0.35.1`, and the window.
    pub(super) fn header(&self) -> Vec<String> {
        let report = self.report;
        let mut parts = Vec::new();
        let namespaces = match self.namespace {
            Some(one) => one.to_owned(),
            None => phrase::names(&report.scope.namespaces),
        };
        let workloads = phrase::names(&self.workloads());
        match (workloads.is_empty(), namespaces.is_empty()) {
            (true, true) => {}
            (true, false) => parts.push(namespaces),
            (false, true) => parts.push(workloads),
            (false, false) => parts.push(format!("{workloads} in {namespaces}")),
        }
        let receivers = self.receivers().count();
        if receivers > 0 {
            parts.push(phrase::plural(receivers as u64, "receiver"));
        }
        parts.extend(self.versions());
        let (from, until) = (&report.scope.from, &report.scope.until);
        parts.push(
            phrase::window(from.as_deref(), until.as_deref())
                .unwrap_or_else(|| "no times in the input".to_owned()),
        );
        parts
    }

    /// Members of the ring that receive.
    pub(super) fn receivers(&self) -> impl Iterator<Item = &'a Member> + use<'a> {
        self.report.members.iter().filter(|m| m.role == "receiver")
    }

    /// What receivers are called without their ordinals.
    fn workloads(&self) -> Vec<String> {
        let names: BTreeSet<&str> = self
            .receivers()
            .map(|m| m.pod.rsplit('/').next().unwrap_or_default())
            .map(|name| match name.rsplit_once('-') {
                Some((stem, ordinal)) if ordinal.parse::<u32>().is_ok() => stem,
                _ => name,
            })
            .collect();
        names.into_iter().map(str::to_owned).collect()
    }

    fn versions(&self) -> Option<String> {
        let versions: BTreeSet<String> = self
            .report
            .scope
            .thanos
            .iter()
            .map(|pod| {
                let v = if pod.version.starts_with(|c: char| c.is_ascii_digit()) {
                    "v"
                } else {
                    ""
                };
                let basis = if pod.basis == "inferred" {
                    " (inferred)"
                } else {
                    ""
                };
                format!("{v}{}{basis}", pod.version)
            })
            .collect();
        let versions: Vec<String> = versions.into_iter().collect();
        (!versions.is_empty()).then(|| phrase::names(&versions))
    }

    /// The incident that the first screen is about.
    pub(super) fn first(&self) -> Option<&'a Incident> {
        self.report.incidents.iter().find(|i| i.verdict != "benign")
    }

    /// Incidents other than the first, benign ones last.
    pub(super) fn others(&self) -> Vec<&'a Incident> {
        let first = self.first().map(std::ptr::from_ref);
        let is_other = |i: &&Incident| Some(std::ptr::from_ref(*i)) != first;
        let (benign, real): (Vec<_>, Vec<_>) = self
            .report
            .incidents
            .iter()
            .filter(is_other)
            .partition(|i| i.verdict == "benign");
        real.into_iter().chain(benign).collect()
    }

    /// A subject's name as short as it can be.
    pub(super) fn subject(&self, subject: &Subject) -> String {
        phrase::subject(subject, self.namespace)
    }

    /// Subjects of a hypothesis as one string; empty when it has none.
    pub(super) fn subjects(&self, subjects: &[Subject]) -> String {
        let names: Vec<String> = subjects.iter().map(|s| self.subject(s)).collect();
        phrase::names(&names)
    }

    /// When an incident was, in words.
    pub(super) fn span(&self, incident: &Incident) -> Option<String> {
        phrase::span(incident, self.report.scope.from.as_deref())
    }

    /// What stands below the title of a hypothesis: where, when, and whether to act.
    pub(super) fn status(
        &self,
        incident: &Incident,
        hypothesis: Option<&Hypothesis>,
    ) -> Vec<String> {
        let mut parts = Vec::new();
        match hypothesis {
            Some(hypothesis) => parts.push(self.subjects(&hypothesis.subjects)),
            None => {
                let remaining = remaining(incident).unwrap_or_default();
                parts.push(self.subjects(common_subjects(&remaining)));
            }
        }
        parts.extend(self.span(incident));
        if let Some(hypothesis) = hypothesis {
            parts.extend(phrase::role(&hypothesis.role).map(str::to_owned));
            parts.extend(phrase::heals(&hypothesis.heals_itself).map(str::to_owned));
        }
        if incident.provisional {
            parts.push("provisional, more input may change it".to_owned());
        }
        parts.retain(|part| !part.is_empty());
        parts
    }

    /// One incident in one line: title, subjects and time.
    pub(super) fn one_line(&self, incident: &Incident) -> String {
        let parts: Vec<String> = [self.name(incident)]
            .into_iter()
            .chain(self.span(incident))
            .collect();
        parts.join(" · ")
    }

    /// What an incident is called, whenever it happens: title and subjects.
    pub(super) fn name(&self, incident: &Incident) -> String {
        let decided = leading(incident).filter(|_| incident.verdict != "cannot_tell");
        let Some(top) = decided else {
            let remaining = remaining(incident).unwrap_or_default();
            return undecided_title(incident, &remaining);
        };
        let mut parts = vec![top.title.clone(), self.subjects(&top.subjects)];
        parts.retain(|part| !part.is_empty());
        parts.join(" · ")
    }

    /// What speaks for all that remains alike: why there is an incident, though no help to choose.
    pub(super) fn shared(&self, remaining: &[&Hypothesis]) -> Vec<Reason> {
        let Some(first) = remaining.first() else {
            return Vec::new();
        };
        let of_all = |reason: &Reason| {
            remaining[1..].iter().all(|other| {
                let others = self.reasons(other, &other.pro);
                others.iter().any(|r| r.same(reason))
            })
        };
        let mut reasons = self.reasons(first, &first.pro);
        reasons.retain(of_all);
        reasons
    }

    /// Evidence with the subjects of equal facts joined, in the order given.
    pub(super) fn reasons(&self, hypothesis: &Hypothesis, evidence: &[Evidence]) -> Vec<Reason> {
        let mut merged: Vec<(&Evidence, Vec<&Subject>, f64)> = Vec::new();
        for item in evidence {
            let same = merged
                .iter_mut()
                .find(|(e, ..)| e.symptom == item.symptom && e.silent == item.silent);
            match same {
                Some((_, subjects, nats)) => {
                    if !subjects.contains(&&item.subject) {
                        subjects.push(&item.subject);
                    }
                    if item.nats.abs() > nats.abs() {
                        *nats = item.nats;
                    }
                }
                None => merged.push((item, vec![&item.subject], item.nats)),
            }
        }
        merged
            .into_iter()
            .map(|(item, subjects, nats)| Reason {
                text: self.reason(hypothesis, item, &subjects),
                strength: if item.defining {
                    phrase::Strength::Proof
                } else {
                    phrase::strength(nats)
                },
            })
            .collect()
    }

    fn reason(&self, hypothesis: &Hypothesis, item: &Evidence, subjects: &[&Subject]) -> String {
        let counts = hypothesis
            .explains
            .iter()
            .filter(|e| e.symptom == item.symptom && subjects.contains(&&e.subject))
            .map(|e| e.count);
        let count = all(counts);
        let names: Vec<String> = subjects
            .iter()
            .filter(|s| s.kind != "global" && !s.name.is_empty())
            // What the hypothesis is about is said beside its title.
            .filter(|s| hypothesis.subjects != [(**s).clone()])
            .map(|s| self.subject(s))
            .collect();
        let mut text = titled(&item.title, &item.symptom);
        if !names.is_empty() {
            text.push_str(" · ");
            text.push_str(&phrase::names(&names));
        }
        if count > 1 && !item.silent {
            // A hard space: the number stays with what it counts.
            text.push_str(&format!("\u{a0}×{}", phrase::count(count)));
        }
        if item.silent {
            format!("not seen: {text}")
        } else {
            text
        }
    }

    /// What could not be seen: gaps with one reason joined, those about the incident's subjects first.
    pub(super) fn gaps(&self) -> Vec<(String, String)> {
        let about: Vec<&str> = self
            .first()
            .into_iter()
            .flat_map(|i| i.hypotheses.iter().take(REMAINING))
            .flat_map(|h| &h.subjects)
            .map(|s| phrase::pod(&s.name, self.namespace))
            .filter(|name| !name.is_empty())
            .collect();
        let far = |gap: &&Gap| !about.iter().any(|name| gap.what.contains(name));
        let mut gaps: Vec<&Gap> = self.report.coverage.gaps.iter().collect();
        gaps.sort_by_key(far);
        let mut merged: Vec<(&str, Vec<String>)> = Vec::new();
        for gap in gaps {
            let what = self.without_namespace(&gap.what);
            match merged.iter_mut().find(|(why, _)| *why == gap.why) {
                Some((_, whats)) if whats.contains(&what) => {}
                Some((_, whats)) => whats.push(what),
                None => merged.push((&gap.why, vec![what])),
            }
        }
        merged
            .into_iter()
            .map(|(why, whats)| (phrase::list(&whats), why.to_owned()))
            .collect()
    }

    fn without_namespace(&self, text: &str) -> String {
        match self.namespace {
            Some(namespace) => text.replace(&format!("{namespace}/"), ""),
            None => text.to_owned(),
        }
    }

    /// What was looked at, by kind of source.
    pub(super) fn looked_at(&self) -> Vec<String> {
        let sources = &self.report.coverage.sources;
        let mut parts = Vec::new();
        for (kind, name) in KINDS {
            let of_kind: Vec<_> = sources.iter().filter(|s| s.kind == kind).collect();
            if of_kind.is_empty() {
                continue;
            }
            let pods: BTreeSet<_> = of_kind
                .iter()
                .filter(|s| s.pod.is_some())
                .map(|s| (&s.namespace, &s.pod))
                .collect();
            let records = all(of_kind.iter().map(|s| s.records));
            let bytes = all(of_kind.iter().map(|s| s.bytes));
            let of = match pods.len() {
                0 => name.to_owned(),
                n => format!("{name} of {}", phrase::plural(n as u64, "pod")),
            };
            parts.push(match kind {
                "log" => format!(
                    "{of} ({}, {})",
                    phrase::plural(records, "line"),
                    phrase::bytes(bytes)
                ),
                "event" => phrase::plural(records, "event"),
                "alert" => phrase::plural(records, "alert"),
                _ => of,
            });
        }
        parts
    }

    /// Templates no signature takes, in one sentence.
    pub(super) fn novelty(&self) -> Option<String> {
        let novel = &self.report.novel;
        let most = novel.iter().rev().max_by_key(|n| n.count)?;
        let lead = match novel.len() {
            1 => "a warning or error without a signature,".to_owned(),
            n => format!("{n} kinds of warnings and errors without a signature, most often"),
        };
        let count = phrase::count(most.count);
        Some(format!("{lead} ×{count}: {}", most.template))
    }

    /// Symptoms of an incident that nothing explains, as one line each, titles joined by subject.
    pub(super) fn left_over(&self, incident: &Incident) -> Vec<String> {
        incident
            .unexplained
            .iter()
            .map(|u| {
                let title = titled(&u.title, &u.symptom);
                let name = match u.subject.kind.as_str() {
                    "global" => String::new(),
                    _ => format!(" · {}", self.subject(&u.subject)),
                };
                format!("{title}{name}\u{a0}×{}", phrase::count(u.count))
            })
            .collect()
    }

    /// `ready · restarts 6 · memory 310 MiB of 512 MiB`.
    pub(super) fn facts(&self, member: &Member) -> Vec<String> {
        member
            .facts
            .iter()
            .map(|(key, value)| match value.as_str() {
                "yes" => key.clone(),
                "no" => format!("not {key}"),
                value => format!("{key} {value}"),
            })
            .collect()
    }

    /// One source in words: what it is, how much, from when to when, and what was odd in it.
    pub(super) fn source(&self, source: &SourceCoverage) -> Vec<String> {
        let mut name = source.kind.clone();
        if let Some(pod) = &source.pod {
            let namespace = source
                .namespace
                .as_deref()
                .filter(|_| self.namespace.is_none());
            name.push(' ');
            for part in namespace
                .into_iter()
                .chain([pod.as_str()])
                .chain(source.container.as_deref())
            {
                if !name.ends_with(' ') {
                    name.push('/');
                }
                name.push_str(part);
            }
        }
        if source.previous {
            name.push_str(" (previous)");
        }
        let mut parts = vec![name, phrase::plural(source.records, "record")];
        if source.bytes > 0 {
            parts.push(phrase::bytes(source.bytes));
        }
        let (from, until) = (source.from.as_deref(), source.until.as_deref());
        parts.extend(phrase::window(from, until));
        if let Some(level) = &source.lowest_level {
            parts.push(format!("lowest level {level}"));
        }
        if source.unparsed > 0 {
            parts.push(format!("{} odd", phrase::count(source.unparsed)));
        }
        if source.truncated > 0 {
            parts.push(format!("{} cut", phrase::count(source.truncated)));
        }
        parts
    }
}

/// Kinds of sources in the order they are listed, with what they are called.
const KINDS: [(&str, &str); 6] = [
    ("log", "logs"),
    ("status", "status"),
    ("event", "events"),
    ("metric", "metrics"),
    ("config", "configuration"),
    ("alert", "alerts"),
];

/// The sum of what others claim: it need not be possible.
fn all(counts: impl Iterator<Item = u64>) -> u64 {
    counts.fold(0, u64::saturating_add)
}

fn only_namespace(report: &Report) -> Option<&str> {
    if let [one] = report.scope.namespaces.as_slice() {
        return Some(one);
    }
    if !report.scope.namespaces.is_empty() {
        return None;
    }
    let mut namespaces = report
        .members
        .iter()
        .filter_map(|m| m.pod.split_once('/').map(|(ns, _)| ns))
        .chain(
            report
                .coverage
                .sources
                .iter()
                .filter_map(|s| s.namespace.as_deref()),
        );
    let first = namespaces.next()?;
    namespaces.all(|ns| ns == first).then_some(first)
}
