//! Examples: whole lines that match, near misses that do not, and no line claimed by accident.

use std::collections::BTreeSet;

use super::{Auditor, Matched, Matches};
use crate::pack::{Condition, Example, Pack, Provenance, Signature, SignatureIx, Target, Test};
use crate::record::Source;

pub(super) fn check(auditor: &mut Auditor, matches: Option<&Matches>) {
    let pack = auditor.pack;
    for (ix, signature) in (0..).map(SignatureIx).zip(&pack.signatures) {
        if signature.expect.is_some() {
            continue;
        }
        let target = Target::Signature(ix);
        if signature.examples.matches.is_empty() {
            auditor.error(target, "examples:", "needs at least one line that matches");
        }
        if signature.examples.rejects.is_empty() {
            auditor.error(
                target,
                "examples:",
                "needs at least one near miss under `rejects`",
            );
        }
        for example in &signature.examples.matches {
            whole(auditor, ix, example);
        }
        for example in &signature.examples.rejects {
            near(auditor, ix, example);
        }
        if let Some(matches) = matches {
            run(auditor, ix, matches);
        }
        circles(auditor, ix);
    }
}

/// A match is a whole line, not the search string: it has a time (and so a field that no condition
/// mentions), an origin, and an anchor.
fn whole(auditor: &mut Auditor, ix: SignatureIx, example: &Example) {
    let signature = &auditor.pack[ix];
    let target = Target::Signature(ix);
    let mut say = |message: &str| auditor.error(target, start(&example.line), message);
    if example.why.trim().is_empty() {
        say("says nothing of its origin");
    }
    let structured = example.line.contains("level=") || example.line.starts_with('{');
    if signature.source == Source::Log && structured {
        let timed = ["ts=", "time=", "\"ts\"", "\"time\"", "timestamp"];
        let timed = timed.iter().any(|key| example.line.contains(key));
        if !timed && signature.provenance != Provenance::Runbook {
            say("a whole line has a time");
        }
    }
    let anchored = signature.variants.iter().any(|variant| {
        let mut anchors = variant.anchors.iter();
        variant.anchors.is_empty()
            || anchors.any(|anchor| contains(example.line.as_bytes(), anchor))
    });
    if signature.source == Source::Log && !anchored {
        say("has none of the literals that every matching line must contain");
    }
}

/// A near miss shares a literal of a condition, a telling word or, for other sources than logs, a
/// tested field with what it is near to; `hello world` does not.
fn near(auditor: &mut Auditor, ix: SignatureIx, example: &Example) {
    let signature = &auditor.pack[ix];
    let target = Target::Signature(ix);
    if example.why.trim().is_empty() {
        let message = "does not say why it is another matter";
        auditor.error(target, start(&example.line), message);
    }
    let anchors = signature.variants.iter().flat_map(|v| &v.anchors);
    let conditions = signature.variants.iter().flat_map(|v| &v.conditions);
    let mut literals = conditions.flat_map(literals).filter(|l| l.len() >= 4);
    let line = example.line.as_bytes();
    let own = telling_words(&example.line);
    let mut matches = signature.examples.matches.iter();
    let tested = fields(signature);
    let close = matches.any(|m| !own.is_disjoint(&telling_words(&m.line)))
        || anchors.into_iter().any(|anchor| contains(line, anchor))
        || literals.any(|literal| contains(line, literal.as_bytes()))
        || signature.source != Source::Log
            && pairs(&example.line)
                .iter()
                .any(|(key, _)| tested.contains(key));
    if !close {
        let message = "is no near miss: it shares no word of weight with the lines that match";
        auditor.error(target, start(&example.line), message);
    }
}

/// Words of five letters or more that not every line has.
fn telling_words(line: &str) -> BTreeSet<&str> {
    let words = line.split(|c: char| !c.is_ascii_alphanumeric());
    let plain = [
        "level",
        "debug",
        "error",
        "caller",
        "component",
        "receive",
        "thanos",
    ];
    let telling = |word: &&str| {
        let letters = word.bytes().filter(u8::is_ascii_alphabetic).count();
        letters >= 5 && !plain.contains(word)
    };
    words.filter(telling).collect()
}

fn run(auditor: &mut Auditor, ix: SignatureIx, matches: &Matches) {
    let pack = auditor.pack;
    let signature = &pack[ix];
    let target = Target::Signature(ix);
    for example in &signature.examples.matches {
        let matched = matches(&example.line, signature.source);
        match matched.iter().find(|m| m.signature == ix) {
            None => auditor.error(target, start(&example.line), "does not match"),
            Some(own) => extracted(auditor, ix, example, own),
        }
        for other in matched.iter().map(|m| m.signature) {
            if !at_peace(pack, ix, other) {
                let other = &pack[other].id;
                let message = format!(
                    "`{other}` claims this line by the same field: let one refine the other"
                );
                auditor.error(target, start(&example.line), message);
            }
        }
    }
    for example in &signature.examples.rejects {
        let matched = matches(&example.line, signature.source);
        if matched.iter().any(|m| m.signature == ix) {
            auditor.error(target, start(&example.line), "matches, though it must not");
        }
    }
}

fn extracted(auditor: &mut Auditor, ix: SignatureIx, example: &Example, own: &Matched) {
    for (name, expected) in &example.extract {
        let found = own.extract.iter().find(|(n, _)| n == name);
        let found = found
            .map(|(_, values)| values.as_slice())
            .unwrap_or_default();
        if found != expected.as_slice() {
            let message = format!("`{name}` is {found:?}, not {expected:?}");
            auditor.error(Target::Signature(ix), start(&example.line), message);
        }
    }
}

/// Two signatures may share a line if one refines the other, if they are rewordings of one
/// statement, if one is a fallback, which gives way, or if they look at different parts of it.
fn at_peace(pack: &Pack, a: SignatureIx, b: SignatureIx) -> bool {
    let (one, other) = (&pack[a], &pack[b]);
    let parts: BTreeSet<_> = fields(one).into_iter().filter_map(part).collect();
    let others: BTreeSet<_> = fields(other).into_iter().filter_map(part).collect();
    a == b
        || one.family == other.family
        || one.fallback
        || other.fallback
        || refines(pack, a).contains(&b)
        || refines(pack, b).contains(&a)
        || parts.is_disjoint(&others)
        // A sender says with which status it was answered; the answer it quotes says why.
        || one.product != other.product
}

/// The part of a line that a field is; `None` for fields that say too little by themselves. Leaves
/// and causes are parts of the error.
fn part(field: &str) -> Option<&str> {
    match field {
        "level" | "component" | "line" | "peer" | "code" | "http" | "local" => None,
        "leaf" | "cause" | "error" => Some("err"),
        other => Some(other),
    }
}

/// Everything that a signature refines, by however many steps.
fn refines(pack: &Pack, ix: SignatureIx) -> BTreeSet<SignatureIx> {
    let mut all = BTreeSet::new();
    let mut open = pack[ix].refines.clone();
    while let Some(next) = open.pop() {
        if all.insert(next) {
            open.extend(&pack[next].refines);
        }
    }
    all
}

fn circles(auditor: &mut Auditor, ix: SignatureIx) {
    if refines(auditor.pack, ix).contains(&ix) {
        let message = "refines itself by way of others: each would silence the other";
        auditor.error(Target::Signature(ix), "refines:", message);
    }
}

/// Fields that the conditions of any variant mention.
fn fields(signature: &Signature) -> BTreeSet<&str> {
    let conditions = signature.variants.iter().flat_map(|v| &v.conditions);
    conditions
        .map(|condition| condition.field.as_str())
        .collect()
}

fn literals(condition: &Condition) -> Vec<&str> {
    fn of(test: &Test) -> Vec<&str> {
        match test {
            Test::Equals(v) | Test::Contains(v) | Test::StartsWith(v) | Test::EndsWith(v) => {
                vec![v]
            }
            Test::OneOf(all) | Test::ContainsAny(all) => all.iter().map(String::as_str).collect(),
            Test::Not(inner) => of(inner),
            Test::Regex(_) | Test::Above(_) | Test::Below(_) | Test::Present(_) => Vec::new(),
        }
    }
    of(&condition.test)
}

/// `key=value` and `key="value"` pairs, or those of flat JSON; good enough to compare examples.
fn pairs(line: &str) -> Vec<(&str, &str)> {
    if line.starts_with('{') {
        let quoted: Vec<&str> = line.split('"').skip(1).collect();
        let pairs = quoted.chunks(4).filter(|chunk| chunk.len() >= 3);
        return pairs.map(|chunk| (chunk[0], chunk[2])).collect();
    }
    let mut all = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.find('=') {
        let key = rest[..at].rsplit(' ').next().unwrap_or_default();
        rest = &rest[at + 1..];
        let (value, left) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        all.push((key, value));
        rest = left;
    }
    all
}

fn contains(line: &[u8], literal: &[u8]) -> bool {
    memchr::memmem::find(line, literal).is_some()
}

/// What to look for in the file: folded lines stand there in pieces.
fn start(line: &str) -> &str {
    let end = line.char_indices().nth(40).map_or(line.len(), |(at, _)| at);
    &line[..end]
}
