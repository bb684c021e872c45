//! The pods' own HTTP endpoints: metrics twice, readiness, TSDB status. And what kubelets say of volumes.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};

use super::api::{Answer, Refusal, gather};
use super::connect::{Cluster, root};
use super::notes::Notes;
use super::pods::Pod;
use super::target::{Scrape, Target};
use super::{CollectError, now, rights};
use crate::bundle::Writer;
use crate::limits;

/// How the pods are asked.
pub(super) struct Way<'a> {
    cluster: &'a Cluster,
    /// Asks pods at their addresses; without it the API server passes questions on.
    direct: Option<reqwest::Client>,
}

impl<'a> Way<'a> {
    /// `None` when pods are not to be asked.
    pub(super) fn of(cluster: &'a Cluster, target: &Target) -> Option<Self> {
        let direct = match target.scrape {
            Scrape::Off => return None,
            Scrape::Proxy => false,
            Scrape::Direct => true,
            Scrape::Auto => cluster.in_cluster,
        };
        let client = || {
            // Pods show certificates for names, and are asked at addresses. What they say is not secret,
            // and nothing secret is sent to them.
            let builder = reqwest::Client::builder()
                .no_proxy()
                .connect_timeout(CONNECT);
            builder.tls_danger_accept_invalid_certs(true).build().ok()
        };
        Some(Self {
            cluster,
            direct: direct.then(client).flatten(),
        })
    }

    async fn ask(&self, pod: &Pod, port: u16, path: &str, most: usize) -> Result<Answer, Refusal> {
        let scheme = if pod.speaks_tls() { "https" } else { "http" };
        let Some(client) = &self.direct else {
            let (namespace, name) = (&pod.namespace, &pod.name);
            let prefix = if scheme == "https" { "https:" } else { "" };
            let path =
                format!("/api/v1/namespaces/{namespace}/pods/{prefix}{name}:{port}/proxy{path}");
            return self.cluster.bytes(&path, most).await;
        };
        let address = pod.text("/status/podIP").unwrap_or_default();
        let address = if address.contains(':') {
            format!("[{address}]")
        } else {
            address.to_owned()
        };
        let url = format!("{scheme}://{address}:{port}{path}");
        let sent = tokio::time::timeout(self.cluster.timeout, client.get(url).send()).await;
        let response = sent
            .map_err(|_| Refusal::Slow(self.cluster.timeout))?
            .map_err(|error| Refusal::Network(root(&error)))?;
        let code = response.status();
        let stream = axum::body::Body::from_stream(response.bytes_stream()).into_data_stream();
        let answer = gather(stream, most, self.cluster.timeout).await?;
        if code.is_success() {
            return Ok(answer);
        }
        let message = String::from_utf8_lossy(&answer.body)
            .chars()
            .take(300)
            .collect();
        Err(Refusal::Status {
            code: code.as_u16(),
            message,
            own: false,
            retry_after: None,
        })
    }
}

/// How long it may take to connect to a pod: it is in the same network, or not there.
const CONNECT: Duration = Duration::from_secs(5);

/// Asks every running pod for readiness and TSDB status, and twice for metrics.
///
/// # Errors
/// When the bundle cannot be written.
pub(super) async fn fetch(
    way: &Way<'_>,
    pods: &[Pod],
    interval: Duration,
    bundle: &Writer,
    notes: &Notes<'_>,
) -> Result<(), CollectError> {
    let running: Vec<&Pod> = pods.iter().filter(|pod| pod.runs()).collect();
    if running.is_empty() {
        return Ok(());
    }
    let start = tokio::time::Instant::now();
    each(&running, |pod| async move {
        metrics(way, pod, bundle, notes).await?;
        ready(way, pod, bundle, notes).await?;
        tsdb(way, pod, bundle, notes).await
    })
    .await?;
    tokio::time::sleep_until(start + interval).await;
    each(&running, |pod| metrics(way, pod, bundle, notes)).await
}

/// Runs `work` for all pods, a few at a time.
async fn each<'p, F, W>(pods: &[&'p Pod], work: F) -> Result<(), CollectError>
where
    F: Fn(&'p Pod) -> W,
    W: Future<Output = Result<(), CollectError>>,
{
    let mut running = futures::stream::iter(pods.iter().map(|pod| work(pod)))
        .buffer_unordered(limits::COLLECT_SCRAPES);
    while let Some(done) = running.next().await {
        done?;
    }
    Ok(())
}

async fn metrics(
    way: &Way<'_>,
    pod: &Pod,
    bundle: &Writer,
    notes: &Notes<'_>,
) -> Result<(), CollectError> {
    if notes.is_missing(&rights::POD_PROXY, Some(&pod.namespace)) {
        return Ok(());
    }
    let what = format!("metrics of {}", pod.full_name());
    let port = pod.port("http-address", &["http", "metrics"], HTTP);
    match way
        .ask(pod, port, "/metrics", limits::COLLECT_SCRAPE_BYTES)
        .await
    {
        Ok(mut answer) => {
            if answer.cut {
                let end = memchr::memrchr(b'\n', &answer.body).map_or(0, |at| at + 1);
                answer.body.truncate(end);
                notes.gap(
                    what,
                    format!("cut at {} MiB", limits::COLLECT_SCRAPE_BYTES >> 20),
                );
            }
            bundle.metrics(&pod.namespace, &pod.name, now().as_second(), &answer.body)?;
        }
        Err(refusal) => notes.refused(&rights::POD_PROXY, Some(&pod.namespace), &what, &refusal),
    }
    Ok(())
}

async fn ready(
    way: &Way<'_>,
    pod: &Pod,
    bundle: &Writer,
    notes: &Notes<'_>,
) -> Result<(), CollectError> {
    if notes.is_missing(&rights::POD_PROXY, Some(&pod.namespace)) {
        return Ok(());
    }
    let port = pod.port("http-address", &["http", "metrics"], HTTP);
    let path = "/-/ready";
    match way.ask(pod, port, path, BODY).await {
        Ok(answer) => bundle.http(&pod.namespace, &pod.name, port, path, &answer.body)?,
        // "Not ready" is an answer.
        Err(Refusal::Status {
            code: 503,
            own: false,
            message,
            ..
        }) => {
            bundle.http(&pod.namespace, &pod.name, port, path, message.as_bytes())?;
        }
        Err(refusal) => {
            let what = format!("readiness of {}", pod.full_name());
            notes.refused(&rights::POD_PROXY, Some(&pod.namespace), &what, &refusal);
        }
    }
    Ok(())
}

async fn tsdb(
    way: &Way<'_>,
    pod: &Pod,
    bundle: &Writer,
    notes: &Notes<'_>,
) -> Result<(), CollectError> {
    if notes.is_missing(&rights::POD_PROXY, Some(&pod.namespace)) {
        return Ok(());
    }
    let port = pod.port("remote-write.address", &["remote-write"], REMOTE_WRITE);
    let path = "/api/v1/status/tsdb";
    // Versions before 0.28 do not know the parameter, and answer for the default tenant.
    let mut answer = way
        .ask(pod, port, &format!("{path}?all_tenants=true"), BODY)
        .await;
    if matches!(&answer, Err(refusal) if refusal.code() == Some(400)) {
        answer = way.ask(pod, port, path, BODY).await;
    }
    match answer {
        Ok(answer) => bundle.http(&pod.namespace, &pod.name, port, path, &answer.body)?,
        // Routers hold no data and versions before 0.27 do not tell.
        Err(Refusal::Status { code: 404, .. }) => {}
        Err(refusal) => {
            let what = format!("TSDB status of {}", pod.full_name());
            notes.refused(&rights::POD_PROXY, Some(&pod.namespace), &what, &refusal);
        }
    }
    Ok(())
}

/// Port of Thanos for metrics and readiness.
const HTTP: u16 = 10902;

/// Port of Thanos Receive for remote write.
const REMOTE_WRITE: u16 = 19291;

/// Most bytes of an answer that is not a scrape.
const BODY: usize = 4 * 1024 * 1024;

/// What the kubelets say of the volumes of the pods' claims, as answers of the query API.
pub(super) async fn volumes(cluster: &Cluster, pods: &[Pod], notes: &Notes<'_>) -> Vec<Value> {
    let mut nodes = BTreeSet::new();
    let mut claims = BTreeSet::new();
    for pod in pods {
        let volumes = pod.list("/spec/volumes").iter();
        let named: Vec<&str> = volumes
            .filter_map(|v| v.pointer("/persistentVolumeClaim/claimName")?.as_str())
            .collect();
        if let (Some(node), false) = (pod.text("/spec/nodeName"), named.is_empty()) {
            nodes.insert(node.to_owned());
            claims.extend(
                named
                    .into_iter()
                    .map(|claim| (pod.namespace.clone(), claim.to_owned())),
            );
        }
    }
    let mut series = Vec::new();
    for node in nodes {
        if notes.is_missing(&rights::NODE_PROXY, None) {
            break;
        }
        let path = format!("/api/v1/nodes/{node}/proxy/metrics");
        match cluster.bytes(&path, limits::COLLECT_SCRAPE_BYTES).await {
            Ok(answer) => {
                if answer.cut {
                    let why = format!("cut at {} MiB", limits::COLLECT_SCRAPE_BYTES >> 20);
                    notes.gap(format!("use of volumes on node {node}"), why);
                }
                series.extend(volume_series(&answer.body, &claims, now().as_second()));
            }
            Err(refusal) => {
                let what = format!("use of volumes on node {node}");
                notes.refused(&rights::NODE_PROXY, None, &what, &refusal);
            }
        }
    }
    if series.is_empty() {
        return Vec::new();
    }
    let data = json!({ "resultType": "vector", "result": series });
    vec![json!({ "query": "kubelet_volume_stats", "status": "success", "data": data })]
}

/// The `kubelet_volume_stats_…` lines of a scrape that are about `claims`.
pub(super) fn volume_series(
    scrape: &[u8],
    claims: &BTreeSet<(String, String)>,
    unix: i64,
) -> Vec<Value> {
    let mut series = Vec::new();
    for line in scrape
        .split(|b| *b == b'\n')
        .filter(|line| line.starts_with(b"kubelet_volume_stats_"))
    {
        let Ok(line) = std::str::from_utf8(line) else {
            continue;
        };
        let Some((name, rest)) = line.split_once('{') else {
            continue;
        };
        let Some((labels, value)) = rest.rsplit_once("} ") else {
            continue;
        };
        // Names of namespaces and claims hold neither quotes nor commas.
        let label = |wanted: &str| {
            let pair = labels
                .split(',')
                .find_map(|pair| pair.trim().strip_prefix(wanted)?.strip_prefix("=\""))?;
            pair.strip_suffix('"').map(str::to_owned)
        };
        let (Some(namespace), Some(claim)) = (label("namespace"), label("persistentvolumeclaim"))
        else {
            continue;
        };
        if !claims.contains(&(namespace.clone(), claim.clone())) {
            continue;
        }
        let value = value.split(' ').next().unwrap_or_default();
        series.push(json!({
            "metric": { "__name__": name, "namespace": namespace, "persistentvolumeclaim": claim },
            "value": [unix, value],
        }));
    }
    series
}
