//! The server, in process, on port 0 of the loopback; nothing here leaves 127.0.0.0/8.

#![allow(clippy::unwrap_used)]

mod live;
mod mail;
mod secrets;
mod trust;

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use rdiag::pack::Pack;
use rdiag::serve::Server;
use rdiag::serve::config::{Config, OpenToAll, Rate, Receiver, Secret, Way, Web};
use rdiag::serve::look::Policy;
use rdiag::serve::source::Source;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub(crate) static PACK: LazyLock<Arc<Pack>> = LazyLock::new(|| Arc::new(Pack::embedded().unwrap()));

/// Long enough for a slow machine; nothing waits that long unless it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn config(folder: &Path) -> Config {
    Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        data_dir: folder.join("data"),
        source: Source::Bundle(bundle(folder)),
        policy: Policy::default(),
        external_url: Some("http://rdiag.test".to_owned()),
        keep_bundles: Duration::from_secs(86_400),
        keep_incidents: Duration::from_secs(86_400),
        store_bytes: None,
        rate: Rate {
            per_second: 1e6,
            burst: 1e6,
        },
        thanos_version: None,
        web: Web::default(),
        open_to_all: OpenToAll::Refuse,
        receivers: Vec::new(),
        redact: true,
    }
}

/// A ring whose second member is out of disk, and whose log tries to be more than text.
fn bundle(folder: &Path) -> PathBuf {
    let root = folder.join("bundle");
    let log = root.join("logs/monitoring/thanos-receive-1");
    fs::create_dir_all(&log).unwrap();
    let full = "ts=2026-11-23T02:00:10Z caller=db.go:1 level=error component=receive component=multi-tsdb \
                tenant=<script>alert(1)</script> msg=\"compaction failed\" err=\"preallocate: no space left on device\"\n";
    let hostile = "ts=2026-11-23T02:00:11Z level=error msg=\"<img src=x onerror=alert(1)> <!channel> `$(reboot)`\"\n";
    fs::write(
        log.join("thanos-receive.log"),
        format!("{}{hostile}", full.repeat(20)),
    )
    .unwrap();
    root
}

pub(crate) fn alert(name: &str, fingerprint: &str, status: &str) -> Value {
    json!({
        "status": status,
        "labels": { "alertname": name, "namespace": "monitoring", "pod": "thanos-receive-1" },
        "annotations": {},
        "startsAt": "2026-11-23T02:00:20Z",
        "endsAt": if status == "resolved" { "2026-11-23T02:10:20Z" } else { "0001-01-01T00:00:00Z" },
        "fingerprint": fingerprint,
    })
}

pub(crate) fn delivery(key: &str, status: &str, alerts: Vec<Value>) -> Value {
    json!({
        "version": "4", "groupKey": key, "status": status, "receiver": "rdiag", "truncatedAlerts": 0,
        "groupLabels": { "alertname": "Down" }, "commonLabels": { "alertname": "Down", "namespace": "monitoring" },
        "commonAnnotations": {}, "externalURL": "http://alertmanager.test", "alerts": alerts, "somethingNew": {},
    })
}

/// An HTTP client of one request a connection: status, head, body.
pub(crate) async fn ask(address: SocketAddr, request: &str, body: &[u8]) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let host = if request.contains("\r\nhost:") {
        String::new()
    } else {
        "host: localhost\r\n".to_owned()
    };
    let (first, headers) = request.split_once("\r\n").unwrap_or((request, ""));
    let head = format!(
        "{first} HTTP/1.1\r\n{host}connection: close\r\ncontent-length: {}\r\n{headers}{}\r\n",
        body.len(),
        if headers.is_empty() { "" } else { "\r\n" },
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // A server that refuses may close before it has read everything.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .unwrap_or(0);
    let body = if head.contains("transfer-encoding: chunked") {
        unchunked(body)
    } else {
        body.to_owned()
    };
    (status, head.to_owned(), body)
}

fn unchunked(mut body: &str) -> String {
    let mut text = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap_or(0);
        if size == 0 || rest.len() < size {
            break;
        }
        text.push_str(&rest[..size]);
        body = rest[size..].trim_start_matches("\r\n");
    }
    text
}

pub(crate) async fn post(address: SocketAddr, payload: &Value) -> u16 {
    ask(address, "POST /webhook", payload.to_string().as_bytes())
        .await
        .0
}

pub(crate) async fn get(address: SocketAddr, path: &str) -> String {
    let (status, _, body) = ask(address, &format!("GET {path}"), b"").await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

pub(crate) async fn incidents(address: SocketAddr) -> Vec<Value> {
    let value: Value =
        serde_json::from_str(&get(address, "/api/v1/incidents?limit=1000").await).unwrap();
    value["incidents"].as_array().unwrap().clone()
}

/// Asks again and again until `done`.
pub(crate) async fn until(address: SocketAddr, done: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let wait = async {
        loop {
            let found = incidents(address).await;
            if done(&found) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .expect("it comes to that")
}

pub(crate) fn answered(found: &[Value]) -> bool {
    found.iter().all(|incident| !incident["verdict"].is_null())
}

pub(crate) async fn start(folder: &TempDir) -> Server {
    Server::start(config(folder.path()), PACK.clone())
        .await
        .unwrap()
}

#[tokio::test]
async fn an_alert_is_stored_diagnosed_updated_and_closed() {
    let folder = TempDir::new().unwrap();
    let server = start(&folder).await;
    let at = server.address();
    let firing = delivery("g1", "firing", vec![alert("Down", "f1", "firing")]);
    assert_eq!(post(at, &firing).await, 202);
    assert_eq!(post(at, &firing).await, 202);
    let found = until(at, answered).await;
    assert_eq!(found.len(), 1);
    assert_eq!(
        (&found[0]["group_key"], &found[0]["state"]),
        (&json!("g1"), &json!("firing"))
    );
    assert_eq!(
        (&found[0]["deliveries"], &found[0]["alerts"]),
        (&json!(2), &json!(1))
    );
    let two = vec![alert("Down", "f1", "firing"), alert("Down", "f2", "firing")];
    assert_eq!(post(at, &delivery("g1", "firing", two)).await, 202);
    assert_eq!(incidents(at).await[0]["alerts"], 2);
    let over = vec![
        alert("Down", "f1", "resolved"),
        alert("Down", "f2", "resolved"),
    ];
    assert_eq!(post(at, &delivery("g1", "resolved", over)).await, 202);
    assert_eq!(incidents(at).await[0]["state"], "resolved");
    // A copy that comes late from another Alertmanager opens nothing.
    assert_eq!(post(at, &firing).await, 202);
    let found = incidents(at).await;
    assert_eq!((found.len(), &found[0]["state"]), (1, &json!("resolved")));
    // The same alert, begun anew, does.
    let mut anew = alert("Down", "f1", "firing");
    anew["startsAt"] = json!("2026-11-23T03:00:00Z");
    assert_eq!(post(at, &delivery("g1", "firing", vec![anew])).await, 202);
    assert_eq!(incidents(at).await.len(), 2);
    server.stop().await;
}

#[tokio::test]
async fn a_restart_knows_everything() {
    let folder = TempDir::new().unwrap();
    let server = start(&folder).await;
    let at = server.address();
    for i in 0..20 {
        let name = format!("f{i}");
        let payload = delivery(
            &format!("g{i}"),
            "firing",
            vec![alert("Down", &name, "firing")],
        );
        assert_eq!(post(at, &payload).await, 202);
    }
    server.stop().await;
    let server = start(&folder).await;
    let found = until(server.address(), answered).await;
    assert_eq!(found.len(), 20);
    server.stop().await;
}

#[tokio::test]
async fn malformed_bodies_are_told_why() {
    let folder = TempDir::new().unwrap();
    let server = start(&folder).await;
    let at = server.address();
    let good = delivery("g", "firing", vec![alert("Down", "f", "firing")]);
    let without = |key: &str| {
        let mut payload = good.clone();
        payload.as_object_mut().unwrap().remove(key);
        payload.to_string()
    };
    let with = |key: &str, value: Value| {
        let mut payload = good.clone();
        payload[key] = value;
        payload.to_string()
    };
    for (body, reason) in [
        (String::new(), "EOF"),
        ("[]".to_owned(), "invalid"),
        ("{\"text\": \"hello\"}".to_owned(), "`alerts` is missing"),
        (without("groupKey"), "`groupKey` is missing"),
        (without("status"), "`status` is missing"),
        (with("alerts", json!([])), "`alerts` is empty"),
        (
            with("alerts", json!([{ "status": "firing" }])),
            "alerts[0]: `labels` is missing",
        ),
        (
            with(
                "alerts",
                json!([{ "status": "firing", "labels": {}, "startsAt": "soon" }]),
            ),
            "`startsAt` is not",
        ),
        (with("version", json!("3")), "version \"3\""),
        (with("status", json!("odd")), "unknown variant"),
        ("[".repeat(100_000), "invalid type"),
        // Where anything is allowed, nesting is followed without a stack and without an end.
        (
            format!("{{\"somethingNew\":{}", "[".repeat(1_000_000)),
            "EOF",
        ),
        (
            format!("{{\"alerts\":[{{\"labels\":{}", "{\"a\":".repeat(100_000)),
            "invalid type",
        ),
    ] {
        let (status, _, answer) = ask(at, "POST /webhook", body.as_bytes()).await;
        let start: String = body.chars().take(60).collect();
        assert_eq!(status, 400, "{start}");
        assert!(answer.contains(reason), "{start}: {answer}");
    }
    let (status, _, _) = ask(
        at,
        "POST /webhook",
        &vec![b' '; rdiag::limits::BODY_BYTES + 1],
    )
    .await;
    assert_eq!(status, 413);
    assert!(incidents(at).await.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn real_payloads_and_grafanas_are_taken() {
    let folder = TempDir::new().unwrap();
    let server = start(&folder).await;
    let at = server.address();
    let grafana = json!({
        "receiver": "rdiag", "status": "firing", "orgId": 1, "version": "1", "groupKey": "{}:{alertname=\"X\"}",
        "truncatedAlerts": 0, "title": "[FIRING:1]", "state": "alerting", "message": "**Firing**",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://grafana.test/",
        "alerts": [{
            "status": "firing", "labels": { "alertname": "X" }, "annotations": {}, "startsAt": "2026-11-23T02:00:20.5+01:00",
            "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "?orgId=1", "fingerprint": "57c6d9296de2ad39",
            "silenceURL": "http://grafana.test/alerting/silence/new", "dashboardURL": "", "panelURL": "",
            "values": { "B": 1.5 }, "valueString": "[ var='B' ]",
        }],
    });
    assert_eq!(post(at, &grafana).await, 202);
    assert_eq!(incidents(at).await[0]["title"], "X");
    server.stop().await;
}

#[tokio::test]
async fn pages_show_hostile_text_as_text() {
    let folder = TempDir::new().unwrap();
    let server = start(&folder).await;
    let at = server.address();
    let mut hostile = alert("<script>alert(1)</script>", "f", "firing");
    hostile["labels"]["x\"onload=\""] = json!("</td><script>alert(2)</script>\u{202e}");
    let mut payload = delivery(
        "</script><script>alert(3)</script>",
        "firing",
        vec![hostile],
    );
    payload["commonLabels"] = json!({ "alertname": "<script>alert(1)</script>" });
    payload["externalURL"] = json!("javascript:alert(4)");
    assert_eq!(post(at, &payload).await, 202);
    until(at, answered).await;
    for path in [
        "/",
        "/incidents/1",
        "/?q=%3Cscript%3E%22",
        "/status",
        "/manual?q=%22%3E%3Cscript%3E",
    ] {
        let page = get(at, path).await;
        assert!(
            !page.contains("<script>") && !page.contains("<img"),
            "{path}: {page}"
        );
        assert!(
            !page.contains("javascript:") && !page.contains('\u{202e}'),
            "{path}"
        );
    }
    assert!(
        get(at, "/incidents/1")
            .await
            .contains("&#60;script&#62;alert(1)")
    );
    let (_, head, _) = ask(at, "GET /incidents/1", b"").await;
    assert!(
        head.contains("content-security-policy: default-src 'none'"),
        "{head}"
    );
    server.stop().await;
}

#[tokio::test]
async fn answers_can_be_kept_judged_and_found() {
    let folder = TempDir::new().unwrap();
    let server = start(&folder).await;
    let at = server.address();
    assert_eq!(
        post(
            at,
            &delivery("g", "firing", vec![alert("Down", "f", "firing")])
        )
        .await,
        202
    );
    until(at, answered).await;
    let (status, head, _) = ask(at, "GET /incidents/1/bundle", b"").await;
    assert_eq!(status, 200);
    assert!(
        head.contains("attachment; filename=\"incident-1.tar.zst\""),
        "{head}"
    );
    assert_eq!(ask(at, "GET /incidents/1/truth.yaml", b"").await.0, 404);
    let form = "POST /incidents/1/feedback\r\ncontent-type: application/x-www-form-urlencoded";
    let said = b"right=no&cause=disk-full&note=it+was%3A+%22full%22%0Acause%3A+none";
    assert_eq!(ask(at, form, said).await.0, 303);
    let foreign = format!("{form}\r\norigin: http://evil.test");
    assert_eq!(ask(at, &foreign, said).await.0, 403);
    let truth: BTreeMap<String, Value> =
        serde_saphyr::from_str(&get(at, "/incidents/1/truth.yaml").await).unwrap();
    assert_eq!(truth["cause"], "disk-full");
    assert_eq!(truth["story"], "it was: \"full\"\ncause: none");
    let (status, head, _) = ask(at, "GET /find?alertname=Down&namespace=monitoring", b"").await;
    assert_eq!(status, 303);
    assert!(head.contains("location: /incidents/1"), "{head}");
    for format in ["text", "json", "yaml", "markdown", "html", "slack", "junit"] {
        assert!(
            !get(at, &format!("/api/v1/incidents/1/report?format={format}"))
                .await
                .is_empty()
        );
    }
    assert!(
        get(at, "/manual/receiver-oom")
            .await
            .contains("receiver-oom")
    );
    assert_eq!(ask(at, "GET /manual/../../etc/passwd", b"").await.0, 404);
    assert!(
        get(at, "/?state=resolved")
            .await
            .contains("No incident matches")
    );
    assert_eq!(ask(at, "GET /api/v1/incidents?limit=x", b"").await.0, 400);
    server.stop().await;
}

#[tokio::test]
async fn metrics_health_and_readiness() {
    let folder = TempDir::new().unwrap();
    let server = start(&folder).await;
    let at = server.address();
    assert_eq!(
        post(
            at,
            &delivery("g", "firing", vec![alert("Down", "f", "firing")])
        )
        .await,
        202
    );
    until(at, answered).await;
    get(at, "/-/healthy").await;
    get(at, "/-/ready").await;
    let metrics = get(at, "/metrics").await;
    for line in [
        "rdiag_webhook_requests_total{code=\"202\"} 1",
        "rdiag_deliveries_total{effect=\"opened\"} 1",
        "rdiag_diagnoses_total{result=\"success\"} 1",
        "rdiag_incidents{state=\"firing\"} 1",
        "rdiag_webhook_request_duration_seconds_count 1",
    ] {
        assert!(metrics.lines().any(|l| l == line), "{line} in\n{metrics}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_full_store_answers_503_and_recovers() {
    let folder = TempDir::new().unwrap();
    let mut full = config(folder.path());
    full.store_bytes = Some(160 * 1024);
    let server = Server::start(full, PACK.clone()).await.unwrap();
    let mut taken = 0;
    let long = "x".repeat(8000);
    let payload = |i: usize| {
        let mut one = alert("Down", &format!("f{i}"), "firing");
        one["annotations"]["description"] = json!(long);
        delivery(&format!("g{i}"), "firing", vec![one])
    };
    let refused = loop {
        match post(server.address(), &payload(taken)).await {
            202 => taken += 1,
            other => break other,
        }
        assert!(taken < 100, "it never fills");
    };
    assert_eq!(refused, 503);
    assert!(taken > 0);
    // What was taken is still there, and can be read.
    assert_eq!(incidents(server.address()).await.len(), taken);
    server.stop().await;
    let server = Server::start(config(folder.path()), PACK.clone())
        .await
        .unwrap();
    assert_eq!(post(server.address(), &payload(taken)).await, 202);
    assert_eq!(incidents(server.address()).await.len(), taken + 1);
    server.stop().await;
}

#[tokio::test]
async fn the_rate_and_the_queue_have_bounds() {
    let folder = TempDir::new().unwrap();
    let mut slow = config(folder.path());
    slow.rate = Rate {
        per_second: 0.001,
        burst: 3.0,
    };
    let server = Server::start(slow, PACK.clone()).await.unwrap();
    let mut answers = Vec::new();
    for i in 0..5 {
        let payload = delivery(
            &format!("g{i}"),
            "firing",
            vec![alert("Down", "f", "firing")],
        );
        let (status, head, _) = ask(
            server.address(),
            "POST /webhook",
            payload.to_string().as_bytes(),
        )
        .await;
        assert_eq!(status == 503, head.contains("retry-after"), "{head}");
        answers.push(status);
    }
    assert_eq!(answers, [202, 202, 202, 503, 503]);
    server.stop().await;
}

#[tokio::test]
async fn who_may_ask() {
    let folder = TempDir::new().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, "s3cret\n").unwrap();
    let mut closed = config(folder.path());
    closed.web.bearer_token_file = Some(token.clone());
    let server = Server::start(closed, PACK.clone()).await.unwrap();
    let at = server.address();
    for (header, expected) in [
        ("", 401),
        ("\r\nauthorization: Bearer wrong", 401),
        ("\r\nauthorization: Bearer s3cret", 200),
        // A browser: any user, the token as password.
        ("\r\nauthorization: Basic YnJvd3NlcjpzM2NyZXQ=", 200),
        ("\r\nauthorization: Basic YnJvd3NlcjpubwA=", 401),
    ] {
        assert_eq!(
            ask(at, &format!("GET /api/v1/incidents{header}"), b"")
                .await
                .0,
            expected,
            "{header}"
        );
    }
    assert_eq!(ask(at, "POST /webhook", b"{}").await.0, 401);
    assert_eq!(ask(at, "GET /-/healthy", b"").await.0, 200);
    // The token can be replaced while the server runs.
    fs::write(&token, "other").unwrap();
    assert_eq!(
        ask(at, "GET /\r\nauthorization: Bearer s3cret", b"")
            .await
            .0,
        401
    );
    assert_eq!(
        ask(at, "GET /\r\nauthorization: Bearer other", b"").await.0,
        200
    );
    server.stop().await;
}

#[tokio::test]
async fn others_are_not_served_unasked() {
    let folder = TempDir::new().unwrap();
    let mut open = config(folder.path());
    open.listen = "0.0.0.0:0".parse().unwrap();
    let refused = Server::start(open, PACK.clone()).await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("the configuration cannot work")
    );
    // A page of a stranger that has its name point here.
    let server = start(&folder).await;
    let (status, _, _) = ask(server.address(), "GET /\r\nhost: rebound.test", b"").await;
    assert_eq!(status, 403);
    // The store is taken.
    let second = Server::start(config(folder.path()), PACK.clone()).await;
    assert!(second.is_err());
    server.stop().await;
}

/// A stand-in for Slack and for any webhook: keeps what it is sent, and fails when it is told to.
struct Told {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<(String, Value)>>>,
    failures: Arc<Mutex<usize>>,
}

impl Told {
    async fn start(failures: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let told = Self {
            address: listener.local_addr().unwrap(),
            requests: Arc::default(),
            failures: Arc::new(Mutex::new(failures)),
        };
        let (requests, failures) = (told.requests.clone(), told.failures.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (requests, failures) = (requests.clone(), failures.clone());
                tokio::spawn(async move {
                    let (head, body) = read_request(&mut stream).await;
                    let fail = {
                        let mut left = failures.lock().unwrap();
                        let fail = *left > 0;
                        *left = left.saturating_sub(1);
                        fail
                    };
                    let status = if fail { "500 Oops" } else { "200 OK" };
                    if !fail {
                        requests.lock().unwrap().push((head, body));
                    }
                    let answer = json!({ "ok": true, "channel": "C1", "ts": "17.5" }).to_string();
                    let text = format!(
                        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
                        answer.len()
                    );
                    let _ = stream.write_all(text.as_bytes()).await;
                });
            }
        });
        told
    }

    fn seen(&self) -> Vec<(String, Value)> {
        self.requests.lock().unwrap().clone()
    }

    async fn wait(&self, count: usize) -> Vec<(String, Value)> {
        let wait = async {
            while self.seen().len() < count {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .expect("it is told");
        self.seen()
    }
}

async fn read_request(stream: &mut TcpStream) -> (String, Value) {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = stream.read(&mut chunk).await.unwrap_or(0);
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|l| {
                l.to_lowercase()
                    .strip_prefix("content-length: ")
                    .map(str::to_owned)
            });
            let length: usize = length.and_then(|l| l.parse().ok()).unwrap_or(0);
            if body.len() >= length || read == 0 {
                return (
                    head.to_owned(),
                    serde_json::from_str(body).unwrap_or(Value::Null),
                );
            }
        }
        if read == 0 {
            return (String::new(), Value::Null);
        }
    }
}

fn receivers(told: &Told) -> Vec<Receiver> {
    let url = |path: &str| Secret::Plain(format!("http://{}{path}", told.address));
    vec![
        Receiver {
            name: "hook".to_owned(),
            way: Way::SlackWebhook { url: url("/hook") },
        },
        Receiver {
            name: "any".to_owned(),
            way: Way::Webhook {
                url: url("/any"),
                bearer: Some(Secret::Plain("b".to_owned())),
            },
        },
        Receiver {
            name: "bot".to_owned(),
            way: Way::SlackBot {
                token: Secret::Plain("xoxb".to_owned()),
                channel: "#alerts".to_owned(),
                api_url: format!("http://{}/api", told.address),
            },
        },
    ]
}

fn paths(seen: &[(String, Value)]) -> Vec<String> {
    let mut paths: Vec<String> = seen
        .iter()
        .filter_map(|(head, _)| head.split(' ').nth(1).map(str::to_owned))
        .collect();
    paths.sort();
    paths
}

#[tokio::test]
async fn people_are_told_once_and_again_when_it_is_over() {
    let folder = TempDir::new().unwrap();
    // The first three attempts fail: each receiver is tried again.
    let told = Told::start(3).await;
    let mut telling = config(folder.path());
    telling.receivers = receivers(&told);
    let server = Server::start(telling, PACK.clone()).await.unwrap();
    let at = server.address();
    let mut hostile = alert("Down", "f", "firing");
    hostile["labels"]["pod"] = json!("thanos-receive-1");
    let mut payload = delivery("g", "firing", vec![hostile]);
    payload["commonLabels"]["alertname"] = json!("<!channel> <@U1> *x*");
    assert_eq!(post(at, &payload).await, 202);
    assert_eq!(post(at, &payload).await, 202);
    let seen = told.wait(3).await;
    assert_eq!(paths(&seen), ["/any", "/api/chat.postMessage", "/hook"]);
    for (head, body) in &seen {
        let text = body.to_string();
        if head.contains("/any") {
            assert!(
                head.contains("authorization: Bearer b")
                    && head.contains("idempotency-key: rdiag-"),
                "{head}"
            );
            assert_eq!(body["kind"], "opened");
            assert_eq!(body["incident"]["url"], "http://rdiag.test/incidents/1");
        } else {
            assert!(
                !text.contains("<!channel>") && !text.contains("<@U1>"),
                "{text}"
            );
            assert!(
                text.contains("<http://rdiag.test/incidents/1|incident 1>"),
                "{text}"
            );
        }
    }
    let over = delivery("g", "resolved", vec![alert("Down", "f", "resolved")]);
    assert_eq!(post(at, &over).await, 202);
    let seen = told.wait(7).await;
    let later = paths(&seen[3..]);
    assert_eq!(
        later,
        ["/any", "/api/chat.postMessage", "/api/chat.update", "/hook"]
    );
    let thread = seen[3..]
        .iter()
        .find(|(head, _)| head.contains("postMessage"))
        .unwrap();
    assert_eq!(
        (&thread.1["thread_ts"], &thread.1["channel"]),
        (&json!("17.5"), &json!("C1"))
    );
    server.stop().await;
    assert_eq!(told.seen().len(), 7, "nobody is told twice");
}

#[tokio::test]
async fn what_was_not_told_is_told_by_the_next_start() {
    let folder = TempDir::new().unwrap();
    let told = Told::start(1000).await;
    let telling = || Config {
        receivers: vec![receivers(&told).remove(1)],
        ..config(folder.path())
    };
    let server = Server::start(telling(), PACK.clone()).await.unwrap();
    assert_eq!(
        post(
            server.address(),
            &delivery("g", "firing", vec![alert("Down", "f", "firing")])
        )
        .await,
        202
    );
    until(server.address(), answered).await;
    server.stop().await;
    assert!(told.seen().is_empty());
    *told.failures.lock().unwrap() = 0;
    let server = Server::start(telling(), PACK.clone()).await.unwrap();
    assert_eq!(paths(&told.wait(1).await), ["/any"]);
    server.stop().await;
}
