//! Bounds of what is asked of a cluster or a store of logs, against a stand-in that has more.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::{Value, json};

use rdiag::limits;

use crate::collect::{self as bundled, rdiag, text, usual};
use crate::double::{Double, Piece, Reply, list, pod};

/// Metrics are scraped, without a wait between two scrapes.
const SCRAPING: &[&str] = &["--scrape=proxy", "--scrape-interval=1ms"];

/// `what: why` of each gap of a bundle.
fn gaps(folder: &Path) -> String {
    let gaps = bundled::gaps(folder).into_iter();
    gaps.map(|(what, why)| format!("{what}: {why}\n")).collect()
}

#[test]
fn of_too_many_objects_the_first_are_kept() {
    let double = Double::start(|_, path, _| {
        if !path.starts_with("/api/v1/namespaces/monitoring/events") {
            return usual(path);
        }
        let event =
            |n| json!({ "metadata": { "name": format!("e{n}"), "namespace": "monitoring" } });
        list("Event", (0..=limits::COLLECT_OBJECTS).map(event).collect())
    });
    let (out, folder) = bundled::collect(&double, &[]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let gaps = gaps(&folder);
    let expected = format!(
        "there are more than {}: the rest was left",
        limits::COLLECT_OBJECTS
    );
    assert!(gaps.contains(&expected), "{gaps}");
    let kept = fs::read(folder.join("kubernetes/monitoring/events.json")).unwrap();
    let kept: Value = serde_json::from_slice(&kept).unwrap();
    assert_eq!(
        kept["items"].as_array().unwrap().len(),
        limits::COLLECT_OBJECTS
    );
}

#[test]
fn an_endless_answer_and_an_endless_scrape_are_cut() {
    let double = Double::start(|_, path, _| {
        if path.starts_with("/api/v1/namespaces/monitoring/events") {
            let body = vec![b' '; limits::COLLECT_ANSWER_BYTES + 1];
            return Reply::Raw(200, "content-type: application/json\r\n", body);
        }
        if path.contains("/proxy/metrics") {
            let line = b"prometheus_tsdb_head_series{tenant=\"t\"} 1\n";
            let lines = limits::COLLECT_SCRAPE_BYTES / line.len() + 1;
            return Reply::Raw(200, "", line.repeat(lines));
        }
        usual(path)
    });
    let (out, folder) = bundled::collect_scraping(&double, SCRAPING);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let gaps = gaps(&folder);
    for expected in [
        "the answer is too long",
        "metrics of monitoring/thanos-receive-0: cut at 16 MiB",
    ] {
        assert!(gaps.contains(expected), "{expected} not in {gaps}");
    }
    let scrapes = fs::read_dir(folder.join("metrics/monitoring/thanos-receive-0")).unwrap();
    for scrape in scrapes {
        let bytes = fs::read(scrape.unwrap().path()).unwrap();
        assert!(bytes.len() <= limits::COLLECT_SCRAPE_BYTES && bytes.ends_with(b"\n"));
    }
}

#[test]
fn of_too_many_containers_the_first_are_followed() {
    let pods: Vec<Value> = (0..=limits::FOLLOW_STREAMS)
        .map(|n| pod(&format!("r-{n}"), &format!("u{n}"), 0))
        .collect();
    let double = Double::start(move |_, path, _| {
        let bare = path.split('?').next().unwrap();
        if bare == "/api/v1/namespaces/monitoring/pods" {
            return list("Pod", pods.clone());
        }
        if bare.ends_with("/log") {
            return Reply::Stream(vec![Piece::Pause(Duration::from_secs(60))]);
        }
        list("Event", Vec::new())
    });
    let (mut child, kept) = bundled::watch(&double);
    let expected = format!(
        "more than {} containers: not followed",
        limits::FOLLOW_STREAMS
    );
    let manifest = kept.join("000000/manifest.json");
    let found = (0..600).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        fs::read_to_string(&manifest).is_ok_and(|text| text.contains(&expected))
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(found, "{expected}");
}

/// A store of the logs of so many pods, one line each, that answers with `padding` bytes beside a page
/// of more than one line.
fn loki(pods: usize, padding: usize) -> Double {
    Double::start(move |_, path, _| {
        let data =
            |result: Vec<Value>| json!({ "status": "success", "data": { "result": result } });
        let labels =
            |n: usize| json!({ "namespace": "m", "pod": format!("r-{n}"), "container": "c" });
        if path.starts_with("/loki/api/v1/query_range") {
            let start = nanoseconds(path, "start=");
            // All lines are at the beginning of the hour that is asked for.
            if start % 1_000_000_000 != 0 {
                return Reply::Json(200, data(Vec::new()));
            }
            let now = start + 1;
            let line = "level=error msg=x";
            let one = |n| json!({ "stream": labels(n), "values": [[now.to_string(), line]] });
            let mut answer = data((0..pods).map(one).collect());
            if !path.contains("limit=1&") {
                answer["padding"] = " ".repeat(padding).into();
            }
            return Reply::Json(200, answer);
        }
        let one = |n| json!({ "metric": labels(n), "value": [0, "1"] });
        Reply::Json(200, data((0..pods).map(one).collect()))
    })
}

fn nanoseconds(path: &str, key: &str) -> i64 {
    let rest = path.split(key).nth(1).unwrap();
    rest.split('&').next().unwrap().parse().unwrap()
}

/// The report about what a store has.
fn stored(double: &Double) -> Value {
    let url = format!("http://127.0.0.1:{}", double.port);
    let out = rdiag(&["diagnose", "--log-full", "-o", "json", "--loki", &url])
        .output()
        .unwrap();
    serde_json::from_slice(&out.stdout).unwrap_or_else(|_| panic!("{}", text(&out.stderr)))
}

#[test]
fn of_too_many_streams_of_a_store_the_first_are_read() {
    let report = stored(&loki(limits::STORE_STREAMS + 2, 0));
    let gaps = report["coverage"]["gaps"].to_string();
    let expected = format!("2 lines of more than {} streams", limits::STORE_STREAMS);
    assert!(gaps.contains(&expected), "{gaps}");
}

#[test]
fn a_page_of_a_store_that_is_too_large_is_asked_for_in_smaller_ones() {
    let double = loki(1, limits::STORE_ANSWER_BYTES);
    let report = stored(&double);
    let sources = &report["coverage"]["sources"];
    assert_eq!(sources[0]["records"], 1, "{sources}");
    let asked = double.requests();
    assert!(asked.len() > 4, "{asked:?}");
}

/// How many were at it at once, at most.
#[derive(Default)]
struct Busy(AtomicUsize, AtomicUsize);

impl Busy {
    /// Takes long enough for others to come, too.
    fn work(&self) {
        let now = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.1.fetch_max(now, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(100));
        self.0.fetch_sub(1, Ordering::SeqCst);
    }

    #[track_caller]
    fn check(&self, bound: usize) {
        let most = self.1.load(Ordering::SeqCst);
        assert!(
            (2..=bound).contains(&most),
            "{most} at once, not 2 to {bound}"
        );
    }
}

#[test]
fn objects_are_asked_for_in_pages_and_logs_and_scrapes_a_few_at_a_time() {
    let (logs, scrapes) = (Arc::<Busy>::default(), Arc::<Busy>::default());
    let pods = limits::COLLECT_STREAMS + 10;
    let answer = {
        let (logs, scrapes) = (Arc::clone(&logs), Arc::clone(&scrapes));
        move |_: &str, path: &str, _: usize| {
            let bare = path.split('?').next().unwrap();
            if bare == "/api/v1/namespaces/monitoring/pods" {
                let all = (0..pods).map(|n| pod(&format!("r-{n}"), &format!("u{n}"), 0));
                return list("Pod", all.collect());
            }
            if bare.ends_with("/log") {
                logs.work();
                return Reply::Raw(200, "", bundled::line(1, "level=info msg=x").into_bytes());
            }
            if path.contains("/proxy/metrics") {
                scrapes.work();
                return Reply::Raw(200, "", b"up 1\n".to_vec());
            }
            usual(path)
        }
    };
    let double = Double::start(answer);
    let (out, _) = bundled::collect_scraping(&double, SCRAPING);
    assert!(out.status.success(), "{}", text(&out.stderr));
    logs.check(limits::COLLECT_STREAMS);
    scrapes.check(limits::COLLECT_SCRAPES);
    let page = format!("limit={}", limits::COLLECT_PAGE);
    let asked = double.requests();
    let lists = asked.iter().filter(|r| r.contains("limit="));
    assert!(lists.clone().count() > 1);
    lists.for_each(|request| assert!(request.contains(&page), "{request}"));
}

#[test]
fn lines_of_a_store_come_in_pages_and_edges_a_few_at_a_time() {
    const EPOCH: i64 = 1_700_000_000_000_000_000;
    let lines = i64::try_from(limits::STORE_PAGE).unwrap() + 3;
    let (busy, streams) = (Arc::<Busy>::default(), 2 * limits::STORE_REQUESTS);
    let seen = Arc::clone(&busy);
    // Of several queries the first has all lines.
    let first_query = OnceLock::new();
    let double = Double::start(move |_, path, _| {
        let data =
            |result: Vec<Value>| json!({ "status": "success", "data": { "result": result } });
        let labels =
            |n: usize| json!({ "namespace": "m", "pod": format!("r-{n}"), "container": "c" });
        if !path.starts_with("/loki/api/v1/query_range") {
            let count = lines.to_string();
            let one = |n| json!({ "metric": labels(n), "value": [0, count] });
            return Reply::Json(200, data((0..streams).map(one).collect()));
        }
        let limit = nanoseconds(path, "limit=");
        assert!(limit <= i64::try_from(limits::STORE_PAGE).unwrap());
        if limit == 1 {
            seen.work();
            return Reply::Json(200, data(Vec::new()));
        }
        let query = path.split("query=").nth(1).unwrap();
        let query = query.split('&').next().unwrap().to_owned();
        if *first_query.get_or_init(|| query.clone()) != query {
            return Reply::Json(200, data(Vec::new()));
        }
        // Only the first stream has lines that are asked for, one a nanosecond.
        let first = nanoseconds(path, "start=").max(EPOCH);
        let until = nanoseconds(path, "end=")
            .min(EPOCH + lines)
            .min(first + limit);
        let line = |at: i64| json!([at.to_string(), "level=error msg=x"]);
        let values: Vec<Value> = (first..until).map(line).collect();
        Reply::Json(
            200,
            data(vec![json!({ "stream": labels(0), "values": values })]),
        )
    });
    let url = format!("http://127.0.0.1:{}", double.port);
    let out = rdiag(&["diagnose", "-o", "json", "--loki", &url])
        .args([
            "--since-time=2023-11-14T22:00:00Z",
            "--until=2023-11-14T23:00:00Z",
        ])
        .output()
        .unwrap();
    let report: Value =
        serde_json::from_slice(&out.stdout).unwrap_or_else(|_| panic!("{}", text(&out.stderr)));
    let sources = report["coverage"]["sources"].as_array().unwrap();
    let read = sources.iter().filter_map(|s| s["records"].as_i64()).max();
    assert_eq!(read, Some(lines), "{sources:?}");
    busy.check(limits::STORE_REQUESTS);
}

#[test]
fn a_bundle_of_nothing_but_gaps_stands_beside_a_store() {
    let double = loki(1, 0);
    let folder = tempfile::tempdir().unwrap();
    let manifest = json!({ "schema": "rdiag/bundle/v1", "gaps": [{ "what": "kubernetes", "why": "not collected" }] });
    fs::write(folder.path().join("manifest.json"), manifest.to_string()).unwrap();
    let url = format!("http://127.0.0.1:{}", double.port);
    let out = rdiag(&["diagnose", "--log-full", "-o", "json", "--loki", &url])
        .arg(folder.path())
        .output()
        .unwrap();
    let report: Value =
        serde_json::from_slice(&out.stdout).unwrap_or_else(|_| panic!("{}", text(&out.stderr)));
    let coverage = &report["coverage"];
    assert_eq!(coverage["sources"][0]["records"], 1, "{coverage}");
    assert!(coverage["gaps"].to_string().contains("not collected"));
}
