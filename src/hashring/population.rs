//! Who writes: tenants, grouped by the rings that serve them, with their series.

use std::collections::{BTreeMap, BTreeSet};

use super::config::{Matcher, Name};
use super::glob;
use super::router::Router;
use crate::limits;

/// Made-up tenants that stand for those whose names are not known, under shuffle sharding.
const PROBES: usize = 64;

/// How many series there are.
#[derive(Clone, Debug, Default)]
pub struct Load {
    /// Active series of all tenants together, each counted once, not once a copy.
    pub series: Option<f64>,
    /// Active series of single tenants.
    pub tenants: BTreeMap<String, f64>,
}

/// Tenants that are served alike.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// For people: names, globs, "all other tenants".
    pub(super) label: String,
    /// Tenants to compute with; several only where made-up names stand for unknown ones.
    pub(super) probes: Vec<String>,
    /// The probes are the tenants themselves, or it does not matter who they are.
    pub(super) exact: bool,
    /// Their series, if known.
    pub(super) series: Option<f64>,
    /// Share of all series, by known numbers or else each kind of tenant alike.
    pub(super) weight: f64,
}

/// The groups of a set of files, most series first.
pub(super) struct Population {
    pub(super) groups: Vec<Group>,
    /// Nobody said how series are spread over several kinds of tenants; taken as even.
    pub(super) even: bool,
    /// Tenants left out beyond [`limits::RING_TENANTS`].
    pub(super) dropped: usize,
}

/// One kind of tenant before grouping.
struct Kind {
    label: String,
    probes: Vec<String>,
    series: Option<f64>,
}

impl Population {
    pub(super) fn new(routers: &[&Router<'_>], load: &Load) -> Self {
        let mut names: BTreeSet<&str> = load.tenants.keys().map(String::as_str).collect();
        let mut globs: BTreeSet<&str> = BTreeSet::new();
        for (list, matcher) in routers.iter().flat_map(|router| lists(router)) {
            let target = match matcher {
                Matcher::Unset | Matcher::Exact => &mut names,
                Matcher::Glob => &mut globs,
                Matcher::Other(_) => continue,
            };
            target.extend(list.iter().map(|name| name.text.as_str()));
        }
        let dropped = (names.len() + globs.len()).saturating_sub(limits::RING_TENANTS);
        let named = names.iter().map(|&name| Kind {
            label: name.to_owned(),
            probes: vec![name.to_owned()],
            series: load.tenants.get(name).copied(),
        });
        let patterned = globs.iter().map(|&glob| Kind {
            label: glob.to_owned(),
            probes: (0..PROBES).filter_map(|n| example(glob, n)).collect(),
            series: None,
        });
        let mut kinds: Vec<Kind> = named.chain(patterned).take(limits::RING_TENANTS).collect();
        kinds.retain(|kind| !kind.probes.is_empty());
        let stem = unclaimed(&globs);
        kinds.push(Kind {
            label: String::new(),
            probes: (1..=PROBES).map(|n| format!("{stem}-{n}")).collect(),
            series: None,
        });
        kinds.retain(|kind| {
            routers
                .iter()
                .any(|router| router.route(&kind.probes[0]).is_ok())
        });
        let even = settle(&mut kinds, load);
        Self {
            groups: group(kinds, routers),
            even,
            dropped,
        }
    }
}

/// All lists of tenants of a file, with how they are read.
fn lists<'a>(router: &Router<'a>) -> Vec<(&'a [Name], &'a Matcher)> {
    let mut lists = Vec::new();
    for ring in &router.rings().rings {
        lists.push((ring.tenants.as_slice(), &ring.matcher));
        let overrides = ring
            .active_shuffle()
            .map_or(&[][..], |shuffle| &shuffle.overrides);
        // An override without a matcher names nobody, but its tenants exist.
        lists.extend(
            overrides
                .iter()
                .map(|one| (one.tenants.as_slice(), &one.matcher)),
        );
    }
    lists
}

/// Gives the series that nobody counted to the kinds that nobody counted, alike. True if that was
/// a guess.
fn settle(kinds: &mut [Kind], load: &Load) -> bool {
    let counted: f64 = kinds.iter().filter_map(|kind| kind.series).sum();
    let uncounted = kinds.iter().filter(|kind| kind.series.is_none()).count();
    if uncounted == 0 {
        return false;
    }
    let Some(total) = load.series else {
        // Counts of some tenants and nothing of the others: these are taken not to matter.
        if !load.tenants.is_empty() {
            kinds
                .iter_mut()
                .for_each(|kind| kind.series = kind.series.or(Some(0.0)));
            return false;
        }
        return uncounted > 1;
    };
    #[expect(clippy::cast_precision_loss, reason = "bounded by RING_TENANTS")]
    let each = (total - counted).max(0.0) / uncounted as f64;
    kinds
        .iter_mut()
        .for_each(|kind| kind.series = kind.series.or(Some(each)));
    uncounted > 1 && each > 0.0
}

/// How a kind is served: its entry in each file, and itself if its members are its own.
type Service = (Vec<Option<usize>>, String);

/// Kinds served by the same rings without shuffle sharding are one group.
fn group(kinds: Vec<Kind>, routers: &[&Router<'_>]) -> Vec<Group> {
    let total: f64 = kinds.iter().filter_map(|kind| kind.series).sum();
    #[expect(clippy::cast_precision_loss, reason = "bounded by RING_TENANTS")]
    let alike = 1.0 / kinds.len().max(1) as f64;
    let mut groups: BTreeMap<Service, Vec<(Kind, f64)>> = BTreeMap::new();
    for kind in kinds {
        let route: Vec<Option<usize>> = routers
            .iter()
            .map(|router| router.route(&kind.probes[0]).ok())
            .collect();
        let sharded = routers
            .iter()
            .zip(&route)
            .any(|(router, index)| index.is_some_and(|index| router.is_sharded(index)));
        let weight = match kind.series {
            Some(series) if total > 0.0 => series / total,
            _ => alike,
        };
        let own = if sharded {
            kind.label.clone()
        } else {
            String::new()
        };
        groups.entry((route, own)).or_default().push((kind, weight));
    }
    let mut groups: Vec<Group> = groups.into_values().map(join).collect();
    groups.sort_by(|a, b| {
        b.weight
            .total_cmp(&a.weight)
            .then_with(|| a.label.cmp(&b.label))
    });
    // Shards of unknown tenants stay; tenants known to have no series do not matter.
    if groups.iter().any(|group| group.weight > 0.0) {
        groups.retain(|group| group.weight > 0.0);
    }
    // Only a shard depends on who the tenant is.
    for group in &mut groups {
        let sharded = routers.iter().any(|router| {
            router
                .route(&group.probes[0])
                .is_ok_and(|index| router.is_sharded(index))
        });
        if sharded {
            group.exact = group.probes.len() == 1;
        } else {
            group.probes.truncate(1);
        }
    }
    groups
}

fn join(kinds: Vec<(Kind, f64)>) -> Group {
    const SHOWN: usize = 4;
    let others = kinds.iter().any(|(kind, _)| kind.label.is_empty());
    let mut labels: Vec<String> = kinds
        .iter()
        .map(|(kind, _)| kind.label.clone())
        .filter(|label| !label.is_empty())
        .collect();
    if labels.len() > SHOWN {
        let more = labels.len() - SHOWN;
        labels.truncate(SHOWN);
        labels.push(format!("{more} more"));
    }
    let label = match (labels.is_empty(), others) {
        (true, _) => "all tenants".to_owned(),
        (false, true) => format!("{} and all others", labels.join(", ")),
        (false, false) => labels.join(", "),
    };
    let weight = kinds.iter().map(|(_, weight)| weight).sum();
    let series = kinds.iter().map(|(kind, _)| kind.series).sum();
    let probes = kinds
        .into_iter()
        .next()
        .map(|(kind, _)| kind.probes)
        .unwrap_or_default();
    Group {
        label,
        probes,
        exact: true,
        series,
        weight,
    }
}

/// A name that a glob matches: the `n`th, where the glob leaves a choice.
fn example(pattern: &str, n: usize) -> Option<String> {
    let mut name = String::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' => name.push_str(&n.to_string()),
            '?' => name.push(char::from_digit(u32::try_from(n % 10).ok()?, 10)?),
            '\\' => name.extend(chars.next()),
            '[' => {
                let first = chars.next()?;
                name.push(if first == '^' { '~' } else { first });
                chars.by_ref().find(|&c| c == ']')?;
            }
            c => name.push(c),
        }
    }
    (glob::matches(pattern, &name) == Ok(true)).then_some(name)
}

/// A beginning of names that no glob but the widest claims.
fn unclaimed(globs: &BTreeSet<&str>) -> &'static str {
    const STEMS: [&str; 4] = ["tenant", "other", "zz", "0"];
    STEMS
        .into_iter()
        .find(|stem| {
            let name = format!("{stem}-1");
            !globs
                .iter()
                .any(|glob| *glob != "*" && glob::matches(glob, &name) == Ok(true))
        })
        .unwrap_or("~")
}
