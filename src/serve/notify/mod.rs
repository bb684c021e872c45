//! Tells people, at least once.
//!
//! What is to be told is put into the outbox in the transaction that keeps the answer, and is taken
//! out when the receiver has said that it has it. A crash between the two makes the next start tell
//! it again, never not at all. Each receiver has its own queue, so that a slow one holds up no other.

mod mail;
mod message;
mod slack;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::app::App;
use super::clock::{self, Millis};
use super::config::{Receiver, Way};
use super::metrics::Outcome;
use super::store::{Notice, StoreError};
use crate::collect::web;
use crate::limits;
pub(super) use message::Message;

/// First pause after a failure; it doubles up to the longest.
const RETRY: Millis = 2 * 1000;
const RETRY_MOST: Millis = 30 * 60 * 1000;
/// Slack takes about one message a second and channel; nobody reads faster.
const PACE: Duration = Duration::from_millis(1100);
/// Receivers that do not answer in this time are tried again.
const PATIENCE: Duration = Duration::from_secs(15);
/// Notices taken from the outbox at once.
const BATCH: usize = 20;
/// How long nothing is looked for when nothing is known to be due.
const IDLE: Millis = 60 * 1000;

/// Why a notification was not taken.
#[derive(Debug)]
struct Failed {
    why: String,
    /// Whether trying again can help.
    again: bool,
    /// When the receiver asked to be tried again.
    after: Option<Duration>,
}

impl Failed {
    fn passing(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            again: true,
            after: None,
        }
    }

    fn lasting(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            again: false,
            after: None,
        }
    }
}

impl Failed {
    /// When to try again after so many attempts before this one; none: never.
    fn next(&self, attempts: u32, now: Millis) -> Option<Millis> {
        if !self.again || attempts + 1 >= limits::NOTIFY_ATTEMPTS {
            return None;
        }
        let pause = (RETRY << attempts.min(20)).min(RETRY_MOST);
        let asked = self
            .after
            .and_then(|after| Millis::try_from(after.as_millis()).ok())
            .unwrap_or(0);
        Some(now + pause.max(asked.min(RETRY_MOST)))
    }
}

/// Where a message stands in Slack: channel and time stamp.
type Thread = (String, String);

/// A client for all of them. Addresses come from the configuration, never from an alert; redirects are
/// not followed, since they would lead where nobody configured.
pub(super) fn client() -> Result<reqwest::Client, reqwest::Error> {
    web::client(|| {
        reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("rdiag/", env!("CARGO_PKG_VERSION")))
    })
}

/// Tells one receiver what waits for it, until `stop`.
pub(super) async fn run(
    app: Arc<App>,
    receiver: Receiver,
    client: reqwest::Client,
    mut stop: watch::Receiver<bool>,
) {
    while !*stop.borrow() {
        // Asked for before the outbox is looked at: what comes in between still wakes us.
        let woken = app.outbox.notified();
        let pause = match step(&app, &receiver, &client, &stop).await {
            Ok(0) => until_next(&app, &receiver).await,
            Ok(_) => continue,
            Err(error) => {
                tracing::error!(
                    err = super::worker::chain(&error),
                    "the outbox cannot be read"
                );
                Duration::from_secs(5)
            }
        };
        tokio::select! {
            () = woken => {}
            () = tokio::time::sleep(pause) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Tells what is due; how many there were.
async fn step(
    app: &Arc<App>,
    receiver: &Receiver,
    client: &reqwest::Client,
    stop: &watch::Receiver<bool>,
) -> Result<usize, StoreError> {
    let name = receiver.name.clone();
    let due = app
        .blocking(move |app| app.store.notices_due(&name, clock::now(), BATCH))
        .await?;
    let count = due.len();
    for notice in due {
        if *stop.borrow() {
            break;
        }
        one(app, receiver, client, notice).await?;
        if matches!(
            receiver.way,
            Way::SlackBot { .. } | Way::SlackWebhook { .. }
        ) && count > 1
        {
            tokio::time::sleep(PACE).await;
        }
    }
    Ok(count)
}

async fn one(
    app: &Arc<App>,
    receiver: &Receiver,
    client: &reqwest::Client,
    notice: Notice,
) -> Result<(), StoreError> {
    let message = {
        let notice = notice.clone();
        app.blocking(move |app| Message::of(app, &notice)).await?
    };
    let Some(message) = message else {
        return app
            .store
            .notice_failed(
                notice.id,
                "the incident is gone".to_owned(),
                None,
                clock::now(),
            )
            .await;
    };
    let sent = send(receiver, client, &notice, &message).await;
    let now = clock::now();
    match sent {
        Ok(thread) => {
            app.metrics.notified(Outcome::Success);
            tracing::info!(
                incident = notice.incident,
                receiver = notice.receiver,
                kind = notice.kind.word(),
                "told"
            );
            app.store.notice_done(notice, thread, now).await
        }
        Err(mut failed) => {
            failed.why = app.redacted(failed.why);
            app.metrics.notified(Outcome::Error);
            let again = failed.next(notice.attempts, now);
            tracing::warn!(
                incident = notice.incident,
                receiver = notice.receiver,
                err = failed.why,
                given_up = again.is_none(),
                "could not tell"
            );
            app.store
                .notice_failed(notice.id, failed.why, again, now)
                .await
        }
    }
}

async fn send(
    receiver: &Receiver,
    client: &reqwest::Client,
    notice: &Notice,
    message: &Message,
) -> Result<Option<Thread>, Failed> {
    match &receiver.way {
        Way::SlackWebhook { url } => slack::hook(client, url, message).await,
        Way::SlackBot {
            token,
            channel,
            api_url,
        } => {
            slack::bot(
                client,
                api_url,
                token,
                channel,
                notice.thread.as_ref(),
                message,
            )
            .await
        }
        Way::Webhook { url, bearer } => {
            webhook::post(client, url, bearer.as_ref(), notice, message).await
        }
        Way::Email(email) => mail::send(email, notice, message).await.map(|()| None),
    }
}

async fn until_next(app: &Arc<App>, receiver: &Receiver) -> Duration {
    let name = receiver.name.clone();
    let next = app
        .blocking(move |app| app.store.next_notice(&name))
        .await
        .ok()
        .flatten();
    let wait = next.map_or(IDLE, |at| at - clock::now()).clamp(50, IDLE);
    Duration::from_millis(wait.unsigned_abs())
}

/// The answer of a receiver: its body, or what to make of its status.
async fn answer(sent: Result<reqwest::Response, reqwest::Error>) -> Result<String, Failed> {
    // The address may be the secret: it is not to be logged.
    let mut response =
        sent.map_err(|error| Failed::passing(super::worker::chain(&error.without_url())))?;
    let status = response.status();
    let header = |name: &str| response.headers().get(name)?.to_str().ok()?.parse().ok();
    let after = header("retry-after").map(Duration::from_secs);
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = limits::NOTIFY_ANSWER_BYTES.saturating_sub(body.len());
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() >= room {
            break;
        }
    }
    let body = String::from_utf8_lossy(&body).into_owned();
    if status.is_success() {
        return Ok(body);
    }
    let start: String = body.chars().take(200).collect();
    let again = status.is_server_error() || [408, 425, 429].contains(&status.as_u16());
    Err(Failed {
        why: format!("answered {status}: {start}"),
        again,
        after,
    })
}

/// Slack's messages about it: the whole one, and the one for a thread.
pub(super) fn slack_messages(message: &Message) -> [serde_json::Value; 2] {
    [slack::full(message), slack::short(message)]
}

/// What a webhook is sent about it.
pub(super) fn webhook_body(message: &Message) -> serde_json::Value {
    webhook::body(message)
}

/// The mail about it, with its headers.
pub(super) fn mail(message: &Message) -> Result<String, String> {
    mail::preview(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let passing = Failed::passing("x");
        let asked = Failed {
            after: Some(Duration::from_secs(60)),
            ..Failed::passing("x")
        };
        for (failed, attempts, expected) in [
            (&passing, 0, Some(2_000)),
            (&passing, 3, Some(16_000)),
            (&passing, 30, Some(RETRY_MOST)),
            (&passing, limits::NOTIFY_ATTEMPTS - 1, None),
            (&asked, 0, Some(60_000)),
            (&Failed::lasting("x"), 0, None),
        ] {
            assert_eq!(failed.next(attempts, 0), expected, "{attempts}");
        }
    }
}
