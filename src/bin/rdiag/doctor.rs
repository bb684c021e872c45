//! `rdiag doctor`: what this identity may and may not see, what that costs, and what to apply.

use std::fmt::Write as _;

use clap::Args;

use crate::args::{Common, Output};
use crate::collect::{self, AccessArgs, TargetArgs};
use crate::output::{self, Failure};
use rdiag::collect::{Audit, Cluster, Need, Subject, Target};

/// Arguments of `doctor`.
#[derive(Args, Clone, Debug)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    access: AccessArgs,
    #[command(flatten)]
    target: TargetArgs,
}

/// `rdiag doctor`; `true` when a right of the shipped Role is missing.
pub(crate) fn run(common: &Common, args: &DoctorArgs) -> Result<bool, Failure> {
    collect::runtime()?.block_on(async {
        let cluster = args.access.connect().await?;
        let target = args.target.target();
        let failed = |error| collect::failure(&error);
        let audits = rdiag::collect::audit(&cluster, &target)
            .await
            .map_err(failed)?;
        let user = rdiag::collect::whoami(&cluster).await.map_err(failed)?;
        let containers = rdiag::collect::containers(&cluster, &target).await.ok();
        let lacks = audits.iter().any(Audit::lacks);
        let text = match common.output {
            Output::Json => json(&cluster, &user, &audits)?,
            _ => text(&cluster, &user, &audits, &target, containers),
        };
        output::print(text.as_bytes())?;
        Ok(lacks)
    })
}

fn json(cluster: &Cluster, user: &str, audits: &[Audit]) -> Result<String, Failure> {
    let rights = |audit: &Audit| -> Vec<serde_json::Value> {
        let each = audit.rights.iter().map(|(right, granted)| {
            serde_json::json!({
                "right": right.name(), "granted": granted, "need": need(right.need), "cost": right.cost,
            })
        });
        each.collect()
    };
    let namespaces: Vec<serde_json::Value> = audits
        .iter()
        .map(|audit| {
            let extra: Vec<String> = audit.too_much.iter().map(rdiag::collect::Right::name).collect();
            serde_json::json!({ "namespace": audit.namespace, "rights": rights(audit), "more_than_needed": extra })
        })
        .collect();
    let value =
        serde_json::json!({ "server": cluster.server, "user": user, "namespaces": namespaces });
    let text = serde_json::to_string_pretty(&value)
        .map_err(|e| Failure::Job(format!("writing JSON: {e}")))?;
    Ok(format!("{text}\n"))
}

fn need(need: Need) -> &'static str {
    match need {
        Need::Required => "required",
        Need::Standard => "standard",
        Need::Optional => "optional",
    }
}

fn text(
    cluster: &Cluster,
    user: &str,
    audits: &[Audit],
    target: &Target,
    containers: Option<usize>,
) -> String {
    let mut out = format!("{user} at {}\n", cluster.server);
    for audit in audits {
        let place = audit
            .namespace
            .as_deref()
            .map_or("all namespaces".to_owned(), |n| format!("namespace {n}"));
        let _ = writeln!(out, "\n{place}");
        for (right, granted) in &audit.rights {
            let mark = match (granted, right.need) {
                (true, _) => "yes     ",
                (false, Need::Optional) => "no      ",
                (false, _) => "MISSING ",
            };
            let _ = writeln!(out, "  {mark} {}", right.name());
            if !granted {
                let _ = writeln!(out, "            without it: {}", right.cost);
            }
        }
        for right in &audit.too_much {
            let _ = writeln!(
                out,
                "  more than rdiag needs, and never used: {} ({})",
                right.name(),
                right.cost
            );
        }
        if audit.lacks() {
            let namespace = audit.namespace.as_deref().unwrap_or("NAMESPACE");
            let _ = writeln!(out, "\nWhat to apply (kubectl apply -f -):\n");
            out.push_str(&rdiag::collect::role(namespace, &Subject::of(user)));
        }
    }
    out.push_str(&traps(audits, target, containers));
    out
}

/// What goes wrong when logs are piped by hand, with the command that gives everything.
fn traps(audits: &[Audit], target: &Target, containers: Option<usize>) -> String {
    let place = audits
        .first()
        .and_then(|audit| audit.namespace.as_deref())
        .unwrap_or("NAMESPACE");
    let selectors = target.selectors();
    let streams = containers.map_or(50, |n| n.max(50));
    let mut out = String::from("\nPiping logs by hand\n");
    if let Some(count) = containers {
        let _ = writeln!(out, "  {count} containers match {}", selectors.join(" or "));
        if count > 5 {
            out.push_str(
                "  kubectl logs -l follows at most 5 of them unless --max-log-requests says more\n",
            );
        }
    }
    out.push_str(
        "  with -l kubectl gives the last 10 lines of each container unless --tail=-1 is given\n  \
         without --prefix nobody can tell which pod wrote a line; without -p the life before is missing\n  \
         everything, as far as a pipe can carry it:\n",
    );
    for selector in selectors {
        let _ = writeln!(
            out,
            "    kubectl logs -n {place} -l {selector} --all-containers --prefix --timestamps --tail=-1 --max-log-requests={streams} | rdiag"
        );
    }
    out
}
