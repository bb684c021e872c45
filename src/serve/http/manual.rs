//! Pages of what rdiag knows.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::pages::page;
use super::{Refusal, Web};
use crate::pack::manual;

#[derive(Template)]
#[template(path = "manual.html", config = "src/serve/templates/askama.toml")]
struct ManualPage {
    here: &'static str,
    query: String,
    groups: Vec<ManualGroup>,
}

struct ManualGroup {
    heading: &'static str,
    rows: Vec<manual::Row>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Search {
    q: Option<String>,
}

/// The list of what rdiag knows.
pub(super) async fn manual(
    State(web): State<Web>,
    Query(search): Query<Search>,
) -> Result<Response, Refusal> {
    let query = search.q.unwrap_or_default();
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    let fits = |row: &manual::Row| {
        let text = format!("{} {}", row.id, row.title).to_lowercase();
        words.iter().all(|word| text.contains(word))
    };
    let rows = manual::list(web.app.engine.pack());
    let group = |(heading, kind): (&'static str, &str)| ManualGroup {
        heading,
        rows: rows
            .iter()
            .filter(|row| row.kind == kind && fits(row))
            .cloned()
            .collect(),
    };
    let groups = [
        ("Causes", "cause"),
        ("States", "state"),
        ("Signatures", "signature"),
    ]
    .map(group);
    let groups = groups
        .into_iter()
        .filter(|group| !group.rows.is_empty())
        .collect();
    page(&ManualPage {
        here: "manual",
        query,
        groups,
    })
}

#[derive(Template)]
#[template(path = "manual_page.html", config = "src/serve/templates/askama.toml")]
struct OnePage {
    here: &'static str,
    id: String,
    title: String,
    facts: Vec<String>,
    summary: String,
    sections: Vec<SectionPart>,
}

struct SectionPart {
    heading: &'static str,
    items: Vec<ItemPart>,
}

struct ItemPart {
    about: Option<(String, String)>,
    text: String,
    link: bool,
    code: Option<String>,
}

/// The page of a signature, state or cause.
pub(super) async fn manual_page(
    State(web): State<Web>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let pack = web.app.engine.pack();
    let target = pack
        .find(&id)
        .ok_or(Refusal::Missing("there is no such page in the manual"))?;
    let found = manual::page(pack, target);
    let name = |target| {
        let id = pack.id(target);
        id.strip_prefix("cause/").unwrap_or(&id).to_owned()
    };
    let item = |item: manual::Item| ItemPart {
        about: item
            .about
            .map(|target| (name(target), pack.title(target).to_owned())),
        link: item.text.starts_with("https://") && !item.text.contains(char::is_whitespace),
        text: item.text,
        code: item.code,
    };
    let sections = found.sections.into_iter().map(|section| SectionPart {
        heading: section.heading,
        items: section.items.into_iter().map(item).collect(),
    });
    page(&OnePage {
        here: "manual",
        id: name(target),
        title: pack.title(target).to_owned(),
        facts: found.facts,
        summary: found.summary,
        sections: sections.collect(),
    })
}
