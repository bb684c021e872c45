//! Template → a signature to start from.

use std::fmt::Write as _;

use super::mask::{is_constant, pieces};
use super::{Template, VARIABLE};

/// Path below the pack's folder, and YAML to complete. It loads once what stands in capitals is
/// filled in.
#[must_use]
pub fn skeleton(template: &Template) -> (String, String) {
    let (msg, err) = match template.text.rsplit_once(": ") {
        Some((msg, err)) if template.text.contains(VARIABLE) || !msg.contains(": ") => {
            (msg, Some(err))
        }
        _ => (template.text.as_str(), None),
    };
    let mut text = String::from(
        "title: WHAT IS SEEN, IN ONE LINE\nseverity: warning          # critical, error, warning, info\n",
    );
    text.push_str("leak: rare                 # how often it shows though nothing is wrong: never, rare, sometimes\n");
    text.push_str("provenance: upstream       # upstream, runbook, kubernetes, sender, fork\n");
    let _ = writeln!(
        text,
        "summary: >\n  WHAT THE OPERATOR WOULD NOTICE. Seen {} times, {}.",
        template.count,
        said_by(template)
    );
    text.push_str("\nvariants:\n  - min_level: warn\n    where:\n");
    let _ = writeln!(text, "      msg: {}", condition(msg));
    if let Some(err) = err {
        let _ = writeln!(text, "      err: {}", condition(err));
    }
    text.push_str("\nexamples:\n  matches:\n    - origin: WHERE THIS LINE COMES FROM\n      line: >-\n        A WHOLE LINE, WITH ITS TIME AND FIELDS\n");
    text.push_str("  rejects:\n    - because: WHY THIS ONE IS ANOTHER MATTER\n      line: >-\n        A LINE THAT LOOKS ALIKE\n");
    text.push_str("\nreferences:\n  - https://example.org/where-this-is-described\n");
    (
        format!("signatures/thanos/receive/{}.yaml", slug(msg)),
        text,
    )
}

fn said_by(template: &Template) -> String {
    match (template.pods.len(), template.file.is_empty()) {
        (0, true) => "writer unknown".to_owned(),
        (0, false) => format!("by {}", template.file),
        (n, true) => format!("by {n} pods"),
        (n, false) => format!("by {n} pods in {}", template.file),
    }
}

/// The whole text where nothing varies, otherwise its longest constant piece.
fn condition(text: &str) -> String {
    if !text.contains(VARIABLE) && !text.contains('…') {
        return quoted(text);
    }
    let parts = text.split(VARIABLE).flat_map(|p| p.split("; "));
    let longest = parts
        .map(|p| p.trim().trim_end_matches([':', ',', '=', '"']))
        .max_by_key(|p| p.len());
    format!("{{contains: {}}}", quoted(longest.unwrap_or_default()))
}

/// A YAML scalar in double quotes, which is JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A file name made of the first words.
fn slug(text: &str) -> String {
    let words = pieces(text)
        .into_iter()
        .map(|(p, _)| p)
        .filter(|p| is_constant(p));
    let words = words.map(|w| {
        w.chars()
            .filter(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_ascii_lowercase()
    });
    let name: Vec<String> = words.filter(|w| !w.is_empty()).take(4).collect();
    if name.is_empty() {
        "new-signature".to_owned()
    } else {
        name.join("-")
    }
}
