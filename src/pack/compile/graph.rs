//! States, causes, and the links between them.

use super::File;
use crate::pack::raw::{At, Many, RawAction, RawCause, RawConfirm, RawLink, RawState, RawWhen};
use crate::pack::words;
use crate::pack::{
    Action, Bind, Cause, Confirm, GateType, Heals, Link, Risk, Role, State, SubjectKind, Target,
    When,
};

/// More often than this, per subject and day, is no cause but a way of life.
const MOST_PER_DAY: f64 = 1000.0;

pub(super) fn state(file: &mut File, id: &str, raw: RawState) -> State {
    let gate = raw.gate.and_then(|gate| {
        let at_least = words::at_least(&gate.at_least.value);
        if at_least.is_none() {
            file.problem(&gate.at_least, "expected a number, `all` or `rf-quorum+1`");
        }
        Some(GateType {
            at_least: at_least?,
            of: file.state(&gate.of)?,
            q: file.number(words::Q, &gate.q, 1.0),
        })
    });
    State {
        id: id.to_owned(),
        title: raw.title,
        summary: raw.summary.trim().to_owned(),
        scope: scope(file, &raw.scope),
        leak: raw
            .leak
            .as_ref()
            .map_or(words::DEFAULT_LEAK, |at| file.number(words::LEAK, at, 1.0)),
        gate,
        links: raw.links.iter().filter_map(|raw| link(file, raw)).collect(),
        references: raw.references.0,
        formerly: raw.formerly.0,
    }
}

pub(super) fn cause(file: &mut File, id: &str, raw: RawCause) -> Cause {
    Cause {
        id: id.to_owned(),
        title: raw.title,
        summary: raw.summary.trim().to_owned(),
        scope: scope(file, &raw.scope),
        role: file.word(words::ROLE, &raw.role).unwrap_or(Role::Root),
        prior_per_day: file.number(words::PRIOR, &raw.prior, MOST_PER_DAY),
        together: raw
            .together
            .as_ref()
            .map_or(0.0, |at| file.number(words::Q, at, 1.0)),
        max_duration: raw.max_duration.as_ref().map(|at| file.duration(at)),
        excludes: raw
            .excludes
            .0
            .iter()
            .filter_map(|at| file.cause(at))
            .collect(),
        remediation_class: raw.remediation_class.unwrap_or_else(|| id.to_owned()),
        heals_itself: file.word_or(words::HEALS, raw.heals_itself.as_ref(), Heals::Sometimes),
        links: raw.links.iter().filter_map(|raw| link(file, raw)).collect(),
        confirm: raw
            .confirm
            .into_iter()
            .map(|raw| confirm(file, raw))
            .collect(),
        mitigate: raw
            .mitigate
            .into_iter()
            .map(|raw| action(file, raw))
            .collect(),
        fix: raw.fix.into_iter().map(|raw| action(file, raw)).collect(),
        verify: raw.verify.0.join("; "),
        avoid: raw.avoid.0,
        references: raw.references.0,
        formerly: raw.formerly.0,
    }
}

fn scope(file: &mut File, at: &At<String>) -> SubjectKind {
    file.word(words::SCOPE, at).unwrap_or(SubjectKind::Global)
}

fn link(file: &mut File, raw: &RawLink) -> Option<Link> {
    let delay = raw.delay.as_ref().and_then(|at| {
        let delay = words::delay(&at.value);
        if delay.is_none() {
            file.problem(at, "expected a range of durations such as 0s..30s");
        }
        delay
    });
    let q = file.number(words::Q, &raw.q, 1.0);
    let bind = file.word_or(words::BIND, raw.bind.as_ref(), Bind::Same);
    let with = terms(file, &raw.with);
    let when = when(file, &raw.when);
    Some(Link {
        to: file.target(&raw.to)?,
        q,
        with,
        delay,
        bind,
        when,
        defining: raw.defining,
        source: raw.source.clone(),
    })
}

/// The further members of an AND term.
fn terms(file: &mut File, with: &Many<At<String>>) -> Vec<Target> {
    let mut terms = Vec::new();
    for at in &with.0 {
        match file.target(at) {
            Some(Target::Signature(_)) => {
                file.problem(
                    at,
                    "a symptom brings nothing about: expected `state/…` or `cause/…`",
                );
            }
            term => terms.extend(term),
        }
    }
    terms
}

fn when(file: &mut File, raw: &RawWhen) -> When {
    let mode = raw.mode.as_ref().and_then(|at| file.word(words::MODE, at));
    let algorithm = raw
        .algorithm
        .as_ref()
        .and_then(|at| file.word(words::ALGORITHM, at));
    When {
        versions: file.versions(raw.since.as_ref(), raw.until.as_ref()),
        replication_factor: raw.replication_factor.0.clone(),
        mode: mode.map(str::to_owned),
        algorithm: algorithm.map(str::to_owned),
    }
}

fn confirm(file: &mut File, raw: RawConfirm) -> Confirm {
    let mut positive = |value: Option<f64>, key: &str| match value {
        Some(value) if value > 0.0 && value < 1e6 => value,
        Some(_) => {
            file.problem_at_key(key, format!("`{key}` must be above 0"));
            1.0
        }
        None => 1.0,
    };
    let minutes = positive(raw.minutes, "minutes");
    let cost = positive(raw.cost, "cost");
    Confirm {
        what: raw.what,
        run: raw.run.map(|at| at.value.trim_end().to_owned()),
        yields: raw
            .yields
            .0
            .iter()
            .filter_map(|at| file.signature(at))
            .collect(),
        minutes,
        cost,
    }
}

fn action(file: &mut File, raw: RawAction) -> Action {
    Action {
        what: raw.what,
        run: raw.run.map(|at| at.value.trim_end().to_owned()),
        risk: file
            .word(words::RISK, &raw.risk)
            .unwrap_or(Risk::Destructive),
    }
}
