//! Pages for people. Forms and links only; the script makes them nicer and nothing needs it.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::api::Listing;
use super::{Refusal, Web};
use crate::report;
use crate::serve::alert::Status;
use crate::serve::clock;
use crate::serve::store::{AnswerRow, Filter, Incident, StoreError};

/// Incidents on a page.
const ROWS: usize = 50;

#[derive(Template)]
#[template(path = "list.html", config = "src/serve/templates/askama.toml")]
struct ListPage {
    here: &'static str,
    query: String,
    state: String,
    filtered: bool,
    firing: i64,
    resolved: i64,
    waiting: i64,
    rows: Vec<Row>,
    older: Option<String>,
    /// What to put into Alertmanager's configuration.
    receiver: String,
}

struct Row {
    id: i64,
    state: &'static str,
    verdict: String,
    word: String,
    percent: String,
    headline: String,
    title: String,
    alerts: String,
    opened: String,
    trouble: String,
}

/// The list of incidents.
pub(super) async fn list(
    State(web): State<Web>,
    Query(listing): Query<Listing>,
) -> Result<Response, Refusal> {
    let mut filter = listing.filter(ROWS, ROWS)?;
    let (query, state) = (filter.query.clone(), filter.state);
    let filtered = !query.is_empty() || state.is_some() || filter.before.is_some();
    filter.limit += 1;
    let (mut incidents, counts) = web
        .app
        .blocking(move |app| {
            Ok::<_, StoreError>((app.store.incidents(&filter)?, app.store.counts()?))
        })
        .await?;
    let more = incidents.len() > ROWS;
    incidents.truncate(ROWS);
    let state = state.map_or("all", Status::word).to_owned();
    let older = incidents.last().filter(|_| more).map(|last| {
        format!(
            "/?state={state}&before={}&q={}",
            last.id,
            url_encoded(&query)
        )
    });
    let base = web
        .app
        .config
        .external_url
        .clone()
        .unwrap_or_else(|| format!("http://{}", web.app.config.listen));
    page(&ListPage {
        here: "incidents",
        filtered,
        query,
        state,
        firing: counts.firing,
        resolved: counts.resolved,
        waiting: counts.to_look_at,
        rows: incidents.iter().map(row).collect(),
        older,
        receiver: format!(
            "receivers:\n  - name: rdiag\n    webhook_configs:\n      - url: {base}/webhook\n        send_resolved: true"
        ),
    })
}

fn row(incident: &Incident) -> Row {
    let answer = incident.answer.as_ref();
    let word = match (answer, incident.state) {
        (Some(answer), _) => verdict_word(&answer.verdict),
        (None, Status::Firing) => "LOOKING".to_owned(),
        (None, Status::Resolved) => "OVER BEFORE IT WAS LOOKED AT".to_owned(),
    };
    Row {
        id: incident.id,
        state: incident.state.word(),
        verdict: answer.map(|a| a.verdict.clone()).unwrap_or_default(),
        word,
        percent: answer.map(percent).unwrap_or_default(),
        headline: headline(incident),
        title: shown(&incident.title),
        alerts: plural(incident.alerts, "alert"),
        opened: clock::readable(incident.opened_at),
        trouble: shown(incident.trouble.as_deref().unwrap_or_default()),
    }
}

/// The newest incident of an alert: where its annotation points to, since a rule cannot know our numbers.
pub(super) async fn find(
    State(web): State<Web>,
    Query(asked): Query<std::collections::BTreeMap<String, String>>,
) -> Result<Response, Refusal> {
    let words: Vec<&str> = asked
        .values()
        .map(String::as_str)
        .filter(|value| !value.is_empty())
        .collect();
    let query = words.join(" ");
    let filter = Filter {
        query: query.clone(),
        limit: 1,
        ..Filter::default()
    };
    let found = web
        .app
        .blocking(move |app| app.store.incidents(&filter))
        .await?;
    let to = match found.first() {
        Some(incident) => format!("/incidents/{}", incident.id),
        None => format!("/?q={}", url_encoded(&query)),
    };
    Ok(Redirect::to(&to).into_response())
}

/// Style, script and icon.
pub(super) async fn asset(Path(file): Path<String>) -> Response {
    let cached = (header::CACHE_CONTROL, "max-age=300");
    let kind = |kind| (header::CONTENT_TYPE, kind);
    match file.as_str() {
        "rdiag.css" => {
            let text = format!("{}{}", report::STYLE, include_str!("../static/serve.css"));
            ([kind("text/css; charset=utf-8"), cached], text).into_response()
        }
        "rdiag.js" => (
            [kind("text/javascript; charset=utf-8"), cached],
            include_str!("../static/rdiag.js"),
        )
            .into_response(),
        "icon.svg" => (
            [kind("image/svg+xml"), cached],
            include_str!("../static/icon.svg"),
        )
            .into_response(),
        _ => Refusal::Missing("there is no such file").into_response(),
    }
}

pub(super) fn page(template: &impl Template) -> Result<Response, Refusal> {
    match template.render() {
        Ok(text) => Ok((StatusCode::OK, Html(text)).into_response()),
        Err(error) => Err(Refusal::Failed(format!(
            "the page could not be made: {error}"
        ))),
    }
}

/// What an incident is called: the answer, or the alert as long as there is none.
pub(super) fn headline(incident: &Incident) -> String {
    let answer = incident.answer.as_ref();
    match answer.map(|a| (a.title.as_ref(), a.verdict.as_str())) {
        Some((Some(title), _)) => shown(title),
        Some((None, _)) => "Nothing to act on in what was looked at".to_owned(),
        None => shown(&incident.title),
    }
}

pub(super) fn verdict_word(verdict: &str) -> String {
    verdict.replace('_', " ").to_uppercase()
}

pub(super) fn percent(answer: &AnswerRow) -> String {
    let known = answer
        .probability
        .filter(|_| answer.verdict != "cannot_tell");
    known.map_or_else(String::new, report::percent)
}

/// Text of others with what does not show made visible; the templates escape it.
pub(super) fn shown(text: &str) -> String {
    report::escape::visible(text).into_owned()
}

pub(super) fn plural(n: i64, one: &str) -> String {
    if n == 1 {
        format!("1 {one}")
    } else {
        format!("{n} {one}s")
    }
}

pub(super) fn times(n: i64) -> String {
    match n {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    }
}

pub(super) fn size(bytes: i64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

/// Text as part of an address.
pub(super) fn url_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(byte as char)
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
