//! Diagnosis × pack → the report value: ids become titles, remedies get real names.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{
    Coverage, Evidence, Explained, Gap, Hypothesis, Incident, Member, NextCheck, Novel, PodVersion,
    Remediation, Report, Scope, SourceCoverage, Step, Subject, Unexplained,
};
use super::words::{
    heals_name, kind_name, level_name, risk_name, role_name, severity_name, source_name,
};
use super::{names, remedy};
use crate::diagnosis::{self, Diagnosis, MemberRole, Verdict};
use crate::evidence::{self, Ledger};
use crate::limits;
use crate::pack::{Action, CauseIx, Pack, SignatureIx};
use crate::record::{Level, Source, Time};

/// Version of the public JSON.
const SCHEMA: &str = "rdiag/report/v1";

/// What the report says beside the diagnosis.
#[derive(Clone, Debug, Default)]
pub struct Extra {
    /// What could not be read, and why.
    pub gaps: Vec<(String, String)>,
    /// Names that commands need, from the objects of the cluster.
    pub topology_names: BTreeMap<String, String>,
    /// Names that are a pod's own (its claim, its limits), by pod (`namespace/name`).
    pub pod_names: BTreeMap<String, BTreeMap<String, String>>,
}

/// Puts the report together.
#[must_use]
pub fn compose(
    diagnosis: &Diagnosis,
    ledger: &Ledger,
    scope: &diagnosis::Scope,
    pack: &Pack,
    extra: &Extra,
) -> Report {
    let composer = Composer {
        ledger,
        scope,
        pack,
        extra,
        excused: (diagnosis.excused.iter().map(|e| (e.signature, &e.subject))).collect(),
    };
    let incidents: Vec<Incident> = diagnosis
        .incidents
        .iter()
        .map(|i| composer.incident(i))
        .collect();
    let mut gaps = composer.gaps();
    let unrecognised = composer.unrecognised();
    if let Some(lines) = unrecognised {
        gaps.insert(0, unread(lines));
    }
    Report {
        schema: SCHEMA.to_owned(),
        healthy: unrecognised.is_none() && incidents.iter().all(|i| i.verdict == "benign"),
        scope: composer.scope(),
        coverage: Coverage {
            sources: composer.sources(),
            gaps,
        },
        incidents,
        novel: composer.novel(),
        members: composer.members(),
    }
}

pub(super) struct Composer<'a> {
    pub(super) ledger: &'a Ledger,
    pub(super) scope: &'a diagnosis::Scope,
    pub(super) pack: &'a Pack,
    extra: &'a Extra,
    pub(super) excused: BTreeSet<(SignatureIx, &'a evidence::Subject)>,
}

impl Composer<'_> {
    fn scope(&self) -> Scope {
        let versions = self.scope.members.iter().filter_map(|m| {
            let version = m.version?;
            Some(PodVersion {
                pod: m.name.clone(),
                version: version.to_string(),
                basis: m.version_basis.to_owned(),
            })
        });
        let namespaces: BTreeSet<String> = self
            .scope
            .members
            .iter()
            .filter(|m| m.role == MemberRole::Receiver)
            .filter_map(|m| m.name.split_once('/').map(|(ns, _)| ns.to_owned()))
            .collect();
        Scope {
            from: self.scope.from.map(Time::rfc3339),
            until: self.scope.until.map(Time::rfc3339),
            thanos: versions.collect(),
            namespaces: namespaces.into_iter().collect(),
        }
    }

    fn sources(&self) -> Vec<SourceCoverage> {
        let all = self
            .ledger
            .coverage
            .iter()
            .map(|(source, origin, seen)| SourceCoverage {
                kind: source_name(source).to_owned(),
                namespace: origin.namespace.as_deref().map(str::to_owned),
                pod: (!origin.pod.is_empty()).then(|| origin.pod.to_string()),
                container: origin.container.as_deref().map(str::to_owned),
                previous: origin.previous,
                records: seen.records,
                bytes: seen.bytes,
                from: seen.from.map(Time::rfc3339),
                until: seen.until.map(Time::rfc3339),
                lowest_level: seen.lowest_level.map(|l| level_name(l).to_owned()),
                unparsed: seen.unparsed,
                truncated: seen.truncated,
            });
        all.collect()
    }

    /// How many lines there are, if there is nothing else and not one of them says anything: no time,
    /// no level, no signature. Silence of such input is not health.
    fn unrecognised(&self) -> Option<u64> {
        let mut lines = 0;
        for (source, _, seen) in self.ledger.coverage.iter() {
            let says = seen.from.is_some() || seen.lowest_level.is_some();
            if seen.records > 0 && (source != Source::Log || says) {
                return None;
            }
            lines = seen.records.saturating_add(lines);
        }
        self.ledger.is_empty().then_some(lines)
    }

    /// What could not be seen: what the collector says, what is missing altogether, and what this
    /// level never prints.
    fn gaps(&self) -> Vec<Gap> {
        let gap = |what: &str, why: &str| Gap {
            what: what.to_owned(),
            why: why.to_owned(),
        };
        let mut gaps = Vec::new();
        let have = self.scope.collected;
        let receivers: Vec<&diagnosis::Member> = self
            .scope
            .members
            .iter()
            .filter(|m| m.role == MemberRole::Receiver)
            .collect();
        if have.logs
            && receivers
                .iter()
                .any(|m| m.log && m.level != Some(Level::Debug))
        {
            gaps.push(gap(
                "reasons of failed writes",
                "below debug level a receiver prints nothing about writes answered 409 or 503, nor about members it cannot reach while the quorum holds",
            ));
        }
        if !have.status {
            gaps.push(gap(
                "pod states and last terminations",
                "no Kubernetes objects in the input",
            ));
        }
        if !have.events && have.status {
            gaps.push(gap(
                "events",
                "none in the input; they live for about an hour",
            ));
        }
        if !have.metrics {
            gaps.push(gap(
                "counters between two scrapes",
                "fewer than two scrapes of a receiver in the input",
            ));
        }
        if !have.sender_logs {
            gaps.push(gap(
                "what senders were answered",
                "no log of a sender in the input",
            ));
        }
        if !have.hashring {
            gaps.push(gap("the hashring file", "not in the input"));
        }
        for member in receivers.iter().filter(|m| !m.log) {
            let what = match member.name.as_str() {
                "" => "logs of receivers".to_owned(),
                name => format!("log of {name}"),
            };
            gaps.push(gap(&what, "not in the input"));
        }
        gaps.extend(self.extra.gaps.iter().map(|(what, why)| gap(what, why)));
        if self.ledger.overflow > 0 {
            gaps.push(gap(
                "evidence beyond the bound",
                &format!("{} hits were not kept", self.ledger.overflow),
            ));
        }
        if self.ledger.novel.overflow > 0 {
            let why = format!("{} lines have no template", self.ledger.novel.overflow);
            gaps.push(gap("warnings and errors beyond the bound", &why));
        }
        let mut seen = BTreeSet::new();
        gaps.retain(|g| seen.insert(g.clone()));
        gaps
    }

    /// What no signature takes, most frequent first.
    fn novel(&self) -> Vec<Novel> {
        let templates = self
            .ledger
            .novel
            .templates()
            .into_iter()
            .take(limits::NOVEL_TEMPLATES);
        templates
            .map(|t| Novel {
                template: super::escape::visible(&t.text).into_owned(),
                count: t.count,
                first: t.first.map(Time::rfc3339),
                pods: t.pods,
            })
            .collect()
    }

    fn members(&self) -> Vec<Member> {
        let shown = self
            .scope
            .members
            .iter()
            .filter(|m| m.role != MemberRole::Unknown || m.in_ring)
            .filter(|m| !m.name.is_empty());
        shown
            .map(|m| Member {
                pod: m.name.clone(),
                role: match m.role {
                    MemberRole::Receiver => "receiver",
                    MemberRole::Sender => "sender",
                    MemberRole::Unknown => "other",
                }
                .to_owned(),
                facts: m.facts.clone(),
            })
            .collect()
    }

    fn incident(&self, incident: &diagnosis::Incident) -> Incident {
        let hypotheses: Vec<Hypothesis> = incident
            .hypotheses
            .iter()
            .map(|h| self.hypothesis(h))
            .collect();
        let verdict = match incident.verdict {
            Verdict::Benign => "benign",
            Verdict::Raised(band) => band.as_str(),
        };
        let named = incident.hypotheses.first();
        Incident {
            id: incident_id(&hypotheses, incident.from),
            from: incident.from.map(Time::rfc3339),
            until: self.ended(incident).map(Time::rfc3339),
            provisional: false,
            exact: incident.exact,
            verdict: verdict.to_owned(),
            severity: severity_name(incident.severity).to_owned(),
            indistinguishable: incident.indistinguishable.clone(),
            unknown_probability: round(incident.unknown_probability),
            next_checks: incident
                .next_checks
                .iter()
                .map(|c| self.next_check(c, named))
                .collect(),
            unexplained: incident
                .unexplained
                .iter()
                .map(|(ix, s)| self.unexplained(*ix, s))
                .collect(),
            impact: self.impact(incident),
            timeline: self.timeline(incident),
            hypotheses,
        }
    }

    /// Over, when its last sign is well before the end of the input.
    fn ended(&self, incident: &diagnosis::Incident) -> Option<Time> {
        const QUIET_NS: i64 = 10 * 60 * 1_000_000_000;
        let (last, now) = (incident.until?, self.scope.until?);
        (now.since(last) > QUIET_NS).then_some(last)
    }

    fn hypothesis(&self, hypothesis: &diagnosis::Hypothesis) -> Hypothesis {
        let cause = &self.pack.causes[hypothesis.cause.0 as usize];
        Hypothesis {
            cause: cause.id.clone(),
            title: cause.title.clone(),
            role: role_name(cause.role).to_owned(),
            probability: round(hypothesis.probability),
            band: hypothesis.band.as_str().to_owned(),
            subjects: hypothesis.subjects.iter().map(subject).collect(),
            chain: hypothesis.chain.clone(),
            explains: hypothesis
                .explains
                .iter()
                .map(|e| self.explained(e))
                .collect(),
            pro: hypothesis.pro.iter().map(|e| self.evidence(e)).collect(),
            contra: hypothesis.contra.iter().map(|e| self.evidence(e)).collect(),
            heals_itself: heals_name(cause.heals_itself).to_owned(),
            remediation: self.remediation(hypothesis.cause, hypothesis),
            poorly_explained: hypothesis
                .poorly_explained
                .iter()
                .map(|(ix, _)| {
                    let title = &self.pack.signatures[ix.0 as usize].title;
                    format!("{title} (this alone does not bring it about: look for a second fault)")
                })
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
        }
    }

    fn explained(&self, explained: &diagnosis::Explained) -> Explained {
        let entry = self.ledger.get(explained.signature, &explained.subject);
        let lines = entry.map(|e| {
            e.samples
                .iter()
                .map(|s| super::escape::visible_bytes(&s.line))
                .collect()
        });
        let signature = &self.pack.signatures[explained.signature.0 as usize];
        Explained {
            symptom: signature.id.clone(),
            title: signature.title.clone(),
            subject: subject(&explained.subject),
            necessity: round(explained.necessity),
            count: entry.map_or(0, |e| e.count),
            samples: lines.unwrap_or_default(),
        }
    }

    fn evidence(&self, evidence: &diagnosis::Evidence) -> Evidence {
        let signature = &self.pack.signatures[evidence.signature.0 as usize];
        Evidence {
            symptom: signature.id.clone(),
            title: signature.title.clone(),
            subject: subject(&evidence.subject),
            nats: (evidence.nats * 10.0).round() / 10.0,
            silent: evidence.silent,
            defining: evidence.defining,
        }
    }

    fn unexplained(&self, ix: SignatureIx, about: &evidence::Subject) -> Unexplained {
        let signature = &self.pack.signatures[ix.0 as usize];
        Unexplained {
            symptom: signature.id.clone(),
            title: signature.title.clone(),
            subject: subject(about),
            count: self.ledger.get(ix, about).map_or(0, |e| e.count),
        }
    }

    /// What it means for writes, from the worst impact symptom that was seen.
    fn impact(&self, incident: &diagnosis::Incident) -> Option<String> {
        let explained = incident
            .hypotheses
            .iter()
            .flat_map(|h| &h.explains)
            .map(|e| e.signature);
        let open = incident.unexplained.iter().map(|(ix, _)| *ix);
        let worst = explained
            .chain(open)
            .map(|ix| &self.pack.signatures[ix.0 as usize])
            .filter(|s| s.impact)
            .max_by(|a, b| a.severity.cmp(&b.severity).then(b.id.cmp(&a.id)));
        let have = self.scope.collected;
        match worst {
            Some(worst) => Some(worst.title.clone()),
            // Only what would have shown it can say that there is none.
            None if have.sender_logs && have.metrics => {
                Some("None seen: neither senders nor counters show a write that failed".to_owned())
            }
            None => None,
        }
    }

    fn next_check(
        &self,
        check: &diagnosis::NextCheck,
        about: Option<&diagnosis::Hypothesis>,
    ) -> NextCheck {
        let step = &self.pack.causes[check.cause.0 as usize].confirm[check.step];
        let names = names::of(self.scope, self.extra, about);
        let title = |ix: Option<CauseIx>, none: &str| {
            ix.map_or_else(
                || none.to_owned(),
                |c| self.pack.causes[c.0 as usize].title.clone(),
            )
        };
        NextCheck {
            what: prose(&step.what, &names),
            run: step.run.as_deref().and_then(|r| command(r, &names)),
            bits: (check.bits * 100.0).round() / 100.0,
            if_yes: title(check.if_yes, "the first cause above"),
            if_no: title(check.if_no, "something else"),
        }
    }

    fn remediation(&self, ix: CauseIx, hypothesis: &diagnosis::Hypothesis) -> Remediation {
        let cause = &self.pack.causes[ix.0 as usize];
        let names = names::of(self.scope, self.extra, Some(hypothesis));
        let action = |a: &Action| Step {
            what: prose(&a.what, &names),
            run: a.run.as_deref().and_then(|r| command(r, &names)),
            risk: Some(risk_name(a.risk).to_owned()),
        };
        Remediation {
            confirm: cause
                .confirm
                .iter()
                .map(|c| Step {
                    what: prose(&c.what, &names),
                    run: c.run.as_deref().and_then(|r| command(r, &names)),
                    risk: None,
                })
                .collect(),
            mitigate: cause.mitigate.iter().map(action).collect(),
            fix: cause.fix.iter().map(action).collect(),
            verify: prose(&cause.verify, &names),
            avoid: cause.avoid.iter().map(|a| prose(a, &names)).collect(),
        }
    }
}

/// A command with its placeholders filled; one with a name that is not known keeps it, visibly.
fn command(template: &str, names: &BTreeMap<String, String>) -> Option<String> {
    Some(remedy::fill(template, names).unwrap_or_else(|_| open(template, names, remedy::fill)))
}

fn prose(template: &str, names: &BTreeMap<String, String>) -> String {
    remedy::fill_prose(template, names)
        .unwrap_or_else(|_| open(template, names, remedy::fill_prose))
}

/// Fills what is known and writes `<NAME>` for what is not, as a person would in a runbook.
fn open<E>(
    template: &str,
    names: &BTreeMap<String, String>,
    fill: impl Fn(&str, &BTreeMap<String, String>) -> Result<String, E>,
) -> String {
    let mut text = template.to_owned();
    let mut rest = template;
    while let Some(at) = rest.find("{{") {
        rest = &rest[at + 2..];
        let Some(end) = rest.find("}}") else { break };
        let name = rest[..end].trim();
        let placeholder = format!("{{{{{}}}}}", &rest[..end]);
        if fill(&placeholder, names).is_err() {
            let shown = format!("<{}>", name.replace('_', "-").to_uppercase());
            text = text.replace(&placeholder, &shown);
        }
    }
    fill(&text, names).unwrap_or(text)
}

fn subject(subject: &evidence::Subject) -> Subject {
    Subject {
        kind: kind_name(subject.kind).to_owned(),
        name: subject.name.to_string(),
    }
}

fn round(p: f64) -> f64 {
    (p * 1e4).round() / 1e4
}

/// Hash of cause, subjects and onset: the same incident keeps its id from look to look.
fn incident_id(hypotheses: &[Hypothesis], from: Option<Time>) -> String {
    let mut text = String::new();
    if let Some(first) = hypotheses.first() {
        text.push_str(&first.cause);
        for s in &first.subjects {
            text.push_str(&s.kind);
            text.push_str(&s.name);
        }
    }
    if let Some(from) = from {
        text.push_str(&from.rfc3339());
    }
    format!("{:016x}", xxhash_rust::xxh64::xxh64(text.as_bytes(), 0))
}

/// The gap of input that is no log.
fn unread(lines: u64) -> Gap {
    let why = match lines {
        0 => "no line, object or metric could be read".to_owned(),
        1 => "its one line has no time and no level, and no signature knows it".to_owned(),
        n => format!(
            "none of its {} lines has a time or a level, and no signature knows one of them",
            super::phrase::count(n)
        ),
    };
    Gap {
        what: super::model::UNRECOGNISED.to_owned(),
        why,
    }
}
