//! Looks at what is due, one look at a time.
//!
//! Incidents that ask for the same place and time share a look: one bundle, one diagnosis. In a storm
//! of alerts that is the difference between one answer and thousands of the same.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::time::timeout;

use super::app::App;
use super::clock::{self, Millis};
use super::finding;
use super::look::Look;
use super::metrics::Outcome;
use super::source::{Fetched, SourceError};
use super::store::{Answer, Due, Finding, StoreError};
use crate::bundle::{BundleError, Input};
use crate::engine::Options;
use crate::limits;
use crate::redact::Redactor;

/// Why a look gave no answer.
#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error("could not fetch a bundle")]
    Source(#[from] SourceError),
    #[error("could not read the bundle")]
    Bundle(#[from] BundleError),
    #[error("the diagnosis was ended by a bug in rdiag; please report it with the bundle")]
    Bug,
    #[error("the look took longer than {} s", LONGEST_LOOK.as_secs())]
    Slow,
    #[error("could not keep the answer")]
    Store(#[from] StoreError),
}

/// A look that takes longer is given up.
const LONGEST_LOOK: Duration = Duration::from_secs(15 * 60);
/// Pauses between looks at an incident that goes on.
const AGAIN: [Millis; 4] = [2 * MINUTE, 5 * MINUTE, 15 * MINUTE, 60 * MINUTE];
/// First and longest pause after a look that could not be done.
const RETRY: Millis = 10 * 1000;
const RETRY_MOST: Millis = 10 * MINUTE;
/// Looks at an incident that is over are not tried for ever.
const RETRIES_WHEN_OVER: i64 = 8;
const MINUTE: Millis = 60 * 1000;
/// Deliveries within a breath that mean a storm, which is let pass before looking, but not for long.
const BREATH: Duration = Duration::from_millis(200);
const STORM: u64 = 10;
const PATIENCE: Millis = 20 * 1000;

/// Works until `stop`; the look in hand is finished.
pub(super) async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let pause = match step(&app).await {
            Ok(true) => continue,
            Ok(false) => until_next(&app).await,
            Err(error) => {
                tracing::error!(err = chain(&error), "the queue of incidents cannot be read");
                Duration::from_secs(5)
            }
        };
        tokio::select! {
            () = app.due.notified() => {}
            () = tokio::time::sleep(pause) => {}
            _ = stop.changed() => {}
        }
    }
}

/// One look, if one is due.
async fn step(app: &Arc<App>) -> Result<bool, StoreError> {
    let now = clock::now();
    let due = app
        .blocking(move |app| app.store.due(now, limits::INCIDENTS_PER_LOOK))
        .await?;
    let Some(first) = due.first() else {
        return Ok(false);
    };
    calm(app, first.look_at).await;
    // What came meanwhile may share the look.
    let now = clock::now();
    let due = app
        .blocking(move |app| app.store.due(now, limits::INCIDENTS_PER_LOOK))
        .await?;
    let (look, together) = share(due, app, now);
    if together.is_empty() {
        return Ok(false);
    }
    let started = clock::instant();
    let count = together.len();
    let result = match timeout(LONGEST_LOOK, answer(app, &look, &together)).await {
        Ok(result) => result,
        Err(_) => Err(LookError::Slow),
    };
    let took = started.elapsed();
    match result {
        Ok(verdict) => {
            app.metrics.looked(Outcome::Success, count, took);
            let seconds = format!("{:.3}", took.as_secs_f64());
            tracing::info!(incidents = count, verdict, seconds, "looked");
        }
        Err(error) => {
            app.metrics.looked(Outcome::Error, count, took);
            let why = app.redacted(chain(&error));
            tracing::error!(incidents = count, err = why, "a look could not be done");
            let answers = together
                .iter()
                .map(|due| retry(due, clock::now()))
                .collect();
            app.store.look_failed(answers, why).await?;
        }
    }
    for due in &together {
        app.changed(due.id);
    }
    app.outbox.notify_waiters();
    Ok(true)
}

/// Waits while alerts pour in, since storing them comes first.
async fn calm(app: &App, since: Millis) {
    loop {
        let before = app.metrics.deliveries();
        tokio::time::sleep(BREATH).await;
        let storm = app.metrics.deliveries() - before > STORM;
        if !storm || clock::now() - since > PATIENCE {
            return;
        }
    }
}

/// The look that the longest waiting incident asks for, and all incidents it serves.
fn share(due: Vec<Due>, app: &App, now: Millis) -> (Look, Vec<Due>) {
    let mut due = due.into_iter();
    let Some(first) = due.next() else {
        return (Look::default(), Vec::new());
    };
    let mut look = Look::of(&first.alerts, &app.config.policy, now);
    let asked = look.clone();
    let mut together = vec![first];
    for other in due {
        let its = Look::of(&other.alerts, &app.config.policy, now);
        if asked.joins(&its) {
            look.join(its);
            together.push(other);
        }
    }
    (look, together)
}

async fn answer(app: &Arc<App>, look: &Look, together: &[Due]) -> Result<String, LookError> {
    let alerts: Vec<_> = together
        .iter()
        .flat_map(|due| &due.alerts)
        .map(|a| a.to_json())
        .collect();
    let payload =
        json!({ "version": "4", "status": "firing", "receiver": "rdiag", "alerts": alerts });
    let payload = serde_json::to_vec_pretty(&payload).unwrap_or_default();
    let fetched = app
        .config
        .source
        .fetch(
            look,
            payload,
            &app.store.bundles(),
            app.pack.clone(),
            app.config.redact,
        )
        .await?;
    let finding = diagnose(app, fetched, look.gaps.clone()).await?;
    let now = clock::now();
    let answers = together
        .iter()
        .map(|due| Answer {
            incident: due.id,
            look_at: again(app, due, now),
            due: due.look_at,
        })
        .collect();
    let verdict = finding.verdict.clone();
    let receivers = app
        .config
        .receivers
        .iter()
        .map(|r| r.name.clone())
        .collect();
    app.store.answer(finding, answers, receivers, now).await?;
    Ok(verdict)
}

async fn diagnose(
    app: &Arc<App>,
    fetched: Fetched,
    gaps: Vec<(String, String)>,
) -> Result<Finding, LookError> {
    let bug = {
        let app = app.clone();
        move || app.metrics.panicked()
    };
    let result = app
        .blocking(move |app| {
            let work = AssertUnwindSafe(|| -> Result<Finding, BundleError> {
                let input = Input::open(std::slice::from_ref(&fetched.path), None)?;
                for (what, why) in gaps {
                    input.add_gap(what, why);
                }
                // One thread: the other cores are for the alerts that come in.
                let options = Options {
                    threads: 1,
                    thanos_version: app.config.thanos_version,
                };
                let mut report = app.engine.run(&input, &options)?.report;
                // Whatever is stored, shown or sent from here on holds no credentials.
                if app.config.redact {
                    Redactor::default().report(&mut report);
                }
                let (bundle, bytes) = fetched.kept.unzip();
                Ok(finding::of(report, bundle, bytes.unwrap_or(0)))
            });
            catch_unwind(work)
        })
        .await;
    match result {
        Ok(finding) => Ok(finding?),
        Err(_) => {
            bug();
            Err(LookError::Bug)
        }
    }
}

/// When to look at an incident again.
fn again(app: &App, due: &Due, now: Millis) -> Option<Millis> {
    let age = now - due.opened_at;
    let pause = AGAIN
        .into_iter()
        .find(|pause| age < 3 * pause)
        .unwrap_or(AGAIN[AGAIN.len() - 1]);
    app.config.source.changes().then_some(now + pause)
}

fn retry(due: &Due, now: Millis) -> Answer {
    let over = due.state == super::alert::Status::Resolved && due.failures >= RETRIES_WHEN_OVER;
    let pause = (RETRY << due.failures.clamp(0, 10)).min(RETRY_MOST);
    Answer {
        incident: due.id,
        look_at: (!over).then_some(now + pause),
        due: due.look_at,
    }
}

async fn until_next(app: &Arc<App>) -> Duration {
    let next = app
        .blocking(|app| app.store.next_due())
        .await
        .ok()
        .flatten();
    let wait = next.map_or(MINUTE, |at| at - clock::now()).clamp(1, MINUTE);
    Duration::from_millis(wait.unsigned_abs())
}

/// An error with all its sources, on one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
