//! Tests with stand-ins for the stores.

#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::bundle::Input;

const AT: i64 = 1_800_000_000_000;

fn look() -> Look {
    Look {
        namespace: Some("monitoring".to_owned()),
        from: AT - 900_000,
        until: AT,
        ..Look::default()
    }
}

/// A store that answers each request with the next of `pages`; what it was asked.
async fn store(pages: Vec<String>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = asked.clone();
    tokio::spawn(async move {
        let mut pages = pages.into_iter();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 16 * 1024];
            let read = stream.read(&mut head).await.unwrap_or(0);
            seen.lock()
                .unwrap()
                .push(String::from_utf8_lossy(&head[..read]).into_owned());
            let body = pages.next().unwrap_or_default();
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (url, asked)
}

fn loki_page(from: i64, count: usize) -> String {
    let values: Vec<String> = (0..count)
        .map(|n| {
            format!(
                "[\"{}\",\"level=info n={}\"]",
                i128::from(from + n as i64) * 1_000_000,
                from + n as i64
            )
        })
        .collect();
    format!(
        r#"{{"status":"success","data":{{"resultType":"streams","result":[
        {{"stream":{{"namespace":"monitoring","pod":"thanos-receive-0","container":"thanos-receive"}},"values":[{}]}},
        {{"stream":{{"namespace":"monitoring","job":"syslog"}},"values":[["1","not of a pod"]]}},
        {{"stream":{{"namespace":"monitoring","pod":"../../etc","container":"x"}},"values":[["{}","trick"]]}}]}}}}"#,
        values.join(","),
        i128::from(from) * 1_000_000
    )
}

async fn lines_of(kind: Kind, pages: Vec<String>) -> (Vec<String>, String, Vec<String>) {
    let (url, asked) = store(pages).await;
    let folder = tempfile::tempdir().unwrap();
    let fetched = fetch(kind, &url, &look(), b"{}".to_vec(), folder.path(), true)
        .await
        .unwrap();
    let input = Input::open(&[fetched.path], None).unwrap();
    let mut lines = Vec::new();
    for stream in &input.streams {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut stream.open().unwrap(), &mut text).unwrap();
        lines.extend(
            text.lines()
                .map(|line| format!("{}: {line}", stream.origin.pod)),
        );
    }
    let gaps = input
        .gaps()
        .iter()
        .map(|g| format!("{}: {}\n", g.what, g.why))
        .collect();
    let asked = asked.lock().unwrap().clone();
    (lines, gaps, asked)
}

#[tokio::test]
async fn loki_is_read_page_by_page() {
    let first = loki_page(AT - 800_000, PAGE);
    // The last moment of the first page comes again.
    let second = loki_page(AT - 800_000 + PAGE as i64 - 1, 3);
    let (lines, gaps, asked) = lines_of(Kind::Loki, vec![first, second]).await;
    assert_eq!(lines.len(), PAGE + 2, "{:?}", &lines[..2]);
    assert!(
        lines[0].starts_with("thanos-receive-0: 2027-01-15T") && lines[0].contains("level=info n="),
        "{}",
        lines[0]
    );
    assert!(
        gaps.contains("only logs come from Loki") && gaps.contains("../../etc"),
        "{gaps}"
    );
    assert_eq!(asked.len(), 2);
    assert!(
        asked[0].contains("query=%7Bnamespace%3D%22monitoring%22%7D"),
        "{}",
        asked[0]
    );
}

#[tokio::test]
async fn victorialogs_is_read_whatever_collects() {
    let page = [
        r#"{"_time":"2027-01-15T07:45:00.5Z","_msg":"level=error msg=a password=hunter22x","_stream":"{}","kubernetes.pod_name":"r-0","kubernetes.container_name":"thanos"}"#,
        r#"{"_time":"2027-01-15T07:45:01Z","_msg":"level=error msg=b","kubernetes_pod_name":"r-1"}"#,
        r#"{"_time":"2027-01-15T07:45:02Z","_msg":"level=error msg=c","pod":"r-2","container":"c"}"#,
        r#"{"_time":"2027-01-15T07:45:03Z","_msg":"of no pod"}"#,
    ]
    .join("\n");
    let (lines, gaps, asked) = lines_of(Kind::VictoriaLogs, vec![page]).await;
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(
        lines[0].starts_with("r-0: 2027-01-15T07:45:00.5Z level=error msg=a"),
        "{lines:?}"
    );
    assert!(!lines[0].contains("hunter22x"));
    assert!(gaps.contains("only logs come from VictoriaLogs"), "{gaps}");
    assert!(
        asked[0].starts_with(
            "GET /select/logsql/query?query=%28%22kubernetes.pod_namespace%22%3A%3D%22monitoring%22"
        ),
        "{}",
        asked[0]
    );
}

#[tokio::test]
async fn what_is_no_answer_is_said() {
    for (kind, body, words) in [
        (
            Kind::Loki,
            "<html>".to_owned(),
            "Loki's answer is not understood",
        ),
        (
            Kind::VictoriaLogs,
            "<html>".to_owned(),
            "VictoriaLogs's answer is not understood",
        ),
        (
            Kind::VictoriaLogs,
            " ".repeat(limits::LOKI_BYTES + 1),
            "is too large",
        ),
    ] {
        let (url, _) = store(vec![body]).await;
        let folder = tempfile::tempdir().unwrap();
        let failed = fetch(kind, &url, &look(), Vec::new(), folder.path(), true).await;
        let why = failed.unwrap_err().to_string();
        assert!(why.contains(words), "{why}");
    }
    let nowhere = Look {
        namespace: None,
        ..look()
    };
    let folder = tempfile::tempdir().unwrap();
    let failed = fetch(
        Kind::Loki,
        "http://127.0.0.1:1",
        &nowhere,
        Vec::new(),
        folder.path(),
        true,
    )
    .await;
    assert!(
        failed
            .unwrap_err()
            .to_string()
            .contains("names no namespace")
    );
    let failed = fetch(
        Kind::Loki,
        "http://127.0.0.1:1",
        &look(),
        Vec::new(),
        folder.path(),
        true,
    )
    .await;
    assert!(failed.unwrap_err().to_string().starts_with("Loki: "));
}
