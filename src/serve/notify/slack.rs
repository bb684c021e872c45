//! Slack: an incoming webhook, or a bot that keeps one message per incident and answers in its thread.

use serde_json::{Value, json};

use super::message::Message;
use super::{Failed, Thread, answer};
use crate::report::escape::slack;
use crate::report::{self, Format, Style};
use crate::serve::config::Secret;
use crate::serve::store::NoticeKind;

/// Blocks Slack takes in a message.
const BLOCKS: usize = 50;

/// Posts to an incoming webhook: each change is a message of its own.
pub(super) async fn hook(
    client: &reqwest::Client,
    url: &Secret,
    message: &Message,
) -> Result<Option<Thread>, Failed> {
    let url = url.read().map_err(Failed::passing)?;
    let body = if message.kind == NoticeKind::Resolved {
        short(message)
    } else {
        full(message)
    };
    answer(client.post(url).json(&body).send().await)
        .await
        .map(|_| None)
}

/// Posts as a bot: the first message is kept up to date, and what changed is told below it.
pub(super) async fn bot(
    client: &reqwest::Client,
    api: &str,
    token: &Secret,
    channel: &str,
    thread: Option<&Thread>,
    message: &Message,
) -> Result<Option<Thread>, Failed> {
    let token = token.read().map_err(Failed::passing)?;
    let call = async |method: &str, body: Value| -> Result<Value, Failed> {
        let sent = client
            .post(format!("{api}/{method}"))
            .bearer_auth(&token)
            .json(&body)
            .send()
            .await;
        checked(&answer(sent).await?)
    };
    let Some((channel, ts)) = thread else {
        let mut body = full(message);
        body["channel"] = json!(channel);
        let posted = call("chat.postMessage", body).await?;
        let text = |key: &str| posted.get(key).and_then(Value::as_str).map(str::to_owned);
        return Ok(text("channel").zip(text("ts")));
    };
    let mut below = short(message);
    below["channel"] = json!(channel);
    below["thread_ts"] = json!(ts);
    call("chat.postMessage", below).await?;
    let mut first = full(message);
    first["channel"] = json!(channel);
    first["ts"] = json!(ts);
    // Somebody may have deleted it; the thread has been told all the same.
    if let Err(failed) = call("chat.update", first).await
        && failed.again
    {
        tracing::warn!(
            err = failed.why,
            "the first message of a thread could not be brought up to date"
        );
    }
    Ok(None)
}

/// Slack answers 200 with `ok: false` for most mistakes.
fn checked(body: &str) -> Result<Value, Failed> {
    let value: Value =
        serde_json::from_str(body).map_err(|_| Failed::passing("Slack answered no JSON"))?;
    if value.get("ok") == Some(&Value::Bool(true)) {
        return Ok(value);
    }
    let error = value
        .get("error")
        .and_then(Value::as_str)
        .unwrap_or("unknown")
        .to_owned();
    let passing = [
        "ratelimited",
        "rate_limited",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
    ];
    // A wrong token or channel is mended by people, and then the message is still wanted.
    let mended = [
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_expired",
        "channel_not_found",
        "not_in_channel",
    ];
    match passing.contains(&error.as_str()) || mended.contains(&error.as_str()) {
        true => Err(Failed::passing(format!("Slack says {error}"))),
        false => Err(Failed::lasting(format!("Slack says {error}"))),
    }
}

/// The report with the alert above it.
pub(super) fn full(message: &Message) -> Value {
    let Some(found) = &message.report else {
        return short(message);
    };
    let rendered = report::render(found, Format::Slack, Style::default());
    let mut body: Value = serde_json::from_str(&rendered).unwrap_or_else(|_| json!({}));
    body["text"] = json!(line(message));
    let mut blocks = vec![context(message)];
    if let Some(Value::Array(rest)) = body.get_mut("blocks").map(Value::take) {
        blocks.extend(rest);
    }
    blocks.truncate(BLOCKS);
    body["blocks"] = json!(blocks);
    body["unfurl_links"] = json!(false);
    body
}

/// Alert and answer, one line each.
pub(super) fn short(message: &Message) -> Value {
    let text = format!(
        "*{}*\n{}",
        slack(&message.alert()),
        slack(&message.answer())
    );
    let section =
        json!({ "type": "section", "text": { "type": "mrkdwn", "text": text, "verbatim": true } });
    json!({ "text": line(message), "blocks": [section, context(message)], "unfurl_links": false })
}

/// For notifications of phones: plain, and escaped like everything else.
fn line(message: &Message) -> String {
    slack(&format!(
        "{} {}: {}",
        message.word(),
        message.alert(),
        message.answer()
    ))
}

fn context(message: &Message) -> Value {
    let mut text = format!("{} · {}", message.word(), slack(&message.alert()));
    if let Some(url) = &message.url {
        text.push_str(&format!(" · <{url}|incident {}>", message.incident.id));
    }
    json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": text, "verbatim": true }] })
}
