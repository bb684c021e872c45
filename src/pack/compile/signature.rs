//! Signatures.

use super::File;
use crate::pack::raw::{
    At, RawCondition, RawExamples, RawExcuse, RawExtract, RawSignature, RawTest, RawVariant,
};
use crate::pack::words;
use crate::pack::{
    About, Condition, Example, Examples, Excuse, Expect, Extract, LazyRegex, Product, Provenance,
    Severity, Signature, SubjectKind, Test, Variant,
};
use crate::record::Source;

/// `within` of an excuse that gives none: ten minutes, the window of one incident.
const DEFAULT_WITHIN: i64 = 600_000_000_000;

pub(super) fn compile(
    file: &mut File,
    id: &str,
    raw: RawSignature,
    anchors: Vec<Vec<String>>,
) -> Signature {
    let source = file.word_or(words::SOURCE, raw.source.as_ref(), Source::Log);
    let extract = extractions(file, raw.extract);
    let about = about(file, raw.about.as_ref(), &extract);
    if raw.variants.is_empty() == raw.expect.is_none() {
        file.problem_at_key("title", "needs `variants` or `expect`, and not both");
    }
    let expect = raw.expect.and_then(|expect| {
        Some(Expect {
            signature: file.signature(&expect.signature)?,
            every: file.duration(&expect.every),
        })
    });
    let leak = raw.leak.as_ref();
    Signature {
        id: id.to_owned(),
        title: raw.title,
        summary: raw.summary.trim().to_owned(),
        severity: file
            .word(words::SEVERITY, &raw.severity)
            .unwrap_or(Severity::Error),
        impact: raw.impact,
        leak: leak.map_or(words::DEFAULT_LEAK, |at| file.number(words::LEAK, at, 1.0)),
        family: raw.family.unwrap_or_else(|| id.to_owned()),
        covers: raw.covers.0.into_iter().map(|at| at.value).collect(),
        provenance: file.word_or(
            words::PROVENANCE,
            raw.provenance.as_ref(),
            Provenance::Upstream,
        ),
        product: file.word_or(words::PRODUCT, raw.product.as_ref(), Product::Thanos),
        source,
        variants: raw
            .variants
            .into_iter()
            .zip(anchors)
            .map(|(raw, anchors)| variant(file, raw, anchors, source))
            .collect(),
        expect,
        extract,
        about,
        fallback: raw.fallback,
        refines: raw
            .refines
            .0
            .iter()
            .filter_map(|at| file.signature(at))
            .collect(),
        benign_when: raw.benign_when.iter().map(|e| excuse(file, e)).collect(),
        examples: examples(raw.examples),
        references: raw.references.0,
        formerly: raw.formerly.0,
    }
}

fn variant(file: &mut File, raw: RawVariant, anchors: Vec<String>, source: Source) -> Variant {
    if source == Source::Log && anchors.is_empty() {
        let place = crate::pack::problem::Place::of_any(&raw.conditions);
        let problem = file.source.problem(place, NO_ANCHOR);
        file.problems.push(problem);
    }
    let mut conditions = Vec::new();
    for (field, RawCondition(tests)) in raw.conditions.value {
        for raw in tests {
            conditions.push(Condition {
                field: field.clone(),
                test: test(file, raw),
            });
        }
    }
    Variant {
        versions: file.versions(raw.since.as_ref(), raw.until.as_ref()),
        min_level: raw
            .min_level
            .as_ref()
            .and_then(|at| file.word(words::LEVEL, at)),
        conditions,
        anchors: anchors.into_iter().map(String::into_bytes).collect(),
    }
}

const NO_ANCHOR: &str = "no anchor: some condition must contain 8 bytes or more as they stand in \
                         every matching line, without quotes, backslashes, <, > or &";

fn test(file: &mut File, raw: RawTest) -> Test {
    match raw {
        RawTest::Equals(value) => Test::Equals(value),
        RawTest::OneOf(values) => Test::OneOf(values),
        RawTest::Contains(mut values) => match values.len() {
            1 => Test::Contains(values.remove(0)),
            _ => Test::ContainsAny(values),
        },
        RawTest::StartsWith(value) => Test::StartsWith(value),
        RawTest::EndsWith(value) => Test::EndsWith(value),
        RawTest::Regex(at) => Test::Regex(expression(file, at)),
        RawTest::Above(bound) => Test::Above(bound),
        RawTest::Below(bound) => Test::Below(bound),
        RawTest::Present(present) => Test::Present(present),
        RawTest::Not(inner) => Test::Not(Box::new(test(file, *inner))),
    }
}

fn expression(file: &mut File, at: At<String>) -> Box<LazyRegex> {
    if !file.proven
        && let Err(message) = LazyRegex::check(&at.value)
    {
        file.problem(&at, format!("not a regular expression: {message}"));
    }
    Box::new(LazyRegex::new(at.value))
}

fn extractions(
    file: &mut File,
    raw: std::collections::BTreeMap<String, RawExtract>,
) -> Vec<Extract> {
    raw.into_iter()
        .map(|(name, raw)| Extract {
            name,
            from: raw.from,
            regex: raw.regex.map(|at| expression(file, at)),
        })
        .collect()
}

fn about(file: &mut File, at: Option<&At<String>>, extract: &[Extract]) -> About {
    let Some(at) = at else {
        return About::Writer;
    };
    let name = at.value.as_str();
    if extract.iter().any(|extract| extract.name == name) {
        return match words::meaning(words::ABOUT_EXTRACTED, name) {
            Some(kind) => About::Extracted {
                name: name.to_owned(),
                kind,
            },
            None => {
                let names = words::list(words::ABOUT_EXTRACTED);
                file.problem(at, format!("only values named so can be subjects: {names}"));
                About::Writer
            }
        };
    }
    if let Some(kind) = words::meaning(words::ABOUT_SINGLETON, name) {
        return About::Singleton(kind);
    }
    if name != "writer" && words::meaning(words::SCOPE, name) != Some(SubjectKind::Pod) {
        let kinds = words::list(words::ABOUT_SINGLETON);
        let message = format!("`{name}` is neither under `extract` nor one of: {kinds}");
        file.problem(at, message);
    }
    About::Writer
}

fn excuse(file: &mut File, raw: &RawExcuse) -> Excuse {
    if raw.near.is_none() && raw.fewer_than.is_none() {
        file.problem_at_key("benign_when", "an excuse needs `near` or `fewer_than`");
    }
    Excuse {
        near: raw.near.as_ref().and_then(|at| file.signature(at)),
        fewer_than: raw.fewer_than,
        within: raw
            .within
            .as_ref()
            .map_or(DEFAULT_WITHIN, |at| file.duration(at)),
        because: raw.because.clone(),
    }
}

fn examples(raw: RawExamples) -> Examples {
    let matches = raw.matches.into_iter().map(|raw| Example {
        line: raw.line.value.trim_end_matches('\n').to_owned(),
        why: raw.origin,
        extract: raw
            .extract
            .into_iter()
            .map(|(name, values)| (name, values.0))
            .collect(),
    });
    let rejects = raw.rejects.into_iter().map(|raw| Example {
        line: raw.line.value.trim_end_matches('\n').to_owned(),
        why: raw.because,
        extract: Vec::new(),
    });
    Examples {
        matches: matches.collect(),
        rejects: rejects.collect(),
    }
}
