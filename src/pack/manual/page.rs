//! What a page says, whatever it looks like.

use crate::pack::words::{self, say, word};
use crate::pack::{
    About, Action, AtLeast, Bind, Cause, Condition, Confirm, Excuse, Link, Pack, Signature, State,
    Target, Test, Variant, When,
};

/// A page.
#[derive(Clone, Debug)]
pub struct Page {
    /// What it is about.
    pub target: Target,
    /// Facts in a row below the title.
    pub facts: Vec<String>,
    /// One paragraph.
    pub summary: String,
    /// The rest; none is empty.
    pub sections: Vec<Section>,
}

/// A heading and what stands below it.
#[derive(Clone, Debug)]
pub struct Section {
    /// Heading.
    pub heading: &'static str,
    /// What stands below it.
    pub items: Vec<Item>,
}

/// An item of a list.
#[derive(Clone, Debug, Default)]
pub struct Item {
    /// What it refers to, said first.
    pub about: Option<Target>,
    /// Text.
    pub text: String,
    /// A command or line, shown as it is.
    pub code: Option<String>,
}

impl Item {
    fn text(text: impl Into<String>) -> Item {
        Item {
            text: text.into(),
            ..Item::default()
        }
    }
}

/// The page of `target`.
#[must_use]
pub fn of(pack: &Pack, target: Target) -> Page {
    let (facts, summary, sections) = match target {
        Target::Signature(ix) => signature(pack, target, &pack[ix]),
        Target::State(ix) => state(pack, target, &pack[ix]),
        Target::Cause(ix) => cause(pack, target, &pack[ix]),
    };
    let full = |section: &Section| !section.items.is_empty();
    Page {
        target,
        facts,
        summary: summary.to_owned(),
        sections: sections.into_iter().filter(full).collect(),
    }
}

type Parts<'p> = (Vec<String>, &'p str, Vec<Section>);

fn signature<'p>(pack: &Pack, target: Target, signature: &'p Signature) -> Parts<'p> {
    let mut facts = vec![
        format!("severity {}", word(words::SEVERITY, &signature.severity)),
        format!("from {}", word(words::SOURCE, &signature.source)),
        format!(
            "known from {}",
            word(words::PROVENANCE, &signature.provenance)
        ),
        format!("by itself {}", say(words::LEAK, signature.leak)),
    ];
    if signature.fallback {
        facts.push("gives way to other signatures of a line".to_owned());
    }
    if signature.impact {
        facts.push("users feel it".to_owned());
    }
    let mut looks: Vec<Item> = signature.variants.iter().map(variant).collect();
    if let Some(expect) = &signature.expect {
        looks.push(Item {
            about: Some(Target::Signature(expect.signature)),
            text: format!("does not come for {}", duration(expect.every)),
            code: None,
        });
    }
    let extract = signature
        .extract
        .iter()
        .map(|extract| match &extract.regex {
            Some(regex) => Item {
                text: format!("{} from {}", extract.name, extract.from),
                code: Some(regex.as_str().to_owned()),
                about: None,
            },
            None => Item::text(format!("{} = {}", extract.name, extract.from)),
        });
    let examples = &signature.examples;
    let (matches, rejects) = (&examples.matches, &examples.rejects);
    let shown = |example: &crate::pack::Example| Item {
        text: example.why.clone(),
        code: Some(example.line.clone()),
        about: None,
    };
    let sections = vec![
        section("Looks like", looks),
        section("Is about", [Item::text(about(&signature.about))]),
        section("Values taken out", extract),
        section("Comes from", causes_of(pack, target)),
        section("Follows directly from", parents(pack, target)),
        section(
            "Silences",
            signature
                .refines
                .iter()
                .map(|ix| bare(Target::Signature(*ix))),
        ),
        section("Is excused", signature.benign_when.iter().map(excuse)),
        section("Examples", matches.iter().map(shown)),
        section("Near misses", rejects.iter().map(shown)),
        section(
            "Messages of upstream",
            signature.covers.iter().map(Item::text),
        ),
        section("See", signature.references.iter().map(Item::text)),
        section("Formerly", signature.formerly.iter().map(Item::text)),
    ];
    (facts, &signature.summary, sections)
}

fn state<'p>(pack: &Pack, target: Target, state: &'p State) -> Parts<'p> {
    let facts = vec![
        format!("of a {}", word(words::SCOPE, &state.scope)),
        format!("by itself {}", say(words::LEAK, state.leak)),
    ];
    let gate = state.gate.iter().map(|gate| {
        let most = match gate.at_least {
            AtLeast::Fixed(members) => members.to_string(),
            AtLeast::QuorumLoss => "replication factor - quorum + 1".to_owned(),
            AtLeast::All => "all members".to_owned(),
        };
        let often = say(words::Q, gate.q);
        Item {
            about: Some(Target::State(gate.of)),
            text: format!("holds of at least {most} ({often})"),
            code: None,
        }
    });
    let sections = vec![
        section("Comes from", causes_of(pack, target)),
        section("Follows directly from", parents(pack, target)),
        section("Opens when", gate),
        section(
            "What follows",
            state.links.iter().map(|l| link(pack, l, l.to)),
        ),
        section("See", state.references.iter().map(Item::text)),
        section("Formerly", state.formerly.iter().map(Item::text)),
    ];
    (facts, &state.summary, sections)
}

fn cause<'p>(pack: &Pack, target: Target, cause: &'p Cause) -> Parts<'p> {
    let per_day = say(words::PRIOR, cause.prior_per_day);
    let mut facts = vec![
        format!("{} cause", word(words::ROLE, &cause.role)),
        format!("of a {}", word(words::SCOPE, &cause.scope)),
        format!("begins: {per_day}"),
        format!(
            "heals by itself: {}",
            word(words::HEALS, &cause.heals_itself)
        ),
    ];
    if cause.together > 0.0 {
        facts.push(format!(
            "others have it too: {}",
            say(words::Q, cause.together)
        ));
    }
    if let Some(longest) = cause.max_duration {
        facts.push(format!("lasts at most {}", duration(longest)));
    }
    let confirm = cause.confirm.iter().map(|step| check(pack, step));
    let verify = Some(&cause.verify).filter(|verify| !verify.is_empty());
    let shows = cause.links.iter().map(|l| link(pack, l, l.to));
    let excludes = cause.excludes.iter().map(|ix| bare(Target::Cause(*ix)));
    let sections = vec![
        section("Shows as", shows),
        section("Comes from", parents(pack, target)),
        section("Confirm", confirm),
        section("Stop the pain", cause.mitigate.iter().map(action)),
        section("Remove the cause", cause.fix.iter().map(action)),
        section("It is over when", verify.map(Item::text)),
        section("Do not", cause.avoid.iter().map(Item::text)),
        section("Never together with", excludes),
        section("See", cause.references.iter().map(Item::text)),
        section("Formerly", cause.formerly.iter().map(Item::text)),
    ];
    (facts, &cause.summary, sections)
}

fn section(heading: &'static str, items: impl IntoIterator<Item = Item>) -> Section {
    Section {
        heading,
        items: items.into_iter().collect(),
    }
}

fn bare(target: Target) -> Item {
    Item {
        about: Some(target),
        ..Item::default()
    }
}

/// Every cause from which one can get here.
fn causes_of(pack: &Pack, target: Target) -> Vec<Item> {
    let causes = pack
        .targets()
        .filter(|from| matches!(from, Target::Cause(_)));
    let leading = causes.filter(|from| pack.reachable(*from).contains(&target));
    leading
        .map(|from| Item {
            about: Some(from),
            text: pack.title(from).to_owned(),
            code: None,
        })
        .collect()
}

/// The states and causes with a link to here.
fn parents(pack: &Pack, target: Target) -> Vec<Item> {
    pack.links_to(target)
        .map(|(from, l)| link(pack, l, from))
        .collect()
}

/// A link, told from the end at `other`.
fn link(pack: &Pack, link: &Link, other: Target) -> Item {
    let mut text = say(words::Q, link.q);
    if link.defining {
        text.push_str(", and this alone all but proves it");
    }
    match link.bind {
        Bind::Same => {}
        Bind::Peer => text.push_str(", said by its peers"),
        Bind::AnyPod => text.push_str(", by any pod of the ring"),
        Bind::SamePod => text.push_str(", by the same pod"),
        Bind::SameNode => text.push_str(", by pods of the same node"),
    }
    if let Some((from, until)) = link.delay {
        text.push_str(&format!(", after {from} to {until} s"));
    }
    if !link.with.is_empty() {
        let with: Vec<String> = link.with.iter().map(|t| pack.id(*t)).collect();
        text.push_str(&format!(", together with {}", with.join(" and ")));
    }
    text.push_str(&condition_of(&link.when));
    if !link.source.is_empty() {
        text.push_str(&format!(" — {}", link.source));
    }
    Item {
        about: Some(other),
        text,
        code: None,
    }
}

fn condition_of(when: &When) -> String {
    let mut all = Vec::new();
    if when.versions.since.is_some() || when.versions.until.is_some() {
        all.push(format!("Thanos {}", when.versions));
    }
    if !when.replication_factor.is_empty() {
        let factors: Vec<String> = when.replication_factor.iter().map(u32::to_string).collect();
        all.push(format!("replication factor {}", factors.join(" or ")));
    }
    all.extend(when.mode.clone());
    all.extend(when.algorithm.clone());
    match all.is_empty() {
        true => String::new(),
        false => format!(", if {}", all.join(" and ")),
    }
}

fn variant(variant: &Variant) -> Item {
    let mut text = variant.versions.to_string();
    if let Some(level) = variant.min_level {
        text.push_str(&format!(", printed at {}", word(words::LEVEL, &level)));
    }
    let all: Vec<String> = variant.conditions.iter().map(condition).collect();
    Item {
        text,
        code: Some(all.join("\n")),
        about: None,
    }
}

fn condition(condition: &Condition) -> String {
    format!("{} {}", condition.field, test(&condition.test))
}

fn test(test_: &Test) -> String {
    let any = |all: &[String]| {
        let quoted: Vec<String> = all.iter().map(|one| format!("{one:?}")).collect();
        quoted.join(" or ")
    };
    match test_ {
        Test::Equals(value) => format!("is {value:?}"),
        Test::OneOf(values) => format!("is {}", any(values)),
        Test::Contains(value) => format!("contains {value:?}"),
        Test::ContainsAny(values) => format!("contains {}", any(values)),
        Test::StartsWith(value) => format!("starts with {value:?}"),
        Test::EndsWith(value) => format!("ends with {value:?}"),
        Test::Regex(regex) => format!("matches {}", regex.as_str()),
        Test::Above(bound) => format!("is above {bound}"),
        Test::Below(bound) => format!("is below {bound}"),
        Test::Present(true) => "is there".to_owned(),
        Test::Present(false) => "is not there".to_owned(),
        Test::Not(inner) => format!("not: {}", test(inner)),
    }
}

fn about(about: &About) -> String {
    match about {
        About::Writer => "whoever wrote it".to_owned(),
        About::Extracted { name, kind } => {
            format!("the {} that {name} names", word(words::SCOPE, kind))
        }
        About::Singleton(kind) => format!("the {}", word(words::SCOPE, kind)),
    }
}

fn excuse(excuse: &Excuse) -> Item {
    let within = duration(excuse.within);
    let text = match excuse.fewer_than {
        Some(most) => format!("fewer than {most} within {within}: {}", excuse.because),
        None => format!("within {within}: {}", excuse.because),
    };
    Item {
        about: excuse.near.map(Target::Signature),
        text,
        code: None,
    }
}

fn check(pack: &Pack, step: &Confirm) -> Item {
    let yields: Vec<&str> = step.yields.iter().map(|ix| pack[*ix].id.as_str()).collect();
    let shows = match yields.is_empty() {
        true => String::new(),
        false => format!(" (would show {})", yields.join(", ")),
    };
    Item {
        text: format!("{}{shows}", step.what),
        code: step.run.clone(),
        about: None,
    }
}

fn action(step: &Action) -> Item {
    Item {
        text: format!("{} [{}]", step.what, word(words::RISK, &step.risk)),
        code: step.run.clone(),
        about: None,
    }
}

/// Nanoseconds as people write them.
fn duration(nanoseconds: i64) -> String {
    let seconds = nanoseconds / 1_000_000_000;
    let units = [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")];
    let whole = units
        .iter()
        .find(|(unit, _)| seconds >= *unit && seconds % unit == 0);
    whole.map_or_else(
        || format!("{} ms", nanoseconds / 1_000_000),
        |(unit, name)| format!("{} {name}", seconds / unit),
    )
}
