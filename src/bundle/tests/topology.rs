//! Names, addresses and flags.

use serde_json::{Value, json};

use super::super::topology::{ContainerState, Mode, Named, Topology, split_address};

fn ring() -> Topology {
    let mut topology = Topology::default();
    for (name, ip, args) in [
        (
            "thanos-receive-0",
            "10.0.0.10",
            json!([
                "receive",
                "--receive.local-endpoint=$(NAME).thanos-receive.mon.svc.cluster.local:10901",
                "--receive.hashrings-file=/etc/h.json",
                "--receive.replication-factor",
                "3",
                "--receive.hashrings-algorithm=ketama",
                "--receive.hashrings-file-refresh-interval=5s"
            ]),
        ),
        (
            "thanos-receive-1",
            "10.0.0.11",
            json!(["sh -c 'exec thanos receive --receive.hashrings-file=/h'"]),
        ),
        (
            "prometheus-0",
            "10.0.0.20",
            json!(["--config.file=/etc/prometheus.yml"]),
        ),
    ] {
        let image = if name.starts_with("thanos") {
            "quay.io/thanos/thanos:v0.35.1"
        } else {
            "prom/prometheus:v3.0.0"
        };
        topology.add("Pod", &json!({
            "metadata": {"name": name, "namespace": "mon",
                "ownerReferences": [{"kind": "StatefulSet", "name": "thanos-receive", "controller": true}]},
            "spec": {"nodeName": "node-a", "containers": [{"name": "c", "image": image, "args": args,
                "env": [{"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                "resources": {"limits": {"memory": "1Gi"}}}]},
            "status": {"phase": "Running", "podIP": ip, "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": [{"name": "c", "restartCount": 2, "state": {"running": {}},
                    "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}]},
        }));
    }
    topology.add("EndpointSlice", &json!({"metadata": {"name": "s", "namespace": "mon",
        "labels": {"kubernetes.io/service-name": "thanos-receive"}},
        "endpoints": [{"addresses": ["10.0.9.9"], "conditions": {}, "targetRef": {"kind": "Pod", "name": "thanos-receive-1"}}]}));
    topology.add(
        "StatefulSet",
        &json!({"metadata": {"name": "thanos-receive", "namespace": "mon"},
        "spec": {"replicas": 2}, "status": {}}),
    );
    topology.finish();
    topology
}

#[test]
fn addresses_lead_to_pods() {
    let topology = ring();
    for (address, pod) in [
        ("10.0.0.10:10901", Some("thanos-receive-0")),
        ("10.0.9.9:10901", Some("thanos-receive-1")),
        (
            "thanos-receive-1.thanos-receive.mon.svc.cluster.local:10901",
            Some("thanos-receive-1"),
        ),
        (
            "thanos-receive-1.thanos-receive.mon:10901",
            Some("thanos-receive-1"),
        ),
        (
            "thanos-receive-1.thanos-receive:10901",
            Some("thanos-receive-1"),
        ),
        ("thanos-receive-1:10901", Some("thanos-receive-1")),
        ("thanos-receive-1", Some("thanos-receive-1")),
        (
            "http://thanos-receive-1.thanos-receive.mon.svc:19291/api/v1/receive",
            Some("thanos-receive-1"),
        ),
        (
            "dns:///thanos-receive-0.thanos-receive.mon.svc:10901",
            Some("thanos-receive-0"),
        ),
        ("10-0-0-20.mon.pod.cluster.local", Some("prometheus-0")),
        ("thanos-receive-1.thanos-receive.other.svc:10901", None),
        ("thanos-receive-7:10901", None),
        ("thanos-receive.mon.svc:19291", None),
        ("10.9.9.9:1", None),
        ("", None),
        ("[::1]:10901", None),
    ] {
        let found = topology.resolve(address).map(|p| p.name.as_str());
        assert_eq!(found, pod, "{address}");
    }
}

#[test]
fn names_without_a_cluster() {
    let named = |address: &str| Named::of(address).map(|n| (n.pod, n.namespace));
    let some = |pod: &str, ns: Option<&str>| Some((pod.to_owned(), ns.map(str::to_owned)));
    assert_eq!(
        named("r-0.r.mon.svc.cluster.local:1"),
        some("r-0", Some("mon"))
    );
    assert_eq!(named("r-0.r:1"), some("r-0", None));
    assert_eq!(named("r-0"), some("r-0", None));
    assert_eq!(named("receive:1"), None);
    assert_eq!(named("10.0.0.1:1"), None);
    assert_eq!(named("10-0-0-1.mon.pod"), None);
    assert_eq!(split_address("[fd00::1]:10901"), ("fd00::1", Some(10901)));
    assert_eq!(split_address("fd00::1"), ("fd00::1", None));
}

#[test]
fn flags_of_receivers() {
    let topology = ring();
    assert_eq!(topology.receivers().count(), 2);
    let first = topology.pod(Some("mon"), "thanos-receive-0").unwrap();
    assert_eq!(first.mode(), Some(Mode::RouterIngestor));
    assert_eq!(first.replication_factor(), Some(3));
    assert_eq!(first.algorithm(), Some("ketama"));
    assert_eq!(first.hashring_file_refresh(), Some("5s"));
    assert_eq!(first.thanos_version().as_deref(), Some("0.35.1"));
    assert_eq!(
        first.local_endpoint(),
        Some("thanos-receive-0.thanos-receive.mon.svc.cluster.local:10901")
    );
    assert_eq!(first.full_name(), "mon/thanos-receive-0");
    assert!(first.ready());
    let container = first.receiver().unwrap();
    assert_eq!(container.restart_count, 2);
    assert_eq!(container.memory_limit, Some(1_073_741_824.0));
    assert_eq!(container.state, ContainerState::Running { since: None });
    assert_eq!(container.last_state.as_ref().unwrap().exit_code, Some(137));
    let second = topology.pod(None, "thanos-receive-1").unwrap();
    assert_eq!(second.mode(), Some(Mode::RouterOnly));
    assert_eq!(
        (second.replication_factor(), second.algorithm()),
        (Some(1), Some("hashmod"))
    );
    assert_eq!(topology.workload_of(second).unwrap().replicas, 2);
    let other = topology.pod(None, "prometheus-0").unwrap();
    assert!(!other.is_receiver());
    assert_eq!((other.mode(), other.replication_factor()), (None, None));
}

#[test]
fn versions_of_images() {
    for (image, version) in [
        ("quay.io/thanos/thanos:v0.35.1", Some("0.35.1")),
        ("bitnami/thanos:0.35.1-debian-12-r3", Some("0.35.1")),
        ("localhost:5000/thanos:v0.41", Some("0.41")),
        ("quay.io/thanos/thanos:main-2024-01-01-abc", Some("main")),
        ("quay.io/thanos/thanos:v0.35.1@sha256:00", Some("0.35.1")),
        ("quay.io/thanos/thanos@sha256:00", None),
        ("localhost:5000/thanos", None),
        ("thanos:latest", None),
        ("thanos", None),
    ] {
        let pod: Value = json!({"metadata": {"name": "thanos-receive-0"},
            "spec": {"containers": [{"name": "receive", "image": image, "args": ["receive"]}]}});
        let mut topology = Topology::default();
        topology.add("Pod", &pod);
        assert_eq!(
            topology.pods[0].thanos_version().as_deref(),
            version,
            "{image}"
        );
    }
}
