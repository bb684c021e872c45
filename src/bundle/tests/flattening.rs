//! Kubernetes objects and alerts as records.

use serde_json::{Value, json};

use super::super::objects::{Objects, quantity};
use super::super::{ObjectRecord, gaps::Gaps};
use crate::record::{Level, Source, Time};

fn flatten(objects: &[Value]) -> Vec<ObjectRecord> {
    let mut all = Objects::default();
    objects.iter().for_each(|object| all.add(object, None));
    all.finish(&Gaps::default());
    all.records
}

fn check(record: &ObjectRecord, expected: &[(&str, &str)]) {
    for (key, value) in expected {
        assert_eq!(
            record.get(key),
            Some(*value),
            "{key} of {:#?}",
            record.fields
        );
    }
}

fn at(text: &str) -> Option<Time> {
    let stamp: jiff::Timestamp = text.parse().unwrap();
    Some(Time(i64::try_from(stamp.as_nanosecond()).unwrap()))
}

fn crashing() -> Value {
    json!({
        "kind": "Pod",
        "metadata": {"name": "r-0", "namespace": "mon", "labels": {"app.kubernetes.io/name": "thanos-receive"},
            "ownerReferences": [{"kind": "StatefulSet", "name": "r", "controller": true}]},
        "spec": {"nodeName": "node-a", "containers": [{
            "name": "thanos", "image": "quay.io/thanos/thanos:v0.41.0",
            "args": ["receive", "--objstore.config=secret_key: x", "--receive.replication-factor=3"],
            "resources": {"limits": {"memory": "52Mi", "cpu": "500m"}}}]},
        "status": {"phase": "Running", "podIP": "10.0.0.1",
            "conditions": [
                {"type": "Ready", "status": "False", "reason": "ContainersNotReady", "message": "unready",
                 "lastTransitionTime": "2026-11-23T03:26:32Z"},
                {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-11-23T03:27:13Z"}],
            "containerStatuses": [{"name": "thanos", "ready": false, "started": false, "restartCount": 4,
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 1m20s"}},
                "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled",
                    "startedAt": "2026-11-23T03:26:27Z", "finishedAt": "2026-11-23T03:26:32Z"}}}]}
    })
}

#[test]
fn pods_and_containers() {
    let records = flatten(&[crashing()]);
    let [pod, container] = records.as_slice() else {
        panic!("{records:#?}");
    };
    check(
        pod,
        &[
            ("kind", "pod"),
            ("name", "r-0"),
            ("namespace", "mon"),
            ("status.phase", "Running"),
            ("spec.nodeName", "node-a"),
            ("condition.Ready", "False"),
            ("condition.Ready.reason", "ContainersNotReady"),
            ("condition.Ready.message", "unready"),
            ("condition.PodScheduled", "True"),
            ("metadata.labels.app.kubernetes.io/name", "thanos-receive"),
            ("owner.name", "r"),
        ],
    );
    assert_eq!(pod.time, at("2026-11-23T03:26:32Z"));
    assert_eq!((&*pod.origin.pod, pod.source), ("r-0", Source::Status));
    check(
        container,
        &[
            ("kind", "container"),
            ("name", "thanos"),
            ("pod", "r-0"),
            ("node", "node-a"),
            ("init", "false"),
            ("ready", "false"),
            ("started", "false"),
            ("restartCount", "4"),
            ("state.waiting.reason", "CrashLoopBackOff"),
            ("state.waiting.message", "back-off 1m20s"),
            ("lastState.terminated.reason", "OOMKilled"),
            ("lastState.terminated.exitCode", "137"),
            ("limits.memory", "52Mi"),
            ("limits.memory_bytes", "54525952"),
            ("limits.cpu_cores", "0.5"),
            (
                "args",
                "receive --objstore.config=(hidden) --receive.replication-factor=3",
            ),
        ],
    );
    assert_eq!(container.time, at("2026-11-23T03:26:32Z"));
    assert_eq!(container.origin.container.as_deref(), Some("thanos"));
}

#[test]
fn a_container_without_status_still_shows() {
    let pod = json!({"kind": "Pod", "metadata": {"name": "p"}, "spec": {
        "initContainers": [{"name": "init"}], "containers": [{"name": "main"}]},
        "status": {"phase": "Pending", "initContainerStatuses": [{"name": "init",
            "state": {"waiting": {"reason": "ImagePullBackOff"}}}]}});
    let records = flatten(&[pod]);
    assert_eq!(records.len(), 3);
    let init = records.iter().find(|r| r.get("init") == Some("true"));
    check(
        init.unwrap(),
        &[("state.waiting.reason", "ImagePullBackOff")],
    );
}

#[test]
fn events_of_both_apis() {
    let core = json!({"kind": "Event", "metadata": {"name": "e", "namespace": "mon"}, "type": "Warning",
        "reason": "BackOff", "message": "Back-off", "count": 7,
        "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:10:00Z",
        "involvedObject": {"kind": "Pod", "name": "r-0", "namespace": "mon", "fieldPath": "spec.containers{thanos}"},
        "source": {"component": "kubelet", "host": "node-a"}});
    let new = json!({"kind": "Event", "metadata": {"name": "e", "namespace": "mon"}, "type": "Warning",
        "reason": "BackOff", "note": "Back-off", "deprecatedCount": 7,
        "deprecatedFirstTimestamp": "2026-01-01T00:00:00Z", "deprecatedLastTimestamp": "2026-01-01T00:10:00Z",
        "regarding": {"kind": "Pod", "name": "r-0", "namespace": "mon", "fieldPath": "spec.containers{thanos}"},
        "deprecatedSource": {"component": "kubelet", "host": "node-a"}});
    let records = flatten(&[core, new]);
    assert_eq!(records.len(), 1, "both say the same: {records:#?}");
    let event = &records[0];
    check(
        event,
        &[
            ("kind", "event"),
            ("reason", "BackOff"),
            ("message", "Back-off"),
            ("type", "Warning"),
            ("count", "7"),
            ("involvedObject.kind", "Pod"),
            ("involvedObject.name", "r-0"),
            ("source.component", "kubelet"),
            ("source.host", "node-a"),
            ("container", "thanos"),
        ],
    );
    assert_eq!((event.count, event.level), (7, Some(Level::Warn)));
    assert_eq!(event.time, at("2026-01-01T00:10:00Z"));
    assert_eq!(event.first, at("2026-01-01T00:00:00Z"));
    assert_eq!(&*event.origin.pod, "r-0");
}

#[test]
fn event_times_fall_back() {
    let series = json!({"kind": "Event", "eventTime": "2026-01-01T00:00:00.5Z",
        "series": {"count": 3, "lastObservedTime": "2026-01-01T00:05:00Z"},
        "firstTimestamp": null, "lastTimestamp": null,
        "involvedObject": {"kind": "StatefulSet", "name": "r", "namespace": "mon"}});
    let records = flatten(&[series]);
    assert_eq!(records[0].time, at("2026-01-01T00:05:00Z"));
    assert_eq!(records[0].first, at("2026-01-01T00:00:00.5Z"));
    assert_eq!((records[0].count, &*records[0].origin.pod), (3, ""));
}

#[test]
fn nodes_workloads_claims_and_endpoints() {
    let records = flatten(&[
        json!({"kind": "Node", "metadata": {"name": "node-x"}, "spec": {"unschedulable": true,
            "taints": [{"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}]},
            "status": {"allocatable": {"memory": "1Gi"}, "conditions": [
                {"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown", "lastTransitionTime": "2026-01-01T00:00:00Z"},
                {"type": "DiskPressure", "status": "False", "lastTransitionTime": "2026-01-02T00:00:00Z"}]}}),
        json!({"kind": "StatefulSet", "metadata": {"name": "r", "namespace": "mon"}, "spec": {"replicas": 3,
            "serviceName": "r"}, "status": {"replicas": 3, "currentRevision": "a", "updateRevision": "b"}}),
        json!({"kind": "PersistentVolumeClaim", "metadata": {"name": "data-r-0", "namespace": "mon"},
            "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}}),
        json!({"kind": "Pod", "metadata": {"name": "r-0", "namespace": "mon"}, "spec": {"volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": "data-r-0"}}]}}),
        json!({"kind": "EndpointSlice", "metadata": {"name": "r-1", "namespace": "mon",
            "labels": {"kubernetes.io/service-name": "r"}}, "endpoints": [
            {"addresses": ["10.0.0.1"], "conditions": {"ready": true, "serving": false, "terminating": false},
             "targetRef": {"kind": "Pod", "name": "r-0"}}]}),
    ]);
    let of = |kind: &str| {
        records
            .iter()
            .find(|r| r.get("kind") == Some(kind))
            .unwrap()
    };
    check(
        of("node"),
        &[
            ("condition.Ready", "Unknown"),
            ("condition.Ready.reason", "NodeStatusUnknown"),
            ("spec.unschedulable", "true"),
            ("taints", "node.kubernetes.io/unreachable:NoExecute"),
            ("allocatable.memory", "1Gi"),
        ],
    );
    assert_eq!(of("node").time, at("2026-01-01T00:00:00Z"));
    check(
        of("statefulset"),
        &[
            ("spec.replicas", "3"),
            ("status.readyReplicas", "0"),
            ("not_ready", "3"),
            ("revisions_differ", "true"),
        ],
    );
    check(
        of("persistentvolumeclaim"),
        &[
            ("status.phase", "Bound"),
            ("status.capacity.storage_bytes", "1073741824"),
            ("pod", "r-0"),
        ],
    );
    check(
        of("endpointslice"),
        &[
            ("service", "r"),
            ("address", "10.0.0.1"),
            ("ready", "true"),
            ("serving", "false"),
            ("targetRef.name", "r-0"),
        ],
    );
}

#[test]
fn secrets_and_credentials_stay_out() {
    let mut all = Objects::default();
    let secret = json!({"kind": "Secret", "metadata": {"name": "s"}, "data": {"key": "QUJD"}});
    all.add(&secret, None);
    all.add(
        &json!({"metadata": {"name": "s"}, "data": {"key": "QUJD"}}),
        Some("Secret"),
    );
    let thing = json!({"kind": "Thing", "metadata": {"name": "t"}, "spec": {
        "size": 3, "env": [{"name": "KEY", "value": "QUJD"}], "password": "QUJD"}});
    all.add(&thing, None);
    let ring = json!({"kind": "ConfigMap", "metadata": {"name": "ring", "namespace": "mon"},
        "data": {"hashrings.json": "[]", "other.yml": "QUJD"}});
    all.add(&ring, None);
    let gaps = Gaps::default();
    all.finish(&gaps);
    assert!(!format!("{:?}", all.records).contains("QUJD"));
    assert_eq!(all.records.len(), 2);
    assert_eq!(gaps.list()[0].what, "secrets");
    assert_eq!(all.hashrings[0].path, "configmap/ring/hashrings.json");
}

#[test]
fn alerts() {
    let payload = json!({"receiver": "rdiag", "groupKey": "k"});
    let mut all = Objects::default();
    let pod = json!({"kind": "Pod", "metadata": {"name": "r-0", "namespace": "mon"},
        "status": {"podIP": "10.0.0.1"}});
    all.add(&pod, None);
    for alert in [
        json!({"status": "firing", "labels": {"alertname": "A", "pod": "r-1", "namespace": "mon", "severity": "critical"},
            "annotations": {"summary": "s"}, "startsAt": "2026-11-23T02:00:20Z", "endsAt": "0001-01-01T00:00:00Z"}),
        json!({"state": "firing", "labels": {"alertname": "B", "instance": "10.0.0.1:10902"}, "activeAt": "2026-11-23T02:00:20Z"}),
        json!({"no": "labels"}),
    ] {
        all.add_alert(&alert, payload.as_object().unwrap());
    }
    all.finish(&Gaps::default());
    let of = |name: &str| {
        let mut records = all.records.iter();
        records.find(|r| r.get("alertname") == Some(name)).unwrap()
    };
    check(
        of("A"),
        &[
            ("status", "firing"),
            ("labels.severity", "critical"),
            ("annotations.summary", "s"),
            ("groupKey", "k"),
        ],
    );
    assert_eq!(of("A").time, at("2026-11-23T02:00:20Z"));
    assert_eq!(of("A").level, Some(Level::Fatal));
    assert_eq!(&*of("B").origin.pod, "r-0");
}

#[test]
fn tsdb_status_per_tenant() {
    let body = r#"{"status":"success","data":[{"tenant":"a","headStats":{"numSeries":5},
        "seriesCountByMetricName":[{"name":"up","value":3}]},{"tenant":"b","headStats":{"numSeries":1}}]}"#;
    let mut all = Objects::default();
    all.add_http(
        crate::record::Origin::default(),
        "19291",
        "api/v1/status/tsdb",
        body,
    );
    all.add_http(
        crate::record::Origin::default(),
        "10902",
        "-/ready",
        "NOT OK",
    );
    all.finish(&Gaps::default());
    let of = |key: &str, value: &str| {
        let mut records = all.records.iter();
        records.find(|r| r.get(key) == Some(value)).unwrap()
    };
    check(
        of("tenant", "a"),
        &[
            ("headStats.numSeries", "5"),
            ("seriesCountByMetricName.0.name", "up"),
        ],
    );
    check(
        of("endpoint", "ready"),
        &[("ok", "false"), ("body", "NOT OK")],
    );
}

#[test]
fn quantities() {
    for (written, number) in [
        ("52Mi", Some(54_525_952.0)),
        ("500m", Some(0.5)),
        ("2", Some(2.0)),
        ("1.5Gi", Some(1_610_612_736.0)),
        ("1e3", Some(1000.0)),
        ("3G", Some(3e9)),
        ("", None),
        ("x", None),
        ("5Zi", None),
        ("inf", None),
    ] {
        assert_eq!(quantity(written), number, "{written}");
    }
}
