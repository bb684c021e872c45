//! Load on the webhook: 10,000 alerts in 10 seconds over loopback, against the bars of the design:
//! none lost, 99 % of the answers within 20 ms, at most 128 MiB of memory.
//!
//! `cargo bench --bench webhook` starts the real program, sends each alert when it is due (whether or
//! not earlier ones were answered: a slow answer delays nothing else), then asks for what was stored.
//! `RDIAG=PATH` measures another binary, `GROUPS=N` spreads the alerts over fewer groups, `RUNS=N` does it
//! N times, each with a store of its own, and judges the medians. An answer waits for the disk, so
//! beside the answers stands how long it would wait, right before and after, on the same disk, for a
//! server that does nothing but write one page for all who wait, and `fdatasync` it.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)]

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
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

fn main() {
    // `cargo test --benches` only wants to know that it compiles.
    if env::args().any(|argument| argument == "--test") {
        return;
    }
    let groups = number("GROUPS", ALERTS);
    let runs: Vec<Run> = (0..number("RUNS", 1)).map(|_| run(groups)).collect();
    let median = |of: fn(&Run) -> f64| at(runs.iter().map(of).collect(), 0.5);
    let (p99, disk) = (median(|run| run.p99), median(|run| run.disk_p99));
    if runs.len() > 1 {
        println!(
            "median of {} runs: p99 {p99:.1} ms, of the disk alone {disk:.1} ms",
            runs.len()
        );
    }
    let kept = runs.iter().all(|run| run.kept);
    let verdict = match (kept, p99 <= P99_MS, p99 <= P99_MS + disk) {
        (true, true, _) => "met",
        (true, false, true) => "NOT MET for latency, by less than the disk alone takes",
        _ => "NOT MET",
    };
    println!("bars (none lost, p99 <= {P99_MS} ms, <= {MEMORY_MIB} MiB): {verdict}");
    std::process::exit(i32::from(verdict == "NOT MET"));
}

fn number(name: &str, otherwise: u32) -> u32 {
    let given = env::var(name).ok().and_then(|n| n.parse().ok());
    given.unwrap_or(otherwise)
}

/// What one run showed.
struct Run {
    /// Milliseconds.
    p99: f64,
    /// Milliseconds.
    disk_p99: f64,
    /// Every bar but that of latency.
    kept: bool,
}

/// All the alerts, once, to a server with an empty store.
fn run(groups: u32) -> Run {
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
    let probe = folder.path().join("probe");
    let mut ideal = disk(&probe);
    let (answers, refused, took) = send(server.address, groups);
    let (incidents, alerts) = stored(server.address);
    let memory = server.peak_mib();
    server.stop();
    ideal.extend(disk(&probe));
    println!("{ALERTS} alerts of {groups} groups in {took:.1} s over {CONNECTIONS} connections");
    println!("answers: {}", quantiles(&answers));
    println!("the disk alone: {}", quantiles(&ideal));
    println!(
        "refused: {refused}; stored: {alerts} alerts in {incidents} incidents; peak memory: {memory} MiB"
    );
    Run {
        p99: at(answers, 0.99),
        disk_p99: at(ideal, 0.99),
        kept: refused == 0
            && alerts == u64::from(ALERTS)
            && incidents == groups as usize
            && memory <= MEMORY_MIB
            && took <= f64::from(SECONDS) + 1.0,
    }
}

/// Sends each alert when it is due; milliseconds of the answers, how many were not 202, and seconds in all.
fn send(address: SocketAddr, groups: u32) -> (Vec<f64>, u32, f64) {
    let refused: Arc<Mutex<u32>> = Arc::default();
    let start = Instant::now() + Duration::from_millis(200);
    let senders: Vec<_> = (0..CONNECTIONS)
        .map(|sender| {
            let refused = refused.clone();
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
                own
            })
        })
        .collect();
    let mut answers = Vec::new();
    for sender in senders {
        answers.extend(sender.join().unwrap());
    }
    let refused = *refused.lock().unwrap();
    (answers, refused, start.elapsed().as_secs_f64())
}

/// Milliseconds that each of a thousand alerts a second would wait for a page that is written when the one
/// before is on the disk: for what is left of that one, and for the one that holds the alert.
fn disk(path: &std::path::Path) -> Vec<f64> {
    let mut file = fs::File::create(path).unwrap();
    file.write_all(&[0; PAGE]).unwrap();
    file.sync_all().unwrap();
    let start = Instant::now();
    let since = |start: Instant| start.elapsed().as_secs_f64() * 1e3;
    let (mut waits, mut arrived, mut taken) = (Vec::new(), 0, 0);
    while since(start) < DISK_MS {
        let now = since(start);
        while f64::from(arrived) < now {
            arrived += 1;
        }
        if arrived == taken {
            thread::sleep(Duration::from_micros(200));
            continue;
        }
        file.seek(SeekFrom::Start(0)).unwrap();
        file.write_all(&[1; PAGE]).unwrap();
        file.sync_data().unwrap();
        let done = since(start);
        waits.extend((taken..arrived).map(|due| done - f64::from(due)));
        taken = arrived;
    }
    waits
}

/// Milliseconds that the disk is looked at, before and after.
const DISK_MS: f64 = 3000.0;
const PAGE: usize = 4096;

fn at(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share) as usize]
}

fn quantiles(values: &[f64]) -> String {
    let of = |share| at(values.to_vec(), share);
    format!(
        "p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
        of(0.5),
        of(0.9),
        of(0.99),
        of(1.0)
    )
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
