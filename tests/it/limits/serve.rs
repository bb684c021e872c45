//! Bounds of the server and of the MCP server.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use rdiag::limits;
use rdiag::serve::Server;
use rdiag::serve::alert::Payload;
use rdiag::serve::clock;
use rdiag::serve::store::{Filter, Store, StoreError, StoreOptions};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::serve::{
    PACK, PATIENCE, alert, answered, ask, config, delivery, get, incidents, post, start, until,
};

fn store() -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    let store = Store::open(folder.path(), StoreOptions::default()).unwrap();
    (folder, store)
}

fn decoded(key: &str, alerts: Vec<Value>) -> Payload {
    Payload::decode(delivery(key, "firing", alerts).to_string().as_bytes()).unwrap()
}

#[test]
fn alerts_labels_and_values_of_a_delivery_are_bounded_and_counted() {
    let many = (0..limits::ALERTS_PER_DELIVERY + 5)
        .map(|n| alert("Down", &n.to_string(), "firing"))
        .collect();
    let payload = decoded("g", many);
    assert_eq!(
        (payload.alerts.len(), payload.left_out),
        (limits::ALERTS_PER_DELIVERY, 5)
    );
    let mut one = alert("Down", "f", "firing");
    for n in 0..2 * limits::ALERT_LABELS {
        one["labels"][format!("l{n:04}")] = json!("x");
    }
    one["annotations"]["text"] = json!("x".repeat(2 * limits::ALERT_VALUE_BYTES));
    let kept = &decoded("g", vec![one]).alerts[0];
    assert_eq!(kept.labels.len(), limits::ALERT_LABELS);
    assert_eq!(
        kept.labels["rdiag_left_out"],
        (limits::ALERT_LABELS + 4).to_string()
    );
    let text = &kept.annotations["text"];
    assert!(text.len() <= limits::ALERT_VALUE_BYTES + 4 && text.ends_with('…'));
}

#[tokio::test]
async fn alerts_of_an_incident_are_bounded_and_counted() {
    let (_folder, store) = store();
    let rounds = limits::ALERTS_PER_INCIDENT / limits::ALERTS_PER_DELIVERY;
    for round in 0..=rounds {
        let count = if round == rounds {
            7
        } else {
            limits::ALERTS_PER_DELIVERY
        };
        let alerts = (0..count)
            .map(|n| alert("Down", &format!("{round}-{n}"), "firing"))
            .collect();
        let mut payload = decoded("g", alerts);
        // The rest of the group is there, too, so none of the earlier ones is over.
        payload.left_out = 1;
        store.deliver(payload, clock::now()).await.unwrap();
    }
    let incident = store.incident(1).unwrap().unwrap();
    assert_eq!(incident.alerts as usize, limits::ALERTS_PER_INCIDENT);
    assert!(incident.left_out >= 7, "{}", incident.left_out);
}

#[tokio::test]
async fn a_full_queue_refuses_and_looks_and_lists_are_bounded() {
    let (_folder, store) = store();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let writes = (0..limits::QUEUE_LEN + 600).map(|n| {
        let wait = (n == 0).then_some(());
        (n, wait)
    });
    // The first write holds the writer until the queue has been filled.
    let wait = std::sync::Mutex::new(Some(wait));
    let mut waiting = Vec::new();
    for (_, first) in writes {
        let gate = first.and_then(|()| wait.lock().unwrap().take());
        waiting.push(store.write(move |_| {
            if let Some(gate) = gate {
                let _ = gate.recv_timeout(Duration::from_secs(60));
            }
            Ok(())
        }));
    }
    let all = futures::future::join_all(waiting);
    let opened = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        go.send(()).unwrap();
    };
    let (results, ()) = tokio::join!(all, opened);
    let refused = results
        .iter()
        .filter(|r| matches!(r, Err(StoreError::Busy)))
        .count();
    assert!(
        refused > 0 && refused < 600 + limits::BATCH_LEN,
        "{refused}"
    );
    for n in 0..=limits::INCIDENTS_PER_LOOK {
        let payload = decoded(&format!("g{n}"), vec![alert("Down", "f", "firing")]);
        store.deliver(payload, clock::now() - 10_000).await.unwrap();
    }
    let due = store.due(clock::now(), limits::INCIDENTS_PER_LOOK).unwrap();
    assert_eq!(due.len(), limits::INCIDENTS_PER_LOOK);
    let all = store
        .incidents(&Filter {
            limit: limits::INCIDENTS_LISTED,
            ..Filter::default()
        })
        .unwrap();
    assert_eq!(all.len(), limits::INCIDENTS_PER_LOOK + 1);
}

#[tokio::test]
async fn heads_bodies_and_listeners_are_bounded() {
    let folder = TempDir::new().unwrap();
    let server = start(&folder).await;
    let at = server.address();
    let long = format!("GET /\r\nx-long: {}", "x".repeat(2 * limits::HEAD_BYTES));
    assert_eq!(ask(at, &long, b"").await.0, 431);
    // Bodies that are announced and do not come take up all there may be.
    let head = format!(
        "POST /webhook HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{{",
        limits::BODY_BYTES
    );
    let mut open = Vec::new();
    for _ in 0..limits::BODIES_IN_FLIGHT_BYTES / limits::BODY_BYTES {
        let mut stream = TcpStream::connect(at).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        open.push(stream);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let payload = delivery("g", "firing", vec![alert("Down", "f", "firing")]);
    assert_eq!(post(at, &payload).await, 503);
    drop(open);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(post(at, &payload).await, 202);
    let mut listening = Vec::new();
    for _ in 0..limits::LISTENERS {
        let mut stream = TcpStream::connect(at).await.unwrap();
        stream
            .write_all(b"GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .await
            .unwrap();
        let mut start = [0; 15];
        stream.read_exact(&mut start).await.unwrap();
        assert_eq!(&start, b"HTTP/1.1 200 OK");
        listening.push(stream);
    }
    assert_eq!(ask(at, "GET /events", b"").await.0, 503);
    server.stop().await;
}

#[tokio::test]
async fn notes_are_cut_and_receivers_may_talk_for_ever() {
    let folder = TempDir::new().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let head = "HTTP/1.1 400 No\r\ncontent-type: text/plain\r\n\r\n";
                let _ = stream.write_all(head.as_bytes()).await;
                // Without an end.
                while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
            });
        }
    });
    let mut telling = config(folder.path());
    telling.receivers = vec![rdiag::serve::config::Receiver {
        name: "talker".to_owned(),
        way: rdiag::serve::config::Way::Webhook {
            url: rdiag::serve::config::Secret::Plain(format!("http://{address}/")),
            bearer: None,
        },
    }];
    let server = Server::start(telling, PACK.clone()).await.unwrap();
    let at = server.address();
    assert_eq!(
        post(
            at,
            &delivery("g", "firing", vec![alert("Down", "f", "firing")])
        )
        .await,
        202
    );
    until(at, |found| !found.is_empty() && answered(found)).await;
    let form = "POST /incidents/1/feedback\r\ncontent-type: application/x-www-form-urlencoded";
    let body = format!(
        "cause=disk-full&note={}",
        "y".repeat(2 * limits::NOTE_BYTES)
    );
    assert_eq!(ask(at, form, body.as_bytes()).await.0, 303);
    let truth = get(at, "/incidents/1/truth.yaml").await;
    assert_eq!(
        truth.matches('y').count()
            - truth
                .replace(&"y".repeat(limits::NOTE_BYTES), "")
                .matches('y')
                .count(),
        limits::NOTE_BYTES
    );
    let given_up = async {
        // Of what it said only `limits::NOTIFY_ANSWER_BYTES` are read, and little is kept.
        while !get(at, "/incidents/1")
            .await
            .contains("given up: answered 400")
        {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, given_up)
        .await
        .expect("it is given up");
    assert!(get(at, "/incidents/1").await.len() < 200_000);
    assert_eq!(incidents(at).await.len(), 1);
    server.stop().await;
}

#[test]
fn a_message_to_the_mcp_server_is_bounded() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rdiag"))
        .arg("mcp")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let long = format!(
        "{{\"id\":1,\"method\":\"{}\"}}\n",
        "x".repeat(limits::MCP_LINE_BYTES)
    );
    let feeding = std::thread::spawn(move || {
        input.write_all(long.as_bytes()).unwrap();
        input
            .write_all(b"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}\n")
            .unwrap();
    });
    let output = child.wait_with_output().unwrap();
    feeding.join().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(
        lines[0]["error"]["message"]
            .as_str()
            .unwrap()
            .contains("too long")
    );
    assert_eq!(lines[1]["id"], 2);
}
