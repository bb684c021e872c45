//! Load on the webhook: 10,000 alerts in 10 seconds over loopback, against the bars of the design:
//! none lost, 99 % of the answers within 20 ms, at most 128 MiB of memory.
//!
//! `cargo bench --bench webhook` starts the real program, sends each alert when it is due (whether or
//! not earlier ones were answered: a slow answer delays nothing else), then asks for what was stored.
//! `RDIAG=PATH` measures another binary, `GROUPS=N` spreads the alerts over fewer groups.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

const ALERTS: u32 = 10_000;
const SECONDS: u32 = 10;
const CONNECTIONS: u32 = 32;
const P99_MS: f64 = 20.0;
const MEMORY_MIB: u64 = 128;

#[expect(clippy::too_many_lines, reason = "one measurement, step by step")]
fn main() {
    // `cargo test --benches` only wants to know that it compiles.
    if env::args().any(|argument| argument == "--test") {
        return;
    }
    let folder = tempfile::TempDir::new().unwrap();
    let logs = folder
        .path()
        .join("bundle/logs/monitoring/thanos-receive-0");
    fs::create_dir_all(&logs).unwrap();
    fs::write(
        logs.join("thanos-receive.log"),
        "ts=2026-11-23T02:00:00Z level=info msg=ready\n",
    )
    .unwrap();
    let mut server = Server::start(folder.path());
    let groups = env::var("GROUPS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(ALERTS);
    let latencies: Arc<Mutex<Vec<f64>>> = Arc::default();
    let refused: Arc<Mutex<u32>> = Arc::default();
    let start = Instant::now() + Duration::from_millis(200);
    let senders: Vec<_> = (0..CONNECTIONS)
        .map(|sender| {
            let (latencies, refused, address) =
                (latencies.clone(), refused.clone(), server.address);
            thread::spawn(move || {
                let mut connection = Connection::open(address);
                let mut own = Vec::new();
                for i in (sender..ALERTS).step_by(CONNECTIONS as usize) {
                    let due = start + Duration::from_secs(u64::from(SECONDS)) * i / ALERTS;
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    let status = connection.ask("POST /webhook", &payload(i, groups)).0;
                    // From when it was due: waiting for an earlier answer counts.
                    own.push(due.elapsed().as_secs_f64() * 1e3);
                    *refused.lock().unwrap() += u32::from(status != 202);
                }
                latencies.lock().unwrap().extend(own);
            })
        })
        .collect();
    for sender in senders {
        sender.join().unwrap();
    }
    let took = start.elapsed().as_secs_f64();
    let (incidents, alerts) = stored(server.address);
    let memory = server.peak_mib();
    let mut latencies = latencies.lock().unwrap().clone();
    latencies.sort_by(f64::total_cmp);
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
    let refused = *refused.lock().unwrap();
    println!("{ALERTS} alerts of {groups} groups in {took:.1} s over {CONNECTIONS} connections");
    println!(
        "answers: p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0)
    );
    println!(
        "refused: {refused}; stored: {alerts} alerts in {incidents} incidents; peak memory: {memory} MiB"
    );
    let met = refused == 0
        && alerts == u64::from(ALERTS)
        && incidents == groups as usize
        && at(0.99) <= P99_MS
        && memory <= MEMORY_MIB
        && took <= f64::from(SECONDS) + 1.0;
    println!(
        "bars (none lost, p99 <= {P99_MS} ms, <= {MEMORY_MIB} MiB): {}",
        if met { "met" } else { "NOT MET" }
    );
    server.stop();
    std::process::exit(i32::from(!met));
}

fn payload(i: u32, groups: u32) -> String {
    let group = i % groups;
    format!(
        r#"{{"version":"4","groupKey":"{{}}:{{alertname=\"ThanosReceiverDown\", group=\"{group}\"}}","status":"firing",
"receiver":"rdiag","truncatedAlerts":0,"groupLabels":{{"alertname":"ThanosReceiverDown"}},"commonLabels":{{"alertname":
"ThanosReceiverDown","namespace":"monitoring","severity":"critical"}},"commonAnnotations":{{"summary":"down"}},
"externalURL":"http://alertmanager:9093","alerts":[{{"status":"firing","labels":{{"alertname":"ThanosReceiverDown",
"job":"thanos-receive","namespace":"monitoring","pod":"thanos-receive-{i}","severity":"critical"}},"annotations":
{{"summary":"Thanos Receiver is down"}},"startsAt":"2026-11-23T02:00:20Z","endsAt":"0001-01-01T00:00:00Z",
"generatorURL":"","fingerprint":"{i:016x}"}}]}}"#
    )
}

/// Incidents and their alerts, as the API tells.
fn stored(address: SocketAddr) -> (usize, u64) {
    let (status, body) = Connection::open(address).ask("GET /api/v1/incidents?limit=50000", "");
    assert_eq!(status, 200);
    let value: serde_json::Value = serde_json::from_str(&body).unwrap();
    let list = value["incidents"].as_array().unwrap();
    (
        list.len(),
        list.iter()
            .map(|incident| incident["alerts"].as_u64().unwrap())
            .sum(),
    )
}

struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start(folder: &std::path::Path) -> Self {
        let program = env::var("RDIAG").unwrap_or_else(|_| env!("CARGO_BIN_EXE_rdiag").to_owned());
        let mut process = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(folder.join("data"))
            .arg(format!(
                "--source=bundle:{}",
                folder.join("bundle").display()
            ))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().rsplit(' ').next().unwrap().parse().unwrap();
        Self { process, address }
    }

    fn peak_mib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmHWM:"))
            .unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
            / 1024
    }

    fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// One connection that is kept open.
struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    fn ask(&mut self, what: &str, body: &str) -> (u16, String) {
        let head = format!(
            "{what} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        self.0
            .get_mut()
            .write_all((head + body).as_bytes())
            .unwrap();
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        let status = line.split(' ').nth(1).unwrap().parse().unwrap();
        let mut length = 0;
        loop {
            line.clear();
            self.0.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        (status, String::from_utf8(body).unwrap())
    }
}
