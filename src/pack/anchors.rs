//! Literals that every matching line contains, found in the conditions of a variant.
//!
//! One automaton looks for the anchors of all signatures in the raw line, so that the cost per line
//! does not grow with their number. A value may be escaped inside JSON or logfmt, hence an anchor has
//! none of the bytes that either may write differently. Rarity is worth more than length: an anchor
//! that stands in every other line saves no work. The build script compiles this module too.

use std::collections::BTreeMap;

use regex_syntax::hir::{Hir, HirKind};

use super::raw::{RawCondition, RawTest};

/// Shortest anchor, in bytes.
pub(crate) const SHORTEST: usize = 8;

/// Fields whose value as seen by conditions need not stand in the line as it is.
const DERIVED: &[&str] = &["level", "peer", "code", "http", "local", "count"];

/// Text that healthy lines are full of; longer entries first where one contains the other. What is
/// covered by these adds nothing to the worth of an anchor.
const COMMON: &[&str] = &[
    "failed to handle request",
    "component=receive-handler",
    "component=receive-writer",
    "component=multi-tsdb",
    "component=receive",
    "component=uploader",
    "receive-handler",
    "receive-writer",
    "multi-tsdb",
    "monitoring.svc.cluster.local",
    "svc.cluster.local",
    "thanos-receive",
    "forwarding request to endpoint",
    "store locally for endpoint",
    "forwarding request",
    "for endpoint",
    "internal server error",
    "context deadline exceeded",
    "context canceled",
    "rpc error: code = ",
    "code = Unavailable",
    "desc = ",
    "level=error",
    "level=debug",
    "level=warn",
    "level=info",
    "handler.go",
    "default-tenant",
    "tenant=",
    "caller=",
    "level=",
    "msg=",
    "err=",
    "component=",
    "endpoint",
    "request",
    "receive",
    "samples",
    "series",
];

/// Sets of anchors, one of which every line that satisfies `conditions` contains; empty when there is
/// none. Sorted, without duplicates.
pub(crate) fn derive(conditions: &BTreeMap<String, RawCondition>) -> Vec<String> {
    let mut best: Option<(u32, Vec<String>)> = None;
    for (field, condition) in conditions {
        if DERIVED.contains(&field.as_str()) {
            continue;
        }
        for set in condition.0.iter().filter_map(of_test) {
            let worth = worth_of_set(&set);
            if best.as_ref().is_none_or(|(most, _)| worth > *most) {
                best = Some((worth, set));
            }
        }
    }
    let mut set = best.map(|(_, set)| set).unwrap_or_default();
    // Where one member is part of another, looking for the shorter one finds both.
    set.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    let mut needed: Vec<String> = Vec::with_capacity(set.len());
    for member in set {
        if !needed
            .iter()
            .any(|shorter| member.contains(shorter.as_str()))
        {
            needed.push(member);
        }
    }
    needed.sort();
    needed
}

fn of_test(test: &RawTest) -> Option<Vec<String>> {
    let one = |value: &String| Some(vec![piece(value.as_bytes())?]);
    let any = |values: &Vec<String>| values.iter().map(|v| piece(v.as_bytes())).collect();
    match test {
        RawTest::Equals(value) | RawTest::StartsWith(value) | RawTest::EndsWith(value) => {
            one(value)
        }
        RawTest::OneOf(values) | RawTest::Contains(values) => any(values),
        RawTest::Regex(expression) => of_expression(&expression.value),
        RawTest::Above(_) | RawTest::Below(_) | RawTest::Present(_) | RawTest::Not(_) => None,
    }
}

fn of_expression(expression: &str) -> Option<Vec<String>> {
    let hir = regex_syntax::ParserBuilder::new()
        .utf8(false)
        .build()
        .parse(expression)
        .ok()?;
    of_hir(&hir)
}

/// The best set required by an expression.
fn of_hir(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(vec![piece(&literal.0)?]),
        HirKind::Capture(capture) => of_hir(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min >= 1 => of_hir(&repetition.sub),
        HirKind::Concat(parts) => {
            let sets = parts.iter().filter_map(of_hir);
            sets.max_by_key(|set| worth_of_set(set))
        }
        HirKind::Alternation(branches) => {
            let sets: Option<Vec<_>> = branches.iter().map(of_hir).collect();
            Some(sets?.concat())
        }
        HirKind::Repetition(_) | HirKind::Empty | HirKind::Look(_) | HirKind::Class(_) => None,
    }
}

/// The best piece of a literal between bytes that may be escaped.
fn piece(literal: &[u8]) -> Option<String> {
    let mut best: Option<(u32, &[u8])> = None;
    for part in literal.split(|&byte| may_be_escaped(byte)) {
        if part.len() < SHORTEST {
            continue;
        }
        let worth = worth(part);
        if best.is_none_or(|(most, _)| worth > most) {
            best = Some((worth, part));
        }
    }
    let (_, part) = best?;
    String::from_utf8(part.to_vec()).ok()
}

fn may_be_escaped(byte: u8) -> bool {
    !(b' '..=b'~').contains(&byte) || b"\"\\<>&".contains(&byte)
}

/// A set is worth as much as its most common member.
fn worth_of_set(set: &[String]) -> u32 {
    let least = set.iter().map(|member| worth(member.as_bytes())).min();
    least.unwrap_or(0)
}

/// Bytes that are not part of common text count eight each up to 24 bytes, one from then on; common
/// ones count one.
fn worth(literal: &[u8]) -> u32 {
    let common = covered(literal);
    let rare = literal.len() - common;
    let (near, far) = (rare.min(24), rare.saturating_sub(24));
    u32::try_from(near * 8 + far + common).unwrap_or(u32::MAX)
}

/// How many bytes of `literal` are common text. A literal inside a common text is common as a whole.
fn covered(literal: &[u8]) -> usize {
    let text = std::str::from_utf8(literal).unwrap_or_default();
    if COMMON.iter().any(|common| common.contains(text.trim())) {
        return literal.len();
    }
    let mut at = 0;
    let mut bytes = 0;
    while at < text.len() {
        let rest = text.get(at..).unwrap_or_default();
        match COMMON.iter().find(|common| rest.starts_with(**common)) {
            Some(common) => {
                bytes += common.len();
                at += common.len();
            }
            None => at += 1,
        }
    }
    bytes
}
