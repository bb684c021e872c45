//! Load and losses.

use super::{Names, assumptions, clean, wrap};
use crate::hashring::plan::{count, percent};
use crate::hashring::{Loss, Setup, Simulation, request_share};

/// Members shown at each end of a long list.
const SHOWN: usize = 10;

/// A simulation; `batch` is the number of series of a typical request.
#[must_use]
pub fn simulation_text(simulation: &Simulation, setup: &Setup, batch: u32) -> String {
    let mut out = String::new();
    let rule = simulation.quorum;
    let members = simulation.members.len();
    out.push_str(&format!(
        "{members} members · the busiest carries {:.2} × the mean · writes need {} of {}\n",
        simulation.worst_to_mean, rule.needed, rule.replication_factor
    ));
    out.push_str(&format!("{}\n\n", assumptions(setup)));
    for error in &simulation.errors {
        wrap(&mut out, "! ", error);
    }
    load(&mut out, simulation);
    out.push_str("\nwrites that fail\n");
    let names = Names::new(
        simulation
            .members
            .iter()
            .map(|member| member.endpoint.as_str()),
    );
    loss(
        &mut out,
        "any 1 member lost",
        &simulation.one_lost,
        &names,
        batch,
    );
    loss(
        &mut out,
        "any 2 members lost",
        &simulation.two_lost,
        &names,
        batch,
    );
    zones(&mut out, simulation, batch);
    notes(&mut out, simulation, batch);
    clean(out)
}

fn zones(out: &mut String, simulation: &Simulation, batch: u32) {
    for zone in &simulation.zone_lost {
        let name = if zone.az.is_empty() {
            "(none)"
        } else {
            &zone.az
        };
        let title = format!("zone {name} lost ({} members)", zone.members);
        if zone.share == 0.0 {
            out.push_str(&format!("  {title}: none\n"));
        } else {
            wrap(
                out,
                "  ",
                &format!(
                    "{title}: {} of the series{}",
                    percent(zone.share),
                    requests(zone.share, batch)
                ),
            );
        }
    }
}

fn notes(out: &mut String, simulation: &Simulation, batch: u32) {
    out.push('\n');
    wrap(
        out,
        "",
        &format!(
            "A request fails when one of its series does, and the sender repeats all of it; a \
             request is taken to carry {batch} series."
        ),
    );
    if !simulation.quorum.per_series {
        wrap(
            out,
            "",
            "Before v0.30 quorum was counted for the whole request: a request that touches a \
             lost member fails or passes as one.",
        );
    }
    if !simulation.exact {
        let text = "Shuffle sharding: averages over made-up tenants; name yours with \
                    --tenant-series TENANT=N.";
        wrap(out, "", text);
    }
    if simulation.even {
        let text = "Tenants were taken to have equally many series: give --tenant-series TENANT=N.";
        wrap(out, "", text);
    }
}

fn load(out: &mut String, simulation: &Simulation) {
    let names = Names::new(
        simulation
            .members
            .iter()
            .map(|member| member.endpoint.as_str()),
    );
    let width = names.width;
    let zoned = simulation
        .members
        .iter()
        .any(|member| !member.az.is_empty());
    let mut order: Vec<_> = simulation.members.iter().collect();
    order.sort_by(|a, b| {
        b.share
            .total_cmp(&a.share)
            .then_with(|| a.endpoint.cmp(&b.endpoint))
    });
    let long = order.len() > 2 * SHOWN + 4;
    out.push_str(&format!(
        "{:width$} {:>9} {:>8}",
        "member", "of series", "to mean"
    ));
    out.push_str(if simulation.series.is_some() {
        "    head series"
    } else {
        ""
    });
    out.push_str(if zoned { "  zone\n" } else { "\n" });
    for (at, member) in order.iter().enumerate() {
        if long && at == SHOWN {
            out.push_str(&format!("… {} more …\n", order.len() - 2 * SHOWN));
        }
        if long && (SHOWN..order.len() - SHOWN).contains(&at) {
            continue;
        }
        let to_mean = if simulation.mean > 0.0 {
            member.share / simulation.mean
        } else {
            0.0
        };
        out.push_str(&format!(
            "{:width$} {:>9} {:>7.2}×",
            names.get(&member.endpoint),
            percent(member.share),
            to_mean
        ));
        if let Some(series) = member.head_series {
            out.push_str(&format!(" {:>14}", count(series)));
        }
        if zoned {
            out.push_str(&format!("  {}", member.az));
        }
        out.push('\n');
    }
    out.push_str(&names.legend());
}

fn loss(out: &mut String, title: &str, loss: &Loss, names: &Names, batch: u32) {
    if loss.harmful == 0 {
        out.push_str(&format!("  {title}: none\n"));
        return;
    }
    let worst: Vec<String> = loss
        .worst
        .iter()
        .map(|address| names.get(address))
        .collect();
    let text = format!(
        "{title}: {} of the series at worst ({}), {} on average{}; {} of {} choices do harm",
        percent(loss.worst_share),
        worst.join(" and "),
        percent(loss.mean_share),
        requests(loss.worst_share, batch),
        loss.harmful,
        loss.choices
    );
    wrap(out, "  ", &text);
}

fn requests(share: f64, batch: u32) -> String {
    format!(
        ", at worst {} of the requests",
        percent(request_share(share, batch))
    )
}
