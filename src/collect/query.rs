//! Answers of a Prometheus about the ring.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::api::{escape, gather};
use super::connect::root;
use super::notes::Notes;
use super::now;
use super::pods::Pod;
use super::target::{Prometheus, Target};
use crate::limits;

/// Series of the receivers themselves, asked for by name within the pods' namespaces.
const RECEIVER_SERIES: [&str; 27] = [
    "up",
    "process_start_time_seconds",
    "process_resident_memory_bytes",
    "http_requests_total",
    "thanos_receive_write_timeseries_sum",
    "thanos_receive_write_samples_sum",
    "thanos_receive_forward_requests_total",
    "thanos_receive_replications_total",
    "thanos_receive_replication_factor",
    "thanos_receive_config_hash",
    "thanos_receive_hashring_nodes",
    "thanos_receive_hashrings_file_errors_total",
    "thanos_receive_hashrings_file_refreshes_total",
    "thanos_receive_head_series_limited_requests_total",
    "thanos_receive_head_series_limit",
    "thanos_receive_write_limits_hit_count",
    "prometheus_tsdb_head_series",
    "prometheus_tsdb_head_samples_appended_total",
    "prometheus_tsdb_storage_blocks_bytes",
    "prometheus_tsdb_wal_storage_size_bytes",
    "prometheus_tsdb_wal_corruptions_total",
    "prometheus_tsdb_wal_writes_failed_total",
    "prometheus_tsdb_compactions_failed_total",
    "thanos_shipper_uploads_total",
    "thanos_shipper_upload_failures_total",
    "thanos_objstore_bucket_operation_failures_total",
    "thanos_objstore_bucket_last_successful_upload_time",
];

/// Series that the kubelets and kube-state-metrics have of the pods and their volumes.
const POD_SERIES: [&str; 5] = [
    "container_memory_working_set_bytes",
    "container_cpu_usage_seconds_total",
    "container_cpu_cfs_throttled_periods_total",
    "kube_pod_container_status_restarts_total",
    "kube_pod_container_resource_limits",
];

/// Series of the volumes of the pods' claims.
const VOLUME_SERIES: [&str; 4] = [
    "kubelet_volume_stats_used_bytes",
    "kubelet_volume_stats_capacity_bytes",
    "kubelet_volume_stats_available_bytes",
    "kubelet_volume_stats_inodes_free",
];

/// Shares and percentiles over the last minutes, as operators look at them.
const RATIOS: [&str; 3] = [
    r#"sum(rate(http_requests_total{handler="receive",code!~"5..",SEL}[5m])) / sum(rate(http_requests_total{handler="receive",SEL}[5m]))"#,
    r#"sum(rate(thanos_receive_replications_total{result="success",SEL}[5m])) / sum(rate(thanos_receive_replications_total{SEL}[5m]))"#,
    r#"histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{handler="receive",SEL}[5m])))"#,
];

/// Asks `prometheus` about the pods; what it does not answer is a gap.
pub(super) async fn ask(
    prometheus: &Prometheus,
    target: &Target,
    pods: &[Pod],
    notes: &Notes<'_>,
) -> Vec<Value> {
    let what = format!("answers of {}", shown(&prometheus.url));
    let client = match client(prometheus) {
        Ok(client) => client,
        Err(why) => {
            notes.gap(what, why);
            return Vec::new();
        }
    };
    let until = target.until.unwrap_or_else(now);
    let since = target.since_time.unwrap_or_else(|| {
        let since = target.since.unwrap_or(HOUR);
        until
            .checked_sub(jiff::SignedDuration::try_from(since).unwrap_or_default())
            .unwrap_or(until)
    });
    let mut answers = Vec::new();
    let mut failed: Option<(usize, String)> = None;
    for query in queries(pods) {
        let url = address(&prometheus.url, &query, since, until);
        match one(&client, &url).await {
            Ok(mut answer) => {
                answer["query"] = query.text.into();
                answers.push(answer);
            }
            Err(why) => {
                let count = failed.as_ref().map_or(0, |(count, _)| *count) + 1;
                failed = Some((count, why));
                if answers.is_empty() && count >= GIVE_UP {
                    break;
                }
            }
        }
    }
    if let Some((count, why)) = failed {
        notes.gap(
            what,
            format!("{count} queries failed, the last with: {why}"),
        );
    }
    answers
}

const HOUR: Duration = Duration::from_secs(3600);

/// After so many failures and no answer there is no Prometheus.
const GIVE_UP: usize = 2;

/// How long one query may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Most points asked for per series.
const POINTS: i64 = 120;

struct Query {
    text: String,
    /// Over the whole window, so that growth shows; otherwise only now.
    range: bool,
}

fn queries(pods: &[Pod]) -> Vec<Query> {
    let namespaces: BTreeSet<&str> = pods.iter().map(|p| p.namespace.as_str()).collect();
    let names: BTreeSet<&str> = pods.iter().map(|p| p.name.as_str()).collect();
    let claims: BTreeSet<&str> = pods
        .iter()
        .flat_map(|p| p.list("/spec/volumes"))
        .filter_map(|v| v.pointer("/persistentVolumeClaim/claimName")?.as_str())
        .collect();
    // Names of Kubernetes objects hold no character that means something in a regular expression but
    // the dot, which stands for itself as well.
    let any = |set: &BTreeSet<&str>| set.iter().copied().collect::<Vec<_>>().join("|");
    let place = format!("namespace=~\"{}\"", any(&namespaces));
    let mine = format!("{place},pod=~\"{}\"", any(&names));
    let range = |name: &str, labels: &str| Query {
        text: format!("{name}{{{labels}}}"),
        range: true,
    };
    let mut all: Vec<Query> = RECEIVER_SERIES
        .iter()
        .chain(&POD_SERIES)
        .map(|name| range(name, &mine))
        .collect();
    if !claims.is_empty() {
        let volumes = format!("{place},persistentvolumeclaim=~\"{}\"", any(&claims));
        all.extend(VOLUME_SERIES.iter().map(|name| range(name, &volumes)));
    }
    all.extend(RATIOS.iter().map(|text| Query {
        text: text.replace("SEL", &mine),
        range: false,
    }));
    all
}

fn address(base: &str, query: &Query, since: Timestamp, until: Timestamp) -> String {
    let base = base.trim_end_matches('/');
    let text = escape(&query.text);
    let (from, to) = (since.as_second(), until.as_second());
    if query.range {
        let step = ((to - from) / POINTS).max(30);
        format!("{base}/api/v1/query_range?query={text}&start={from}&end={to}&step={step}")
    } else {
        format!("{base}/api/v1/query?query={text}&time={to}")
    }
}

async fn one(client: &reqwest::Client, url: &str) -> Result<Value, String> {
    let sent = tokio::time::timeout(TIMEOUT, client.get(url).send()).await;
    let late = || format!("no answer within {} s", TIMEOUT.as_secs());
    let response = sent.map_err(|_| late())?.map_err(|error| root(&error))?;
    let code = response.status();
    let stream = axum::body::Body::from_stream(response.bytes_stream()).into_data_stream();
    let answer = gather(stream, limits::COLLECT_ANSWER_BYTES, TIMEOUT)
        .await
        .map_err(|refusal| refusal.to_string())?;
    if answer.cut {
        let most = limits::COLLECT_ANSWER_BYTES >> 20;
        return Err(format!("its answer is longer than {most} MiB"));
    }
    let value: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let value = value
        .filter(|v| v.get("status").is_some())
        .ok_or_else(|| format!("answered {code}, not as a Prometheus"))?;
    if value["status"] != "success" {
        return Err(value["error"]
            .as_str()
            .unwrap_or("it gives no reason")
            .to_owned());
    }
    Ok(value)
}

fn client(prometheus: &Prometheus) -> Result<reqwest::Client, String> {
    let mut headers = reqwest::header::HeaderMap::new();
    if let Some(file) = &prometheus.token_file {
        let token = std::fs::read_to_string(file)
            .map_err(|e| format!("the token file cannot be read: {e}"))?;
        let mut value = reqwest::header::HeaderValue::from_str(&format!("Bearer {}", token.trim()))
            .map_err(|_| "the token file holds no token".to_owned())?;
        value.set_sensitive(true);
        headers.insert(reqwest::header::AUTHORIZATION, value);
    }
    let builder = || {
        reqwest::Client::builder()
            .default_headers(headers.clone())
            .connect_timeout(Duration::from_secs(10))
    };
    super::web::client(builder).map_err(|error| root(&error))
}

/// An address without the credentials it may hold.
pub(super) fn shown(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let host = rest[..end]
                .rsplit_once('@')
                .map_or(&rest[..end], |(_, host)| host);
            format!("{scheme}://{host}{}", &rest[end..])
        }
        None => url.to_owned(),
    }
}
