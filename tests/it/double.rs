//! A stand-in for the API server that does what a real one does not do on demand: puts off, forgets,
//! drips, and hangs up in the middle of a chunk.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// An answer, as it goes over the wire.
#[derive(Clone)]
pub(crate) enum Reply {
    Json(u16, Value),
    /// Status, further headers, body.
    Raw(u16, &'static str, Vec<u8>),
    /// A chunked body, piece by piece.
    Stream(Vec<Piece>),
}

#[derive(Clone)]
pub(crate) enum Piece {
    Bytes(Vec<u8>),
    Pause(Duration),
    /// Announces a chunk, sends half of it and hangs up.
    Cut(Vec<u8>),
    /// Sends one byte after another, with a pause after each.
    Drip(Vec<u8>, Duration),
}

pub(crate) struct Double {
    pub(crate) port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    dir: tempfile::TempDir,
}

impl Double {
    /// `answer` gets the method, the path with its query, and how often that path was asked before.
    pub(crate) fn start(
        answer: impl Fn(&str, &str, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let answer = Arc::new(answer);
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                thread::spawn(move || serve(stream, &*answer, &seen));
            }
        });
        Self {
            port,
            requests,
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// Everything that was asked, as `METHOD path?query`.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        let path = self.dir.path().join("kubeconfig");
        std::fs::write(
            &path,
            kubeconfig(&format!("http://127.0.0.1:{}", self.port)),
        )
        .unwrap();
        path
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

pub(crate) fn kubeconfig(server: &str) -> String {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{ "name": "test", "cluster": { "server": server } }],
        "users": [{ "name": "test", "user": { "token": "not-a-secret" } }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test", "namespace": "monitoring" } }],
    })
    .to_string()
}

fn serve(
    stream: TcpStream,
    answer: &dyn Fn(&str, &str, usize) -> Reply,
    seen: &Mutex<Vec<String>>,
) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut out = stream;
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        let mut length = 0;
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header).unwrap_or(0) == 0 || header.trim().is_empty() {
                break;
            }
            if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let mut words = first.split(' ');
        let (method, path) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        let request = format!("{method} {path}");
        let before = {
            let mut seen = seen.lock().unwrap();
            let before = seen.iter().filter(|r| **r == request).count();
            seen.push(request);
            before
        };
        // What a review asks stands in its body.
        let path = if method == "POST" {
            format!("{path}#{}", String::from_utf8_lossy(&body))
        } else {
            path.to_owned()
        };
        if send(&mut out, answer(method, &path, before)).is_err() {
            return;
        }
    }
}

/// Fails when the connection is to be closed, too.
fn send(out: &mut TcpStream, reply: Reply) -> std::io::Result<()> {
    let hung_up = || std::io::Error::from(std::io::ErrorKind::ConnectionAborted);
    match reply {
        Reply::Json(code, value) => {
            let text = value.to_string();
            write!(
                out,
                "HTTP/1.1 {code} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{text}",
                text.len()
            )
        }
        Reply::Raw(code, headers, body) => {
            write!(
                out,
                "HTTP/1.1 {code} X\r\n{headers}content-length: {}\r\n\r\n",
                body.len()
            )?;
            out.write_all(&body)
        }
        Reply::Stream(pieces) => {
            write!(out, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
            for piece in pieces {
                match piece {
                    Piece::Bytes(bytes) => chunk(out, &bytes)?,
                    Piece::Pause(pause) => thread::sleep(pause),
                    Piece::Drip(bytes, pause) => {
                        for byte in bytes {
                            chunk(out, &[byte])?;
                            thread::sleep(pause);
                        }
                    }
                    Piece::Cut(bytes) => {
                        write!(out, "{:x}\r\n", bytes.len() * 2)?;
                        out.write_all(&bytes)?;
                        out.flush()?;
                        // Long enough for the bytes to be read before the end is seen.
                        thread::sleep(Duration::from_millis(50));
                        out.shutdown(std::net::Shutdown::Both)?;
                        return Err(hung_up());
                    }
                }
            }
            write!(out, "0\r\n\r\n")
        }
    }
}

fn chunk(out: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    write!(out, "{:x}\r\n", bytes.len())?;
    out.write_all(bytes)?;
    write!(out, "\r\n")?;
    out.flush()
}

/// The error answer of an API server.
pub(crate) fn status(code: u16, reason: &str, message: &str) -> Reply {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "reason": reason, "message": message, "code": code,
    });
    Reply::Json(code, body)
}

/// A list as the API server gives it: its items do not repeat what they are.
pub(crate) fn list(kind: &str, items: Vec<Value>) -> Reply {
    Reply::Json(
        200,
        json!({ "kind": format!("{kind}List"), "apiVersion": "v1", "metadata": {}, "items": items }),
    )
}

/// A receiver that runs.
pub(crate) fn pod(name: &str, uid: &str, restarts: u64) -> Value {
    json!({
        "metadata": {
            "name": name, "namespace": "monitoring", "uid": uid,
            "labels": { "app": "thanos-receive" },
            "managedFields": [{ "manager": "kubectl" }],
            "annotations": { "kubectl.kubernetes.io/last-applied-configuration": "{\"password\":\"hunter2\"}" },
            "ownerReferences": [{ "kind": "StatefulSet", "name": "thanos-receive" }],
        },
        "spec": {
            "nodeName": "node-a",
            "containers": [{
                "name": "thanos-receive", "image": "quay.io/thanos/thanos:v0.38.0",
                "args": ["receive", "--receive.hashrings-file=/etc/thanos/hashrings.json", "--objstore.config=secret_key: hunter2"],
                "env": [{ "name": "AWS_SECRET_ACCESS_KEY", "value": "hunter2" }],
                "volumeMounts": [{ "name": "ring", "mountPath": "/etc/thanos" }],
            }],
            "volumes": [{ "name": "ring", "configMap": { "name": "ring" } }],
        },
        "status": {
            "phase": "Running", "podIP": "10.0.0.1",
            "containerStatuses": [{
                "name": "thanos-receive", "ready": true, "restartCount": restarts,
                "state": { "running": { "startedAt": "2026-01-01T00:00:00Z" } },
                "lastState": if restarts > 0 { json!({ "terminated": { "exitCode": 1 } }) } else { json!({}) },
            }],
        },
    })
}
