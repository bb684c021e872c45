//! Pages for people. Forms and links only; the script makes them nicer and nothing needs it.

use askama::Template;
use axum::body::Body;
use axum::extract::{Form, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use tokio_util::io::ReaderStream;

use super::api::{self, Listing};
use super::{Refusal, Web};
use crate::limits;
use crate::pack::manual;
use crate::report;
use crate::serve::alert::{Alert, Labels, Status};
use crate::serve::app::App;
use crate::serve::clock;
use crate::serve::store::{AnswerRow, Feedback, Filter, Incident, StoreError};
use crate::serve::truth;

/// Incidents on a page.
const ROWS: usize = 50;
/// Alerts shown of an incident.
const ALERTS: usize = 100;

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
    webhook: String,
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

#[derive(Template)]
#[template(path = "incident.html", config = "src/serve/templates/askama.toml")]
struct IncidentPage {
    here: &'static str,
    id: i64,
    headline: String,
    title: String,
    state: &'static str,
    opened: String,
    resolved: String,
    alert_count: String,
    looks: String,
    next_look: String,
    trouble: String,
    report: Option<String>,
    has_report: bool,
    alerts: Vec<AlertPart>,
    alerts_more: i64,
    left_out: i64,
    alertmanager: Option<String>,
    history: Vec<HistoryPart>,
    notices: Vec<(String, String, String)>,
    bundle: bool,
    bundle_size: String,
    cause: String,
    causes: Vec<(String, String)>,
    feedback: Option<FeedbackPart>,
}

struct AlertPart {
    status: &'static str,
    name: String,
    since: String,
    labels: Labels,
    annotations: Labels,
}

struct HistoryPart {
    when: String,
    verdict: String,
    word: String,
    percent: String,
    headline: String,
}

struct FeedbackPart {
    when: String,
    agrees: bool,
    cause: String,
    note: String,
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
        webhook: format!("{base}/webhook"),
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
        trouble: incident.trouble.clone().unwrap_or_default(),
    }
}

/// One incident.
pub(super) async fn incident(
    State(web): State<Web>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let id = api::number(&id)?;
    let found = web.app.blocking(move |app| incident_page(app, id)).await?;
    page(&found.ok_or(Refusal::Missing("there is no such incident"))?)
}

fn incident_page(app: &App, id: i64) -> Result<Option<IncidentPage>, StoreError> {
    let Some(incident) = app.store.incident(id)? else {
        return Ok(None);
    };
    let alerts = app.store.alerts(id, ALERTS)?;
    let answer = incident.answer.clone();
    let found = match &answer {
        Some(answer) => app.store.report(answer.report)?,
        None => None,
    };
    let time = |at: Option<i64>| at.map(clock::readable).unwrap_or_default();
    let feedback = app.store.feedback(id)?;
    let pack = app.engine.pack();
    let bundle = answer.as_ref().and_then(|a| a.bundle.as_ref());
    Ok(Some(IncidentPage {
        here: "incident",
        id,
        headline: headline(&incident),
        title: shown(&incident.title),
        state: incident.state.word(),
        opened: clock::readable(incident.opened_at),
        resolved: time(incident.resolved_at),
        alert_count: plural(incident.alerts, "alert"),
        looks: format!("looked at {}", times(incident.looks)),
        next_look: time(incident.look_at.filter(|_| incident.looks > 0)),
        trouble: shown(incident.trouble.as_deref().unwrap_or_default()),
        has_report: found.is_some(),
        report: found.as_ref().map(report::fragment),
        alerts_more: incident.alerts - i64::try_from(alerts.len()).unwrap_or(0),
        alerts: alerts.into_iter().map(alert_part).collect(),
        left_out: incident.left_out,
        alertmanager: alertmanager(&incident),
        history: app.store.answers(id)?.iter().map(history_part).collect(),
        notices: app.store.notices(id)?,
        bundle: bundle.is_some(),
        bundle_size: size(answer.as_ref().map_or(0, |a| a.bundle_bytes)),
        cause: answer.and_then(|a| a.cause).unwrap_or_default(),
        causes: pack
            .causes
            .iter()
            .map(|cause| (cause.id.clone(), cause.title.clone()))
            .collect(),
        feedback: feedback.map(|given| FeedbackPart {
            when: clock::readable(given.at),
            agrees: given.agrees,
            cause: shown(&given.cause),
            note: shown(&given.note),
        }),
    }))
}

fn alert_part(alert: Alert) -> AlertPart {
    let since = match (alert.starts_at, alert.ends_at) {
        (Some(from), Some(until)) => {
            format!("{} – {}", clock::readable(from), clock::readable(until))
        }
        (Some(from), None) => format!("since {}", clock::readable(from)),
        _ => String::new(),
    };
    let of = |name: &str| Some(alert.label(name)).filter(|value| !value.is_empty());
    let name: Vec<&str> = ["alertname", "pod", "instance"]
        .into_iter()
        .filter_map(of)
        .take(2)
        .collect();
    let clean = |labels: &Labels| labels.iter().map(|(k, v)| (shown(k), shown(v))).collect();
    AlertPart {
        status: alert.status.word(),
        name: shown(&name.join(" · ")),
        since,
        labels: clean(&alert.labels),
        annotations: clean(&alert.annotations),
    }
}

fn history_part(answer: &AnswerRow) -> HistoryPart {
    HistoryPart {
        when: clock::readable(answer.first_at),
        verdict: answer.verdict.clone(),
        word: verdict_word(&answer.verdict),
        percent: percent(answer),
        headline: shown(
            answer
                .title
                .as_deref()
                .unwrap_or("nothing to act on in what was looked at"),
        ),
    }
}

/// The group in the sender's own pages. Only the web's addresses: the text is the sender's.
fn alertmanager(incident: &Incident) -> Option<String> {
    let base = incident.external_url.trim_end_matches('/');
    if !(base.starts_with("http://") || base.starts_with("https://")) {
        return None;
    }
    let matchers: Vec<String> = incident
        .group_labels
        .iter()
        .map(|(name, value)| format!("{name}={}", serde_json::json!(value)))
        .collect();
    Some(format!(
        "{base}/#/alerts?filter={}",
        url_encoded(&format!("{{{}}}", matchers.join(",")))
    ))
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

/// The bundle the latest answer is from.
pub(super) async fn bundle(
    State(web): State<Web>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let id = api::number(&id)?;
    let missing = || Refusal::Missing("the bundle is not kept, or not any more");
    let found = web.app.blocking(move |app| app.store.incident(id)).await?;
    let name = found
        .and_then(|i| i.answer)
        .and_then(|a| a.bundle)
        .ok_or_else(missing)?;
    let file = tokio::fs::File::open(web.app.store.bundle_path(&name))
        .await
        .map_err(|_| missing())?;
    let ending = name.split_once('.').map_or("tar.zst", |(_, ending)| ending);
    let disposition = format!("attachment; filename=\"incident-{id}.{ending}\"");
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, Body::from_stream(ReaderStream::new(file))).into_response())
}

/// What feedback said, as a fixture's truth.
pub(super) async fn truth(
    State(web): State<Web>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let id = api::number(&id)?;
    let found = web
        .app
        .blocking(move |app| {
            let (Some(incident), Some(given)) = (app.store.incident(id)?, app.store.feedback(id)?)
            else {
                return Ok(None);
            };
            let found = match &incident.answer {
                Some(answer) => app.store.report(answer.report)?,
                None => None,
            };
            Ok::<_, StoreError>(Some(truth::yaml(&incident, &given, found.as_ref())))
        })
        .await?;
    let text = found.ok_or(Refusal::Missing("nobody has said yet what it was"))?;
    let headers = [
        (header::CONTENT_TYPE, "application/yaml"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"truth.yaml\"",
        ),
    ];
    Ok((headers, text).into_response())
}

#[derive(Debug, Deserialize)]
pub(super) struct Said {
    right: Option<String>,
    cause: Option<String>,
    note: Option<String>,
}

/// Somebody says what it was.
pub(super) async fn feedback(
    State(web): State<Web>,
    Path(id): Path<String>,
    Form(said): Form<Said>,
) -> Result<Response, Refusal> {
    let id = api::number(&id)?;
    let found = web.app.blocking(move |app| app.store.incident(id)).await?;
    let incident = found.ok_or(Refusal::Missing("there is no such incident"))?;
    let told = incident.answer.and_then(|a| a.cause);
    let named = said.cause.unwrap_or_default().trim().to_owned();
    let agreed = said.right.as_deref() == Some("yes");
    let cause = match (agreed, &told) {
        (true, Some(told)) => told.clone(),
        _ if named.is_empty() => return Err(Refusal::Wrong("say what the cause was".to_owned())),
        _ => named,
    };
    let cut = |text: &str| {
        text[..text.floor_char_boundary(limits::NOTE_BYTES)]
            .trim()
            .to_owned()
    };
    let note = said.note.unwrap_or_default();
    let given = Feedback {
        incident: id,
        agrees: Some(&cause) == told.as_ref(),
        cause: cut(&cause),
        note: cut(&note),
    };
    web.app.store.give_feedback(given, clock::now()).await?;
    Ok(Redirect::to(&format!("/incidents/{id}#feedback")).into_response())
}

/// Somebody wants a fresh look.
pub(super) async fn look(
    State(web): State<Web>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let id = api::number(&id)?;
    web.app.store.look_again(id, clock::now()).await?;
    web.app.due.notify_one();
    Ok(Redirect::to(&format!("/incidents/{id}")).into_response())
}

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

#[derive(Template)]
#[template(path = "status.html", config = "src/serve/templates/askama.toml")]
struct StatusPage {
    here: &'static str,
    groups: Vec<StatusGroup>,
}

struct StatusGroup {
    heading: &'static str,
    rows: Vec<(String, String)>,
}

/// How the server itself does.
pub(super) async fn status(State(web): State<Web>) -> Result<Response, Refusal> {
    let groups = web.app.blocking(status_groups).await?;
    page(&StatusPage {
        here: "status",
        groups,
    })
}

#[expect(clippy::too_many_lines, reason = "one table")]
fn status_groups(app: &App) -> Result<Vec<StatusGroup>, StoreError> {
    let counts = app.store.counts()?;
    let config = &app.config;
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let days = |duration: std::time::Duration| {
        plural(
            i64::try_from(duration.as_secs() / 86_400).unwrap_or(0),
            "day",
        )
    };
    let pack = app.engine.pack();
    let receivers = config
        .receivers
        .iter()
        .map(|r| pair(&r.name, r.way.word().to_owned()))
        .collect();
    let groups = vec![
        StatusGroup {
            heading: "Work",
            rows: vec![
                pair(
                    "Incidents",
                    format!("{} firing, {} resolved", counts.firing, counts.resolved),
                ),
                pair("Waiting for a first look", counts.to_look_at.to_string()),
                pair(
                    "Deliveries since the start",
                    app.metrics.deliveries().to_string(),
                ),
                pair("Notifications waiting", counts.notices.to_string()),
                pair("Notifications given up", counts.given_up.to_string()),
            ],
        },
        StatusGroup {
            heading: "Server",
            rows: vec![
                pair("Version", env!("CARGO_PKG_VERSION").to_owned()),
                pair("Looks at", config.source.describe()),
                pair(
                    "Pack",
                    format!(
                        "{} signatures, {} causes",
                        pack.signatures.len(),
                        pack.causes.len()
                    ),
                ),
                pair(
                    "Bundles",
                    format!(
                        "{}, kept {}",
                        size(counts.bundle_bytes),
                        days(config.keep_bundles)
                    ),
                ),
                pair("Closed incidents kept", days(config.keep_incidents)),
                pair(
                    "Asks for credentials",
                    if config.asks_for_credentials() {
                        "yes"
                    } else {
                        "no"
                    }
                    .to_owned(),
                ),
            ],
        },
        StatusGroup {
            heading: "Who is told",
            rows: receivers,
        },
    ];
    Ok(groups
        .into_iter()
        .filter(|group| !group.rows.is_empty())
        .collect())
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

fn page(template: &impl Template) -> Result<Response, Refusal> {
    match template.render() {
        Ok(text) => Ok((StatusCode::OK, Html(text)).into_response()),
        Err(error) => Err(Refusal::Failed(format!(
            "the page could not be made: {error}"
        ))),
    }
}

/// What an incident is called: the answer, or the alert as long as there is none.
fn headline(incident: &Incident) -> String {
    let answer = incident.answer.as_ref();
    match answer.map(|a| (a.title.as_ref(), a.verdict.as_str())) {
        Some((Some(title), _)) => shown(title),
        Some((None, _)) => "Nothing to act on in what was looked at".to_owned(),
        None => shown(&incident.title),
    }
}

fn verdict_word(verdict: &str) -> String {
    verdict.replace('_', " ").to_uppercase()
}

fn percent(answer: &AnswerRow) -> String {
    let known = answer
        .probability
        .filter(|_| answer.verdict != "cannot_tell");
    known.map_or_else(String::new, report::percent)
}

/// Text of others with what does not show made visible; the templates escape it.
fn shown(text: &str) -> String {
    report::escape::visible(text).into_owned()
}

fn plural(n: i64, one: &str) -> String {
    if n == 1 {
        format!("1 {one}")
    } else {
        format!("{n} {one}s")
    }
}

fn times(n: i64) -> String {
    match n {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    }
}

fn size(bytes: i64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

/// Text as part of an address.
pub(in crate::serve) fn url_encoded(text: &str) -> String {
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
