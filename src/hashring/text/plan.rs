//! Change requests.

use super::{Names, clean, wrap};
use crate::hashring::plan::{Plan, Step, bytes, count, percent};

/// A plan as text. Commands stay on one line each, so that they can be copied.
#[must_use]
pub fn plan_text(plan: &Plan) -> String {
    let mut out = String::new();
    wrap(&mut out, "", &plan.title);
    out.push('\n');
    if !plan.blocked.is_empty() {
        out.push_str("NOT POSSIBLE AS ASKED\n");
        for reason in &plan.blocked {
            wrap(&mut out, "  - ", reason);
        }
        return clean(out);
    }
    for line in &plan.summary {
        wrap(&mut out, "", line);
    }
    section(
        &mut out,
        "Taken for granted (check before approving)",
        &plan.assumed,
    );
    if !plan.members.is_empty() {
        out.push_str("\nMembers\n");
        table(&mut out, plan);
    }
    out.push_str("\nSteps\n");
    steps(&mut out, &plan.steps);
    section(&mut out, "Expected, and no fault", &plan.noise);
    section(&mut out, "When to stop, and go back", &plan.stop);
    if !plan.rollback.is_empty() {
        out.push_str("\nWay back\n");
        steps(&mut out, &plan.rollback);
    }
    clean(out)
}

/// A plan as Markdown, for tickets.
#[must_use]
pub fn plan_markdown(plan: &Plan) -> String {
    let mut out = format!("# {}\n", escape(&plan.title));
    let list = |out: &mut String, title: &str, lines: &[String]| {
        if !lines.is_empty() {
            out.push_str(&format!("\n## {title}\n\n"));
            lines
                .iter()
                .for_each(|line| out.push_str(&format!("- {}\n", escape(line))));
        }
    };
    list(&mut out, "Not possible as asked", &plan.blocked);
    list(&mut out, "Summary", &plan.summary);
    list(
        &mut out,
        "Taken for granted (check before approving)",
        &plan.assumed,
    );
    if !plan.members.is_empty() && plan.blocked.is_empty() {
        out.push_str("\n## Members\n\n| member | | before | after | extra series | memory |\n");
        out.push_str("|---|---|---:|---:|---:|---:|\n");
        for member in &plan.members {
            out.push_str(&format!(
                "| {} | {} | {} | {} | {} | {} |\n",
                escape(&member.endpoint),
                member.change,
                percent(member.before),
                percent(member.after),
                member.extra_head_series.map_or_else(|| "?".into(), count),
                member.extra_bytes.map_or_else(|| "?".into(), bytes)
            ));
        }
    }
    for (title, steps) in [("Steps", &plan.steps), ("Way back", &plan.rollback)] {
        if title == "Way back" {
            list(&mut out, "Expected, and no fault", &plan.noise);
            list(&mut out, "When to stop, and go back", &plan.stop);
        }
        if steps.is_empty() {
            continue;
        }
        out.push_str(&format!("\n## {title}\n"));
        for (at, step) in steps.iter().enumerate() {
            out.push_str(&format!(
                "\n{}. **{}** {}\n",
                at + 1,
                escape(&step.title),
                escape(&step.why)
            ));
            if !step.run.is_empty() {
                out.push_str("   ```sh\n");
                step.run
                    .iter()
                    .for_each(|line| out.push_str(&format!("   {line}\n")));
                out.push_str("   ```\n");
            }
            out.push_str(&format!("   Expect: {}\n", escape(&step.expect)));
            if !step.stop_if.is_empty() {
                out.push_str(&format!("   Stop if: {}\n", escape(&step.stop_if)));
            }
        }
    }
    clean(out)
}

fn section(out: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    out.push_str(&format!("\n{title}\n"));
    for line in lines {
        wrap(out, "  - ", line);
    }
}

fn table(out: &mut String, plan: &Plan) {
    let names = Names::new(plan.members.iter().map(|member| member.endpoint.as_str()));
    let width = names.width;
    let known = plan
        .members
        .iter()
        .any(|member| member.extra_bytes.is_some());
    out.push_str(&format!(
        "  {:width$} {:6} {:>8} {:>8}",
        "member", "", "before", "after"
    ));
    out.push_str(if known {
        "   extra series    memory\n"
    } else {
        "\n"
    });
    for member in &plan.members {
        out.push_str(&format!(
            "  {:width$} {:6} {:>8} {:>8}",
            names.get(&member.endpoint),
            member.change,
            percent(member.before),
            percent(member.after)
        ));
        if let (Some(series), Some(memory)) = (member.extra_head_series, member.extra_bytes) {
            out.push_str(&format!(" {:>14} {:>9}", count(series), bytes(memory)));
        }
        out.push('\n');
    }
    out.push_str(&format!("  {}", names.legend()));
    if names.suffix.is_none() {
        out.truncate(out.len() - 2);
    }
}

fn steps(out: &mut String, steps: &[Step]) {
    for (at, step) in steps.iter().enumerate() {
        out.push('\n');
        wrap(out, &format!("{:>2}  ", at + 1), &step.title);
        if !step.why.is_empty() {
            wrap(out, "    ", &step.why);
        }
        for line in &step.run {
            out.push_str(&format!("      {line}\n"));
        }
        wrap(out, "    expect   ", &step.expect);
        if !step.stop_if.is_empty() {
            wrap(out, "    stop if  ", &step.stop_if);
        }
    }
}

/// Names from files must not become Markdown or HTML.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '#' | '!' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}
