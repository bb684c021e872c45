//! One test a line of the runbook (`knowledge/operations.md`): the check passes on the captured
//! bundle, and fires once what the line speaks of is so.

use rdiag::checks::{Cadence, Status};
use serde_json::json;

use super::bundle::{Bundle, PODS, When};

const GI: f64 = 1024.0 * 1024.0 * 1024.0;

/// A line of the runbook.
struct Row {
    /// The line, as the runbook words it.
    line: &'static str,
    cadence: Cadence,
    item: &'static str,
    /// What it takes besides the captured bundle for the item to pass.
    given: fn(&mut Bundle),
    /// What makes it fire.
    fire: fn(&mut Bundle),
    status: Status,
    /// Part of the reason then.
    why: &'static str,
}

fn check(row: &Row) {
    let mut bundle = Bundle::healthy();
    (row.given)(&mut bundle);
    let list = bundle.check(row.cadence);
    let item = list
        .item(row.item)
        .unwrap_or_else(|| panic!("{}: no item {}", row.line, row.item));
    assert_eq!(item.status, Status::Pass, "{}: {item:#?}", row.line);
    (row.fire)(&mut bundle);
    let list = bundle.check(row.cadence);
    let item = list.item(row.item).unwrap();
    assert_eq!(item.status, row.status, "{}: {item:#?}", row.line);
    let text = serde_json::to_string(item).unwrap();
    assert!(
        text.contains(row.why),
        "{}: {} is not in {item:#?}",
        row.line,
        row.why
    );
}

fn nothing(_: &mut Bundle) {}

/// Declares a test a row.
macro_rules! rows {
    ($($name:ident: $line:literal, $cadence:ident $item:literal $given:expr, $fire:expr => $status:ident $why:literal;)*) => {
        $(#[test]
        fn $name() {
            check(&Row {
                line: $line,
                cadence: Cadence::$cadence,
                item: $item,
                given: $given,
                fire: $fire,
                status: Status::$status,
                why: $why,
            });
        })*
    };
}

rows! {
    s1_availability: "§ 1 availability | 99.95 % (RF 3)",
        Daily "availability" nothing,
        |b| b.add(PODS[0], When::Last, "http_requests_total{code=\"503\",handler=\"receive\",method=\"post\",tenant=\"t\"} 9")
        => Fail "503: 9";
    s1_write_success: "§ 1 write success | ≥ 99.9 % of requests",
        Daily "write-success" nothing,
        |b| b.add(PODS[0], When::Last, "http_requests_total{code=\"409\",handler=\"receive\",method=\"post\",tenant=\"t\"} 9")
        => Fail "409: 9";
    s1_replication_success: "§ 1 replication success | > 99.9 %; alert when errors > 5 % for 10 min",
        Daily "replication-success" nothing,
        |b| b.set("*", When::Last, "thanos_receive_replications_total{result=\"error\"}", |_| 400.0)
        => Fail "above the alert's line";
    s1_replication_success_by_grpc: "§ 1 replication success, where the version does not count errors (v0.35–v0.38)",
        Daily "replication-success" nothing,
        |b| {
            b.json("pods.json", |list| for pod in list["items"].as_array_mut().unwrap() {
                pod["spec"]["containers"][0]["image"] = "quay.io/thanos/thanos:v0.36.1".into();
            });
            b.drop("thanos_receive_replications_total{result=\"error\"}");
            b.add("*", When::Last, "grpc_client_handled_total{grpc_code=\"Unavailable\",grpc_method=\"RemoteWrite\",grpc_service=\"thanos.WriteableStore\",grpc_type=\"unary\"} 30");
        }
        => Fail "grpc_client_handled_total";
    s1_tsdb_disk_daily: "§ 1 TSDB disk | < 70 % of the PVC daily",
        Daily "disk-use" nothing, |b| b.set(PODS[1], When::Last, "kubelet_volume_stats_used_bytes", |_| 7.5e10)
        => Fail "75 %";
    s1_tsdb_disk_near: "§ 1 TSDB disk, near its target",
        Daily "disk-use" nothing, |b| b.set(PODS[1], When::Last, "kubelet_volume_stats_used_bytes", |_| 6.6e10)
        => Warn "near the target";
    s1_tsdb_disk_alert: "§ 1 TSDB disk | alert > 85 % for 10 min",
        Daily "disk-use" nothing, |b| b.set(PODS[1], When::Last, "kubelet_volume_stats_used_bytes", |_| 8.6e10)
        => Fail "above the alert's line";
    s1_memory_daily: "§ 1 memory | daily review < 3.5Gi",
        Daily "memory-use" nothing,
        |b| {
            b.json("pods.json", |list| for pod in list["items"].as_array_mut().unwrap() {
                pod["spec"]["containers"][0]["resources"]["limits"]["memory"] = "8Gi".into();
            });
            b.set(PODS[2], When::Last, "process_resident_memory_bytes", |_| 3.6 * GI);
        }
        => Fail "3.6Gi";
    s1_memory_weekly: "§ 1 memory | < 4Gi",
        Weekly "memory-use" nothing,
        |b| {
            b.json("pods.json", |list| for pod in list["items"].as_array_mut().unwrap() {
                pod["spec"]["containers"][0]["resources"]["limits"]["memory"] = "8Gi".into();
            });
            b.set(PODS[2], When::Last, "process_resident_memory_bytes", |_| 4.1 * GI);
        }
        => Fail "4.1Gi";
    s1_memory_of_limit: "§ 1 memory | alert > 90 % of the limit for 10 min",
        Daily "memory-use" nothing,
        |b| {
            b.object("pods.json", PODS[0], |pod| pod["spec"]["containers"][0]["resources"]["limits"]["memory"] = "120Mi".into());
            b.set(PODS[0], When::Last, "process_resident_memory_bytes", |_| 110.0 * 1024.0 * 1024.0);
        }
        => Fail "92 % of its limit 120Mi";
    s1_latency: "§ 1 remote write latency | p99 < 500 ms",
        Daily "write-latency" nothing,
        |b| b.set("*", When::Last, "http_request_duration_seconds_bucket{code=\"200\",handler=\"receive\",method=\"post\",tenant=\"default-tenant\",le=\"0", |v| (v / 2.0).floor())
        => Fail "too long";
    s1_pods: "§ 1 pods | all Running and Ready",
        Daily "pods-ready" nothing,
        |b| b.object("pods.json", PODS[1], |pod| pod["status"]["conditions"][0]["status"] = "False".into())
        => Fail "Running, not ready";
    s1_restarts: "§ 1 pods | 0 unexpected restarts",
        Daily "restarts" nothing,
        |b| b.object("pods.json", PODS[1], |pod| {
            let container = &mut pod["status"]["containerStatuses"][0];
            container["restartCount"] = 2.into();
            container["lastState"] = json!({ "terminated": { "reason": "OOMKilled", "exitCode": 137, "finishedAt": "2026-11-23T00:57:21Z" } });
        })
        => Fail "OOMKilled, exit 137 1h ago";
    s1_hashring_members: "§ 1 hashring members | equals the ready receive pods",
        Daily "ring-members" nothing,
        |b| b.json("pods.json", |list| list["items"].as_array_mut().unwrap().retain(|p| p["metadata"]["name"] != PODS[2]))
        => Fail "listed, but no such pod";
    s1_uploads_failing: "§ 1 uploads | none failing for 15 min",
        Daily "uploads-failing" nothing,
        |b| {
            b.set(PODS[0], When::Last, "thanos_objstore_bucket_operation_failures_total{bucket=\"thanos\",operation=\"exists\"}", |_| 5.0);
            b.set(PODS[0], When::Last, "thanos_shipper_uploads_total", |_| 0.0);
        }
        => Fail "exists failed: 5";
    s1_uploads_that_work_again: "§ 1 uploads | failures that have healed",
        Daily "uploads-failing" nothing,
        |b| b.set(PODS[0], When::Last, "thanos_objstore_bucket_operation_failures_total{bucket=\"thanos\",operation=\"upload\"}", |_| 1.0)
        => Warn "upload failed: 1";
    s1_uploads_of_every_tenant: "§ 1 uploads | every tenant with data uploads within 3 h",
        Daily "uploads-lag" nothing,
        |b| b.set(PODS[1], When::Last, "thanos_objstore_bucket_last_successful_upload_time", |v| v - 4.0 * 3600.0)
        => Fail "4h ago";
    s1_uploads_of_one_tenant: "§ 1 uploads | a tenant with data that never uploads",
        Daily "uploads-lag" nothing,
        |b| {
            b.set("*", When::Both, "process_start_time_seconds", |v| v - 5.0 * 3600.0);
            b.add(PODS[1], When::Both, "thanos_shipper_uploads_total{tenant=\"late\"} 0");
            b.add(PODS[1], When::Both, "prometheus_tsdb_head_series{tenant=\"late\"} 12");
        }
        => Fail "late: no block uploaded";
    s2_1_statefulset: "§ 2.1 status | StatefulSet state",
        Daily "pods-ready" nothing,
        |b| b.object("statefulsets.json", "obs-thanos-receive", |set| {
            set["spec"]["replicas"] = 4.into();
        })
        => Fail "3 of 4 ready";
    s2_1_rollout: "§ 2.1 status | a rollout under way",
        Daily "pods-ready" nothing,
        |b| b.object("statefulsets.json", "obs-thanos-receive", |set| set["status"]["updateRevision"] = "obs-thanos-receive-ffff".into())
        => Warn "two revisions";
    s2_1_node: "§ 2.1 status | node state",
        Daily "nodes" nothing,
        |b| b.json("nodes.json", |list| list["items"][0]["status"]["conditions"][0]["status"] = "Unknown".into())
        => Fail "not ready";
    s2_1_health: "§ 2.1 status | /-/healthy, /-/ready on 10902",
        Daily "health" |b| for pod in PODS { b.write(&format!("http/observability/{pod}/10902/-/ready"), "OK"); },
        |b| b.write("http/observability/obs-thanos-receive-1/10902/-/ready", "NOT OK")
        => Fail "NOT OK";
    s2_1_health_by_metric: "§ 2.1 status | what the process says of itself",
        Daily "health" nothing,
        |b| b.set(PODS[1], When::Last, "thanos_status{check=\"ready\"", |_| 0.0)
        => Fail "not ready";
    s2_1_traffic: "§ 2.1 status | request and sample rates, by code and tenant",
        Daily "traffic" nothing,
        |b| b.set("*", When::Both, "http_requests_total{", |_| 21.0)
        => Fail "have stopped";
    s2_2_hashring_valid: "§ 2.2 hashring | parse and validate every ring",
        Weekly "ring-valid" nothing,
        |b| b.write("config/observability/hashrings.json", "[{\"endpoints\": [\"obs-thanos-receive-0:10901\"]}]")
        => Fail "replication factor";
    s2_2_hashring_not_json: "§ 2.2 hashring | a file that does not parse",
        Daily "ring-members" nothing,
        |b| b.write("config/observability/hashrings.json", "[{\"endpoints\": [}]")
        => Fail "does not parse";
    s2_2_hashring_port: "§ 2.2 hashring | file ↔ pods: port",
        Daily "ring-members" nothing,
        |b| {
            let file = std::fs::read_to_string(b.path().join("config/observability/hashrings.json")).unwrap();
            b.write("config/observability/hashrings.json", &file.replacen("10901", "19291", 1));
        }
        => Fail "listed with port 19291, listens on 10901";
    s2_2_hashring_pod_outside: "§ 2.2 hashring | file ↔ pods: a ready pod that is in no ring",
        Daily "ring-members" nothing,
        |b| b.json("pods.json", |list| {
            let mut extra = list["items"][0].clone();
            extra["metadata"]["name"] = "obs-thanos-receive-3".into();
            extra["status"]["podIP"] = "10.70.1.99".into();
            list["items"].as_array_mut().unwrap().push(extra);
        })
        => Fail "in no ring";
    s2_2_hashring_service: "§ 2.2 hashring | file ↔ headless service",
        Daily "ring-service" nothing,
        |b| b.json("endpointslices.json", |list| { list["items"][0]["endpoints"].as_array_mut().unwrap().remove(1); })
        => Fail "no address";
    s2_2_hashring_stale: "§ 2.2 hashring | what each pod has loaded: say who is stale",
        Daily "ring-loaded" nothing,
        |b| b.set(PODS[1], When::Last, "thanos_receive_config_hash", |v| v - 1.0)
        => Fail "not up to date: obs-thanos-receive-1";
    s2_2_hashring_no_restart: "§ 2.2 hashring | say whether a restart is needed (file: hot-reloaded)",
        Daily "ring-loaded" nothing,
        |b| b.set(PODS[1], When::Last, "thanos_receive_config_hash", |v| v - 1.0)
        => Fail "reloads by itself within 5s";
    s2_2_hashring_nodes: "§ 2.2 hashring | thanos_receive_hashring_nodes{name} against the file",
        Daily "ring-loaded" nothing,
        |b| b.set(PODS[2], When::Last, "thanos_receive_hashring_nodes", |_| 2.0)
        => Fail "2 members";
    s2_2_hashring_unreadable: "§ 2.2 hashring | the file cannot be read any more",
        Daily "ring-loaded" nothing,
        |b| b.set(PODS[2], When::Last, "thanos_receive_hashrings_file_errors_total", |_| 7.0)
        => Fail "could not be read 7 times";
    s2_3_quorum: "§ 2.3 replication | RF from the pod's args, quorum by version",
        Daily "quorum" nothing,
        |b| for pod in [PODS[0], PODS[1]] {
            b.object("pods.json", pod, |p| p["status"]["conditions"][0]["status"] = "False".into());
        }
        => Fail "writes fail";
    s2_3_replication_factor: "§ 2.3 replication | RF flag differs",
        Daily "quorum" nothing,
        |b| b.object("pods.json", PODS[0], |p| {
            let args = p["spec"]["containers"][0]["args"].as_array_mut().unwrap();
            args.push("--receive.replication-factor=2".into());
        })
        => Fail "different replication factors";
    s2_4_tsdb_compaction: "§ 2.4 TSDB | compaction failures",
        Daily "tsdb-faults" nothing,
        |b| b.set(PODS[0], When::Last, "prometheus_tsdb_compactions_failed_total", |_| 3.0)
        => Fail "compaction failed: 3";
    s2_4_tsdb_wal_writes: "§ 2.4 TSDB | a disk that takes no writes",
        Daily "tsdb-faults" nothing,
        |b| b.set(PODS[0], When::Last, "prometheus_tsdb_wal_writes_failed_total", |_| 4426.0)
        => Fail "WAL writes failed";
    s2_4_tsdb_corruption: "§ 2.4 TSDB | corruption",
        Daily "tsdb-faults" nothing,
        |b| b.set(PODS[0], When::Last, "prometheus_tsdb_wal_corruptions_total", |_| 1.0)
        => Fail "WAL corrupted";
    s2_4_tsdb_corruption_before: "§ 2.4 TSDB | corruption that is over",
        Daily "tsdb-faults" nothing,
        |b| b.set(PODS[0], When::Both, "prometheus_tsdb_wal_corruptions_total", |_| 1.0)
        => Warn "none lately";
    s2_4_tsdb_head_ahead: "§ 2.4 TSDB | head stats: newest sample ahead of now",
        Daily "tsdb-head" nothing,
        |b| b.set(PODS[0], When::Last, "prometheus_tsdb_head_max_time", |v| v + 3.6e6)
        => Fail "ahead";
    s2_4_tsdb_head_old: "§ 2.4 TSDB | head stats: nothing new in a head",
        Daily "tsdb-head" nothing,
        |b| b.set(PODS[0], When::Last, "prometheus_tsdb_head_max_time", |v| v - 3.6e6)
        => Warn "old";
    s2_4_tsdb_head_not_truncated: "§ 2.4 TSDB | head stats: oldest sample does not move on",
        Daily "tsdb-head" nothing,
        |b| b.set(PODS[0], When::Last, "prometheus_tsdb_head_min_time", |v| v - 4.0 * 3.6e6)
        => Fail "not truncated";
    s2_4_tsdb_series: "§ 2.4 TSDB | top series per tenant, growth",
        Weekly "tsdb-series" |b| b.stretch(7200),
        |b| b.set("*", When::Last, "prometheus_tsdb_head_series{", |v| v * 1.5)
        => Fail "default-tenant: 14,440 series, +50.0 %";
    s2_4_tsdb_series_by_name: "§ 2.4 TSDB | /api/v1/status/tsdb (port 19291)",
        Weekly "tsdb-names"
        |b| b.write("http/observability/obs-thanos-receive-0/19291/api/v1/status/tsdb", &tsdb(300)),
        |b| b.write("http/observability/obs-thanos-receive-0/19291/api/v1/status/tsdb", &tsdb(2500))
        => Warn "apiserver_request_duration_seconds_bucket";
    s2_4_tsdb_wal_size: "§ 2.4 TSDB | WAL size",
        Weekly "tsdb-wal" nothing,
        |b| b.set(PODS[0], When::Last, "prometheus_tsdb_wal_storage_size_bytes", |_| 4e10)
        => Fail "40 %";
    s2_4_tsdb_days_until_full: "§ 2.4 TSDB | disk use and days until full",
        Weekly "disk-forecast" |b| b.stretch(86_400),
        |b| b.set(PODS[0], When::Last, "kubelet_volume_stats_used_bytes", |_| 4e10)
        => Fail "2026-11-29, in 6d";
    s2_4_tsdb_blocks_not_uploaded: "§ 2.4 TSDB | blocks not uploaded",
        Weekly "blocks" nothing,
        |b| b.set(PODS[0], When::Last, "thanos_shipper_uploads_total", |_| 0.0)
        => Fail "2 cut, 0 uploaded";
    limits_hit: "§ 2 status | limits hit",
        Daily "limits" nothing,
        |b| b.add(PODS[0], When::Last, "thanos_receive_write_limits_hit_count{limit=\"series\",tenant=\"team-a\"} 80")
        => Fail "tenant team-a: limit series";
    limits_near: "§ 2 status | a tenant near its series limit",
        Daily "limits" nothing,
        |b| b.add("*", When::Both, "thanos_receive_head_series_limit{tenant=\"default-tenant\"} 10000")
        => Warn "96 % of its series limit";
    s5_daily_pods: "§ 5 daily | pods Running n/n",
        Daily "pods-ready" nothing,
        |b| b.object("pods.json", PODS[0], |pod| pod["status"]["phase"] = "Pending".into())
        => Fail "1 pod not ready";
    s5_daily_uploads: "§ 5 daily | uploads fine",
        Daily "uploads-failing" nothing,
        |b| {
            b.set("*", When::Last, "thanos_objstore_bucket_operation_failures_total{bucket=\"thanos\",operation=\"upload\"}", |_| 2.0);
            b.set("*", When::Last, "thanos_shipper_uploads_total", |_| 0.0);
        }
        => Fail "upload failed: 2";
    s5_weekly_pvc: "§ 5 weekly | PVC use (< 85 %)",
        Weekly "disk-use" |b| b.set(PODS[1], When::Last, "kubelet_volume_stats_used_bytes", |_| 7.5e10),
        |b| b.set(PODS[1], When::Last, "kubelet_volume_stats_used_bytes", |_| 8.6e10)
        => Fail "86 %";
    s5_weekly_hashring: "§ 5 weekly | hashring settings validated",
        Weekly "ring-valid" nothing,
        |b| {
            let file = std::fs::read_to_string(b.path().join("config/observability/hashrings.json")).unwrap();
            b.write("config/observability/hashrings.json", &file.replacen("obs-thanos-receive-2.", "obs-thanos-receive-1.", 1));
        }
        => Fail "obs-thanos-receive-1";
    s5_weekly_error_lines: "§ 5 weekly | review of error lines, new ones apart",
        Weekly "error-lines" |b| b.options.against = Some(Bundle::healthy().check(Cadence::Weekly)),
        |b| b.write("logs/observability/obs-thanos-receive-0/thanos-receive.previous.log",
            "ts=2026-11-23T01:50:01.5Z caller=handler.go:625 level=error component=receive component=receive-handler tenant=t err=\"context deadline exceeded\" msg=\"internal server error\"\n")
        => Fail "new: internal server error: context deadline exceeded";
    s5_weekly_bucket: "§ 5 weekly | count of blocks in the bucket against expectation",
        Weekly "bucket-blocks"
        |b| b.write("metrics/queries/1795399041.json", &answer("thanos_bucket_store_blocks_loaded", "36")),
        |b| b.write("metrics/queries/1795399041.json", &answer("thanos_bucket_store_blocks_loaded", "0"))
        => Fail "none is seen in the bucket";
    s5_monthly_version_bugs: "§ 5 monthly | Thanos version against known bugs for receive",
        Monthly "known-bugs" nothing,
        |b| b.json("pods.json", |list| for pod in list["items"].as_array_mut().unwrap() {
            pod["spec"]["containers"][0]["image"] = "quay.io/thanos/thanos:v0.42.0".into();
        })
        => Fail "upgrade to 0.42.1";
    s5_monthly_versions_mixed: "§ 5 monthly | Thanos version: mixed",
        Monthly "versions" nothing,
        |b| b.object("pods.json", PODS[0], |pod| pod["spec"]["containers"][0]["image"] = "quay.io/thanos/thanos:v0.36.1".into())
        => Fail "v0.36.1, v0.41.0";
    s5_monthly_memory_size: "§ 5 monthly | right-sizing of CPU and memory from use: memory",
        Monthly "memory-size" |b| requests(b, "100m", "256Mi", "512Mi"),
        |b| requests(b, "100m", "64Mi", "128Mi")
        => Fail "too tight";
    s5_monthly_cpu_size: "§ 5 monthly | right-sizing of CPU and memory from use: CPU",
        Monthly "cpu-size" |b| requests(b, "50m", "256Mi", "512Mi"),
        |b| requests(b, "4", "256Mi", "512Mi")
        => Warn "more than it needs";
    s5_monthly_balance: "§ 5 monthly | hashring balance review",
        Monthly "ring-balance" nothing,
        |b| b.set(PODS[0], When::Last, "prometheus_tsdb_head_series{", |v| v * 3.0)
        => Fail "too much on obs-thanos-receive-0";
    s5_monthly_restore: "§ 5 monthly | backup/restore test reminder with date of the last one",
        Monthly "restore-test" |b| b.options.last_restore_test = rdiag::checks::date("2026-11-01"),
        |b| b.options.last_restore_test = rdiag::checks::date("2026-06-01")
        => Fail "2026-06-01, 175d ago";
    certificates: "targets | certificates' days left",
        Weekly "certificates" |b| b.add(PODS[0], When::Last, "x509_cert_not_after{secret_name=\"receive-tls\"} 1800000000"),
        |b| b.add(PODS[0], When::Last, "x509_cert_not_after{secret_name=\"old-tls\"} 1795700000")
        => Fail "old-tls";
    capacity_memory: "targets | capacity forecast with the date when memory ends",
        Monthly "memory-forecast" |b| {
            b.stretch(86_400);
            b.set("*", When::Both, "process_resident_memory_bytes", |_| GI);
        },
        |b| b.set(PODS[0], When::Last, "process_resident_memory_bytes", |_| 1.5 * GI)
        => Fail "2026-11-28, in 5d";
}

/// An answer of `status/tsdb`: 3209 series, so many of them of one metric.
fn tsdb(top: u32) -> String {
    json!({ "status": "success", "data": [{ "tenant": "default-tenant", "headStats": { "numSeries": 3209 },
        "seriesCountByMetricName": [{ "name": "apiserver_request_duration_seconds_bucket", "value": top }, { "name": "up", "value": 4 }] }] })
    .to_string()
}

/// An answer of the query API.
fn answer(metric: &str, value: &str) -> String {
    json!({ "status": "success", "data": { "resultType": "vector",
        "result": [{ "metric": { "__name__": metric, "job": "thanos-store" }, "value": [1_795_399_041, value] }] } })
    .to_string()
}

/// Sets requests and limits of all receivers.
fn requests(bundle: &Bundle, cpu: &str, memory: &str, limit: &str) {
    for pod in PODS {
        bundle.object("pods.json", pod, |p| {
            p["spec"]["containers"][0]["resources"] =
                json!({ "requests": { "cpu": cpu, "memory": memory }, "limits": { "memory": limit } });
        });
    }
}

#[test]
fn traffic_that_stopped_is_a_failure() {
    let bundle = Bundle::healthy();
    bundle.set("*", When::Both, "http_requests_total{", |_| 498.0);
    let list = bundle.check(Cadence::Daily);
    assert_eq!(list.item("traffic").unwrap().status, Status::Fail);
    assert_eq!(
        list.item("availability").unwrap().status,
        Status::Unknown,
        "nothing was written, so nothing can be said"
    );
}

#[test]
fn a_forecast_can_look_back_to_the_last_check() {
    let mut bundle = Bundle::healthy();
    let mut before = bundle.check(Cadence::Weekly);
    before.at = Some("2026-11-16T01:57:21Z".to_owned());
    for detail in &mut before
        .items
        .iter_mut()
        .find(|i| i.id == "disk-forecast")
        .unwrap()
        .details
    {
        detail.value = Some(1e10);
    }
    bundle.options.against = Some(before);
    let list = bundle.check(Cadence::Weekly);
    let item = list.item("disk-forecast").unwrap();
    assert_eq!(item.status, Status::Pass, "{item:#?}");
    assert!(
        item.figure
            .as_ref()
            .unwrap()
            .starts_with("2026-12-17, in 24d"),
        "{item:#?}"
    );
}

#[test]
fn names_of_the_runbook_are_understood_and_said_back() {
    let bundle = Bundle::healthy();
    bundle.drop("thanos_receive_replications_total");
    bundle.drop("grpc_client_handled_total");
    bundle.add(
        "*",
        When::Both,
        "thanos_receive_replication_requests_total{result=\"success\"} 100",
    );
    bundle.add(
        "*",
        When::Last,
        "thanos_receive_replication_requests_total{result=\"error\"} 50",
    );
    let list = bundle.check(Cadence::Daily);
    let item = list.item("replication-success").unwrap();
    assert_eq!(item.status, Status::Fail);
    assert_eq!(
        item.source.as_deref(),
        Some("thanos_receive_replication_requests_total"),
        "the name on the cluster in front of it"
    );
}
