//! What moves.

use super::{Names, assumptions, clean, wrap};
use crate::hashring::plan::{count, percent};
use crate::hashring::{Diff, Moves, Setup};

/// A comparison of two files, with the setups they were built by.
#[must_use]
pub fn diff_text(diff: &Diff, setup: &Setup, new_setup: &Setup) -> String {
    let mut out = String::new();
    if diff.same {
        out.push_str("No difference: nothing moves.\n");
        out.push_str(&format!("{}\n", assumptions(setup)));
        return out;
    }
    let moves = &diff.overall;
    out.push_str(&format!(
        "{} of the series get a copy on another member ({} of all copies)\n",
        percent(moves.moved),
        percent(moves.copies_moved)
    ));
    if moves.uprooted > 0.0 {
        wrap(
            &mut out,
            "",
            &format!(
                "{} of the series leave all their members: queries over the last hours need the \
                 old members until their blocks are in the bucket",
                percent(moves.uprooted)
            ),
        );
    }
    out.push_str(&format!("{}\n", assumptions(setup)));
    if new_setup != setup {
        out.push_str(&format!("new: {}\n", assumptions(new_setup)));
    }
    out.push('\n');
    let names = Names::new(moves.members.iter().map(|member| member.endpoint.as_str()));
    for (sign, list) in [("+", &diff.added), ("-", &diff.removed)] {
        for member in list {
            out.push_str(&format!("{sign} {}\n", names.get(member)));
        }
    }
    for change in &diff.changes {
        wrap(&mut out, "~ ", change);
    }
    for one in &diff.tenants {
        let entry = |name: &Option<String>| match name {
            Some(name) => format!("hashring {name}"),
            None => "no hashring (500)".to_owned(),
        };
        let text = format!(
            "{}: from {} to {}",
            one.tenant,
            entry(&one.from),
            entry(&one.to)
        );
        wrap(&mut out, "~ ", &text);
    }
    out.push('\n');
    table(&mut out, moves, &names);
    if diff.groups.len() > 1 {
        groups(&mut out, diff);
    }
    notes(&mut out, diff);
    clean(out)
}

fn table(out: &mut String, moves: &Moves, names: &Names) {
    let width = names.width;
    out.push_str(&format!(
        "{:width$} {:>9} {:>9} {:>9} {:>9}",
        "member", "before", "after", "gains", "loses"
    ));
    out.push_str(if moves.series.is_some() {
        "   extra series\n"
    } else {
        "\n"
    });
    for member in &moves.members {
        out.push_str(&format!(
            "{:width$} {:>9} {:>9} {:>9} {:>9}",
            names.get(&member.endpoint),
            percent(member.before),
            percent(member.after),
            percent(member.gains),
            percent(member.loses)
        ));
        if let Some(extra) = member.extra_head_series {
            out.push_str(&format!(" {:>14}", count(extra)));
        }
        out.push('\n');
    }
    out.push_str(&names.legend());
    out.push_str("shares are of the series; a series is on as many members as it has copies\n");
}

fn groups(out: &mut String, diff: &Diff) {
    out.push_str("\nby tenant\n");
    for group in &diff.groups {
        let estimate = if group.exact {
            ""
        } else {
            ", on average over made-up names"
        };
        let series = group.moves.series.filter(|_| !diff.even);
        let series = series.map_or_else(String::new, |n| format!(" of {}", count(n)));
        let mut text = format!(
            "{}: {}{series} series move, {} of the copies{estimate}",
            group.tenants,
            percent(group.moves.moved),
            percent(group.moves.copies_moved)
        );
        if let Some(error) = &group.error {
            text.push_str(&format!("; {error}"));
        }
        wrap(out, "  ", &text);
    }
}

fn notes(out: &mut String, diff: &Diff) {
    out.push('\n');
    if diff.overall.series.is_none() {
        out.push_str("give --series to see the extra head series of each member\n");
    } else {
        out.push_str("extra series are created at once; old ones leave their heads in 2 to 3 h\n");
    }
    if diff.even {
        wrap(
            out,
            "",
            "tenants were taken to have equally many series: give --tenant-series TENANT=N",
        );
    }
    if diff.tenants_left_out > 0 {
        out.push_str(&format!("{} tenants are left out\n", diff.tenants_left_out));
    }
    if diff.groups.iter().any(|group| !group.exact) {
        wrap(
            out,
            "",
            "with shuffle sharding each tenant has members of its own: name tenants with \
             --tenant-series for exact figures",
        );
    }
}
