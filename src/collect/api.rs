//! Questions to the API server: with a deadline, a bound, and another attempt where that helps.

use std::time::Duration;

use axum::http::{Request, StatusCode, header};
use futures::StreamExt;
use kube::client::Body;
use serde_json::Value;

use super::connect::{Cluster, root};
use super::{CollectError, rights::Right};
use crate::limits;

/// Why a question got no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The API server, or what it asked in turn, answered with an error.
    Status {
        /// HTTP status.
        code: u16,
        /// What it says.
        message: String,
        /// The answer came from the API server itself, not from a pod behind its proxy.
        own: bool,
        /// After how many seconds to ask again.
        retry_after: Option<u64>,
    },
    /// No answer.
    Network(String),
    /// No credentials to ask with.
    Credentials(String),
    /// The answer is not what it should be.
    Odd(String),
    /// The answer did not come in time.
    Slow(Duration),
}

impl Refusal {
    /// The identity may not ask this.
    pub(super) fn is_forbidden(&self) -> bool {
        matches!(
            self,
            Self::Status {
                code: 403,
                own: true,
                ..
            }
        )
    }

    pub(super) fn code(&self) -> Option<u16> {
        match self {
            Self::Status { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// How often to ask in all, since it may be otherwise in a moment.
    fn attempts(&self) -> u32 {
        match self {
            Self::Status {
                code: 429 | 500 | 502 | 503 | 504,
                own: true,
                ..
            } => limits::COLLECT_ATTEMPTS,
            // Whoever waits for a sentence about a wrong address should not wait long.
            Self::Network(_) => 2,
            _ => 1,
        }
    }

    /// As the error of the whole: for questions without whose answer there is nothing to do.
    pub(super) fn fatal(self, cluster: &Cluster, attempt: &str) -> CollectError {
        let server = cluster.server.clone();
        let attempt = attempt.to_owned();
        match self {
            Self::Status { code: 401, .. } => CollectError::Unauthorized { server },
            Self::Status {
                code: 403, message, ..
            } => CollectError::Forbidden {
                attempt,
                why: message,
            },
            Self::Status {
                code: 400, message, ..
            } => CollectError::Usage(message),
            Self::Network(why) => CollectError::Unreachable { server, why },
            Self::Slow(after) => CollectError::Unreachable {
                server,
                why: format!("no answer within {} s", after.as_secs()),
            },
            Self::Credentials(why) => CollectError::Credentials { server, why },
            refusal => CollectError::Refused {
                attempt,
                why: refusal.to_string(),
            },
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status { code: 401, .. } => {
                f.write_str("the API server does not accept the credentials (401)")
            }
            Self::Status { code, message, .. } if message.is_empty() => {
                write!(f, "answered {code}")
            }
            Self::Status { code, message, .. } => write!(f, "answered {code}: {message}"),
            Self::Network(why) => write!(f, "no answer: {why}"),
            Self::Credentials(why) => write!(f, "no credentials: {why}"),
            Self::Odd(why) => write!(f, "not understood: {why}"),
            Self::Slow(after) => write!(f, "no answer within {} s", after.as_secs()),
        }
    }
}

/// The bytes of an answer as they come.
pub(super) type Stream = axum::body::BodyDataStream;

/// A whole answer.
pub(super) struct Answer {
    pub(super) body: Vec<u8>,
    /// There was more than was asked for.
    pub(super) cut: bool,
}

impl Cluster {
    /// The answer's bytes as they come; one attempt.
    pub(super) async fn open(&self, path: &str) -> Result<Stream, Refusal> {
        let request = Request::get(path)
            .body(Body::empty())
            .map_err(|e| Refusal::Odd(e.to_string()))?;
        let sent = tokio::time::timeout(self.timeout, self.client.send(request)).await;
        let response = sent
            .map_err(|_| Refusal::Slow(self.timeout))?
            .map_err(refused)?;
        let status = response.status();
        let after = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|v| v.to_str().ok()?.parse().ok());
        let stream = axum::body::Body::new(response.into_body()).into_data_stream();
        if status.is_success() {
            return Ok(stream);
        }
        let body = gather(stream, STATUS_BYTES, self.timeout)
            .await
            .map(|a| a.body)
            .unwrap_or_default();
        Err(status_of(status, &body, after))
    }

    /// Like [`Cluster::open`], asking again where that may help.
    pub(super) async fn open_patiently(&self, path: &str) -> Result<Stream, Refusal> {
        let mut attempt = 1;
        loop {
            match self.open(path).await {
                Err(refusal) if attempt < refusal.attempts() => {
                    pause(attempt, &refusal).await;
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    /// A whole answer of at most `most` bytes; the rest is cut off.
    pub(super) async fn bytes(&self, path: &str, most: usize) -> Result<Answer, Refusal> {
        gather(self.open(path).await?, most, self.timeout).await
    }

    /// A JSON answer, asking again where that may help.
    pub(super) async fn json(&self, path: &str) -> Result<Value, Refusal> {
        let mut attempt = 1;
        loop {
            let answer = match self.open_patiently(path).await {
                Ok(stream) => gather(stream, limits::COLLECT_ANSWER_BYTES, self.timeout).await,
                Err(refusal) => Err(refusal),
            };
            match answer {
                Ok(answer) if answer.cut => {
                    return Err(Refusal::Odd("the answer is too long".to_owned()));
                }
                Ok(answer) => {
                    return serde_json::from_slice(&answer.body).map_err(|error| {
                        Refusal::Odd(format!("the answer is not JSON ({error})"))
                    });
                }
                // A list that was cut half-way is worth asking for again.
                Err(refusal @ Refusal::Network(_)) if attempt < refusal.attempts() => {
                    pause(attempt, &refusal).await;
                    attempt += 1;
                }
                Err(refusal) => return Err(refusal),
            }
        }
    }

    /// All items of a list, page by page, as `kubectl get -o json` prints them. `path` may have a query.
    pub(super) async fn list(&self, path: &str) -> Result<Listed, Refusal> {
        let mut restarts = 0;
        'anew: loop {
            let mut listed = Listed::default();
            let mut token = String::new();
            loop {
                let mut page = format!("{path}{}limit={}", joint(path), limits::COLLECT_PAGE);
                if !token.is_empty() {
                    page.push_str("&continue=");
                    page.push_str(&escape(&token));
                }
                let answer = match self.json(&page).await {
                    // The token has expired: what it continued is gone, so begin anew.
                    Err(refusal) if refusal.code() == Some(410) && restarts < 2 => {
                        restarts += 1;
                        continue 'anew;
                    }
                    other => other?,
                };
                token = listed.take(answer);
                if token.is_empty() || listed.items.len() >= limits::COLLECT_OBJECTS {
                    listed.cut = !token.is_empty() || listed.dropped;
                    return Ok(listed);
                }
            }
        }
    }

    /// The question whether the identity has `right`.
    pub(super) async fn may(
        &self,
        right: &Right,
        namespace: Option<&str>,
    ) -> Result<bool, Refusal> {
        let mut attributes = serde_json::json!({
            "verb": right.verb, "group": right.group, "resource": right.resource, "subresource": right.subresource,
        });
        if let Some(namespace) = namespace {
            attributes["namespace"] = namespace.into();
        }
        let review = serde_json::json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": attributes },
        });
        let answer = self
            .ask(
                "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                &review,
            )
            .await?;
        Ok(answer
            .pointer("/status/allowed")
            .and_then(Value::as_bool)
            .unwrap_or(false))
    }

    /// Who asks, as the API server names it.
    pub(super) async fn who(&self) -> Result<String, Refusal> {
        let review = serde_json::json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
        let answer = self
            .ask("/apis/authentication.k8s.io/v1/selfsubjectreviews", &review)
            .await?;
        let name = answer
            .pointer("/status/userInfo/username")
            .and_then(Value::as_str);
        name.map(str::to_owned)
            .ok_or_else(|| Refusal::Odd("the answer names no user".to_owned()))
    }

    /// A review: a question in the form of an object. Nothing is stored.
    async fn ask(&self, path: &str, review: &Value) -> Result<Value, Refusal> {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(review.to_string().into_bytes()))
            .map_err(|e| Refusal::Odd(e.to_string()))?;
        let sent = tokio::time::timeout(self.timeout, self.client.send(request)).await;
        let response = sent
            .map_err(|_| Refusal::Slow(self.timeout))?
            .map_err(refused)?;
        let status = response.status();
        let stream = axum::body::Body::new(response.into_body()).into_data_stream();
        let body = gather(stream, STATUS_BYTES, self.timeout).await?.body;
        if !status.is_success() {
            return Err(status_of(status, &body, None));
        }
        serde_json::from_slice(&body).map_err(|e| Refusal::Odd(e.to_string()))
    }
}

/// A list put together from its pages.
#[derive(Debug, Default)]
pub(super) struct Listed {
    pub(super) items: Vec<Value>,
    /// There are more objects than are kept.
    pub(super) cut: bool,
    dropped: bool,
}

impl Listed {
    /// Takes the items of a page and gives the token of the next one.
    fn take(&mut self, mut page: Value) -> String {
        let kind = page.get("kind").and_then(Value::as_str).unwrap_or_default();
        let kind = kind.strip_suffix("List").unwrap_or(kind).to_owned();
        let version = page
            .get("apiVersion")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let token = page
            .pointer("/metadata/continue")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
            for mut item in items {
                if self.items.len() >= limits::COLLECT_OBJECTS {
                    self.dropped = true;
                    break;
                }
                // Items of a list do not repeat what they are; kubectl says it for each.
                if let Some(map) = item.as_object_mut() {
                    map.entry("kind").or_insert_with(|| kind.as_str().into());
                    map.entry("apiVersion")
                        .or_insert_with(|| version.as_str().into());
                    self.items.push(item);
                }
            }
        }
        token
    }
}

/// Most bytes read of an error's text.
const STATUS_BYTES: usize = 64 * 1024;

/// Reads a stream to its end or to `most` bytes. Each piece must come within `timeout`, and all of
/// them within four times that: a peer that drips is as good as silent.
pub(super) async fn gather(
    mut stream: Stream,
    most: usize,
    timeout: Duration,
) -> Result<Answer, Refusal> {
    let reading = async {
        let mut body = Vec::new();
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(|error| Refusal::Network(root(&error)))?;
            let room = most - body.len();
            if piece.len() > room {
                body.extend_from_slice(&piece[..room]);
                return Ok(Answer { body, cut: true });
            }
            body.extend_from_slice(&piece);
        }
        Ok(Answer { body, cut: false })
    };
    let whole = timeout * 4;
    tokio::time::timeout(whole, reading)
        .await
        .unwrap_or(Err(Refusal::Slow(whole)))
}

/// The error answer of the API server, or of a pod behind its proxy.
fn status_of(status: StatusCode, body: &[u8], retry_after: Option<u64>) -> Refusal {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let own = parsed
        .as_ref()
        .filter(|v| v.get("kind").and_then(Value::as_str) == Some("Status"));
    let message = own
        .and_then(|v| v.get("message"))
        .and_then(Value::as_str)
        .map_or_else(
            || {
                String::from_utf8_lossy(body)
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(300)
                    .collect()
            },
            str::to_owned,
        );
    // 429 and gateway errors of whatever stands before the API server are not JSON.
    let own = own.is_some() || matches!(status.as_u16(), 429 | 502 | 504);
    Refusal::Status {
        code: status.as_u16(),
        message,
        own,
        retry_after,
    }
}

fn refused(error: kube::Error) -> Refusal {
    match error {
        kube::Error::Auth(error) => Refusal::Credentials(root(&error)),
        error => Refusal::Network(root(&error)),
    }
}

/// Waits before the next attempt: as long as the server asks for, otherwise longer each time.
async fn pause(attempt: u32, refusal: &Refusal) {
    tokio::time::sleep(wait(attempt, refusal)).await;
}

/// How long to wait before the next attempt.
pub(super) fn wait(attempt: u32, refusal: &Refusal) -> Duration {
    let asked = match refusal {
        Refusal::Status { retry_after, .. } => *retry_after,
        _ => None,
    };
    let wait = asked.map_or(Duration::from_millis(250 << attempt), Duration::from_secs);
    wait.min(Duration::from_secs(limits::COLLECT_PAUSE_SECS))
}

fn joint(path: &str) -> char {
    if path.contains('?') { '&' } else { '?' }
}

/// Percent-encodes a value of a query.
pub(super) fn escape(value: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
