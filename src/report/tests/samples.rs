//! Reports made by hand: one of each kind of answer.

#![allow(clippy::too_many_lines)] // One value each: data, not steps.

use crate::report::model::*;

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn at(time: &str) -> Option<String> {
    Some(format!("2026-03-04T{time}Z"))
}

fn epoch(time: &str) -> f64 {
    crate::report::phrase::seconds(at(time).as_deref()).unwrap()
}

fn pod(name: &str) -> Subject {
    subject("pod", &format!("monitoring/{name}"))
}

fn subject(kind: &str, name: &str) -> Subject {
    Subject {
        kind: kind.to_owned(),
        name: name.to_owned(),
    }
}

fn evidence(symptom: &str, title: &str, subject: Subject, nats: f64) -> Evidence {
    Evidence {
        symptom: symptom.to_owned(),
        title: title.to_owned(),
        subject,
        nats,
        silent: false,
        defining: false,
    }
}

fn silence(symptom: &str, title: &str, subject: Subject, nats: f64) -> Evidence {
    Evidence {
        silent: true,
        defining: false,
        ..evidence(symptom, title, subject, nats)
    }
}

fn explained(evidence: &Evidence, necessity: f64, count: u64, samples: &[&str]) -> Explained {
    Explained {
        symptom: evidence.symptom.clone(),
        title: evidence.title.clone(),
        subject: evidence.subject.clone(),
        necessity,
        count,
        samples: strings(samples),
    }
}

fn step(what: &str, run: Option<&str>, risk: Option<&str>) -> Step {
    Step {
        what: what.to_owned(),
        run: run.map(str::to_owned),
        risk: risk.map(str::to_owned),
    }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|t| (*t).to_owned()).collect()
}

fn gap(what: &str, why: &str) -> Gap {
    Gap {
        what: what.to_owned(),
        why: why.to_owned(),
    }
}

fn marks(severity: &str, symptom: &str, times: &[&str]) -> Vec<Mark> {
    times
        .iter()
        .map(|time| Mark {
            at: epoch(time),
            severity: severity.to_owned(),
            symptom: symptom.to_owned(),
            count: 1,
        })
        .collect()
}

fn row(name: &str, at_fault: bool, note: &str, marks: Vec<Mark>) -> TimelineRow {
    TimelineRow {
        pod: format!("monitoring/{name}"),
        at_fault,
        note: note.to_owned(),
        marks,
    }
}

fn log(name: &str, previous: bool, from: &str, until: &str, records: u64) -> SourceCoverage {
    SourceCoverage {
        kind: "log".to_owned(),
        namespace: some("monitoring"),
        pod: some(name),
        container: some("thanos-receive"),
        previous,
        records,
        bytes: records * 180,
        from: at(from),
        until: at(until),
        lowest_level: some("info"),
        unparsed: 0,
        truncated: 0,
    }
}

fn status(name: &str) -> SourceCoverage {
    SourceCoverage {
        kind: "status".to_owned(),
        container: None,
        bytes: 0,
        from: None,
        until: None,
        lowest_level: None,
        ..log(name, false, "01:40:52", "01:43:10", 1)
    }
}

fn member(name: &str, role: &str, facts: &[(&str, &str)]) -> Member {
    Member {
        pod: format!("monitoring/{name}"),
        role: role.to_owned(),
        facts: facts
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect(),
    }
}

fn scope(from: &str, until: &str) -> Scope {
    Scope {
        from: at(from),
        until: at(until),
        thanos: ["thanos-receive-0", "thanos-receive-1", "thanos-receive-2"]
            .into_iter()
            .map(|name| PodVersion {
                pod: format!("monitoring/{name}"),
                version: "0.35.1".to_owned(),
                basis: "image".to_owned(),
            })
            .collect(),
        namespaces: strings(&["monitoring"]),
    }
}

fn ring(first: [(&str, &str); 2]) -> Vec<Member> {
    let fine = [("ready", "yes"), ("restarts", "0"), ("series", "1204")];
    vec![
        member("thanos-receive-0", "receiver", &fine),
        member("thanos-receive-1", "receiver", &first),
        member("thanos-receive-2", "receiver", &fine),
        member("prometheus-k8s-0", "sender", &[("ready", "yes")]),
    ]
}

fn report(healthy: bool, scope: Scope) -> Report {
    Report {
        schema: "rdiag/report/v1".to_owned(),
        healthy,
        scope,
        ..Report::default()
    }
}

fn oom_remedy() -> Remediation {
    Remediation {
        confirm: vec![step(
            "Read why the container ended last time",
            Some("kubectl -n monitoring describe pod thanos-receive-1"),
            None,
        )],
        mitigate: vec![
            step(
                "Raise the memory limit, so that the replay of the log can finish",
                Some(
                    "kubectl -n monitoring set resources statefulset/thanos-receive --containers=thanos-receive --limits=memory=NEW",
                ),
                Some("disruptive"),
            ),
            step(
                "Lower the senders' rate until the pod is ready",
                None,
                Some("safe"),
            ),
        ],
        fix: vec![step(
            "Limit the active series of the tenant that grew",
            None,
            Some("disruptive"),
        )],
        verify: "thanos-receive-1 stays ready for an hour and its series stay level".to_owned(),
        avoid: strings(&["delete the WAL: it holds up to two hours that no other place has"]),
    }
}

/// A receiver that is killed for memory again and again, seen from all sides.
pub(super) fn oom() -> Report {
    let killed = evidence(
        "kubernetes/pod/oom-killed",
        "Last state is OOMKilled, exit code 137",
        pod("thanos-receive-1"),
        16.1,
    );
    let cut = evidence(
        "config/log-ends-without-shutdown",
        "The log ends without a shutdown",
        pod("thanos-receive-1"),
        4.2,
    );
    let refused = |by: &str| {
        evidence(
            "thanos/receive/forward-unavailable",
            "Forwards to it are refused",
            pod(by),
            3.4,
        )
    };
    let samples = [
        "level=error ts=2026-03-04T01:41:09.4Z caller=handler.go:595 component=receive-handler msg=\"internal server error\" err=\"forwarding request to endpoint {thanos-receive-1:10901}: rpc error: code = Unavailable\"",
    ];
    let hypothesis = Hypothesis {
        cause: "receiver-oom".to_owned(),
        title: "A receiver runs out of memory and is killed".to_owned(),
        role: "root".to_owned(),
        probability: 0.98,
        band: "confirmed".to_owned(),
        subjects: vec![pod("thanos-receive-1")],
        chain: strings(&[
            "the kernel kills thanos-receive-1",
            "it accepts no connections",
            "one replica of each series is missing",
        ]),
        explains: vec![
            explained(&killed, 0.99, 7, &[]),
            explained(&cut, 0.95, 7, &[]),
            explained(&refused("thanos-receive-1"), 0.98, 412, &samples),
        ],
        pro: vec![
            killed,
            cut,
            refused("thanos-receive-1"),
            evidence(
                "metrics/memory-near-limit",
                "Memory was near its limit",
                pod("thanos-receive-1"),
                1.8,
            ),
        ],
        contra: vec![silence(
            "metrics/series-growth",
            "a rise in series before the first kill",
            pod("thanos-receive-1"),
            -0.7,
        )],
        heals_itself: "never".to_owned(),
        remediation: oom_remedy(),
        poorly_explained: vec![],
    };
    let retries = Hypothesis {
        cause: "retry-conflicts".to_owned(),
        title: "Retries are answered 409 after a restart".to_owned(),
        role: "benign".to_owned(),
        probability: 0.91,
        band: "likely".to_owned(),
        subjects: vec![pod("prometheus-k8s-0")],
        heals_itself: "usually".to_owned(),
        ..Hypothesis::default()
    };
    let kills = [
        "01:41:07", "01:41:15", "01:41:31", "01:41:47", "01:42:09", "01:42:35", "01:42:58",
    ];
    let refusals = [
        "01:41:09", "01:41:20", "01:41:33", "01:41:48", "01:42:11", "01:42:37", "01:42:59",
    ];
    let timeline = Timeline {
        from: at("01:40:52"),
        until: at("01:43:10"),
        rows: vec![
            row(
                "thanos-receive-0",
                false,
                "forwards to -1 fail",
                marks("error", "thanos/receive/forward-unavailable", &refusals),
            ),
            row(
                "thanos-receive-1",
                true,
                "OOMKilled ×7",
                marks("critical", "kubernetes/pod/oom-killed", &kills),
            ),
            row(
                "thanos-receive-2",
                false,
                "forwards to -1 fail",
                marks("error", "thanos/receive/forward-unavailable", &refusals),
            ),
            row("prometheus-k8s-0", false, "quiet", vec![]),
        ],
    };
    Report {
        coverage: Coverage {
            sources: vec![
                log("thanos-receive-0", false, "01:40:52", "01:43:10", 812),
                log("thanos-receive-1", true, "01:42:40", "01:42:57", 40),
                log("thanos-receive-1", false, "01:43:02", "01:43:09", 38),
                log("thanos-receive-2", false, "01:40:52", "01:43:10", 799),
                log("prometheus-k8s-0", false, "01:40:55", "01:40:55", 1),
                status("thanos-receive-0"),
                status("thanos-receive-1"),
                status("thanos-receive-2"),
            ],
            gaps: vec![
                gap(
                    "failed writes that leave quorum intact",
                    "v0.35.1 prints them at debug level, and the lowest level seen is info",
                ),
                gap("metrics of monitoring/thanos-receive-0", "not collected"),
                gap("metrics of monitoring/thanos-receive-1", "not collected"),
                gap("metrics of monitoring/thanos-receive-2", "not collected"),
            ],
        },
        incidents: vec![Incident {
            id: "5f0c2a91d3b8".to_owned(),
            from: at("01:41:07"),
            exact: true,
            verdict: "confirmed".to_owned(),
            severity: "critical".to_owned(),
            hypotheses: vec![hypothesis, retries],
            unknown_probability: 0.01,
            impact: some("writes still reach 2 of 3 copies; one more member down and they fail"),
            timeline,
            ..Incident::default()
        }],
        members: ring([("ready", "no"), ("restarts", "7")]),
        ..report(false, scope("01:40:52", "01:43:10"))
    }
}

/// A log that just stops: killed by the kernel, or by the kubelet?
pub(super) fn cannot_tell() -> Report {
    let cut = |nats| {
        evidence(
            "config/log-ends-without-shutdown",
            "The log ends without a shutdown",
            pod("thanos-receive-1"),
            nats,
        )
    };
    let hypothesis = |cause: &str, title: &str, p, fix: &str, risk: &str| Hypothesis {
        cause: cause.to_owned(),
        title: title.to_owned(),
        role: "root".to_owned(),
        probability: p,
        band: "cannot_tell".to_owned(),
        subjects: vec![pod("thanos-receive-1")],
        explains: vec![explained(&cut(0.6), 0.8, 3, &[])],
        pro: vec![cut(0.6)],
        heals_itself: "sometimes".to_owned(),
        remediation: Remediation {
            mitigate: vec![step(fix, None, Some(risk))],
            avoid: strings(&["delete the WAL: it holds up to two hours that no other place has"]),
            ..Remediation::default()
        },
        ..Hypothesis::default()
    };
    Report {
        coverage: Coverage {
            sources: vec![
                log("thanos-receive-0", false, "09:00:01", "09:20:00", 3120),
                log("thanos-receive-1", false, "09:00:02", "09:19:58", 2100),
                log("thanos-receive-2", false, "09:00:01", "09:20:00", 3099),
            ],
            gaps: vec![
                gap("pod status and events", "only logs were given"),
                gap("metrics", "only logs were given"),
                gap("senders' logs", "only logs of receivers were given"),
            ],
        },
        incidents: vec![Incident {
            id: "a91b77c0e2f4".to_owned(),
            from: at("09:07:41"),
            exact: true,
            verdict: "cannot_tell".to_owned(),
            severity: "error".to_owned(),
            hypotheses: vec![
                hypothesis(
                    "receiver-oom",
                    "A receiver runs out of memory and is killed",
                    0.29,
                    "Raise the memory limit of the receivers",
                    "disruptive",
                ),
                hypothesis(
                    "liveness-kill",
                    "The liveness probe kills a receiver while it replays its log",
                    0.26,
                    "Raise the probe's failure threshold",
                    "disruptive",
                ),
                hypothesis(
                    "node-lost",
                    "The node under a receiver went away",
                    0.12,
                    "Move the pod to another node",
                    "safe",
                ),
            ],
            indistinguishable: vec![vec![0, 1]],
            unknown_probability: 0.31,
            next_checks: vec![
                NextCheck {
                    what: "Read why the container ended last time".to_owned(),
                    run: some("kubectl -n monitoring describe pod thanos-receive-1"),
                    bits: 0.94,
                    if_yes: "OOMKilled: a receiver runs out of memory and is killed".to_owned(),
                    if_no: "exit code 137 without OOMKilled: the liveness probe, or the node"
                        .to_owned(),
                },
                NextCheck {
                    what: "Look for probe failures among the pod's events".to_owned(),
                    run: some(
                        "kubectl -n monitoring get events --field-selector involvedObject.name=thanos-receive-1",
                    ),
                    bits: 0.41,
                    if_yes: "the liveness probe kills it".to_owned(),
                    if_no: String::new(),
                },
            ],
            unexplained: vec![Unexplained {
                symptom: "thanos/receive/upload-failed".to_owned(),
                title: "An upload to the bucket failed".to_owned(),
                subject: pod("thanos-receive-2"),
                count: 2,
            }],
            timeline: Timeline {
                from: at("09:00:01"),
                until: at("09:20:00"),
                rows: vec![
                    row("thanos-receive-0", false, "", vec![]),
                    row(
                        "thanos-receive-1",
                        true,
                        "starts ×3",
                        marks(
                            "warning",
                            "thanos/receive/start",
                            &["09:07:41", "09:11:02", "09:15:30"],
                        ),
                    ),
                    row("thanos-receive-2", false, "", vec![]),
                ],
            },
            ..Incident::default()
        }],
        novel: vec![Novel {
            template: "level=warn msg=\"odd thing <*> happened\" id=<*>".to_owned(),
            count: 12,
            first: at("09:08:00"),
            pods: strings(&["monitoring/thanos-receive-2"]),
        }],
        members: ring([("ready", "yes"), ("restarts", "3")]),
        ..report(false, scope("09:00:01", "09:20:00"))
    }
}

/// Nothing to act on.
pub(super) fn healthy() -> Report {
    Report {
        coverage: Coverage {
            sources: vec![
                log("thanos-receive-0", false, "12:00:00", "12:15:00", 1201),
                log("thanos-receive-1", false, "12:00:00", "12:15:00", 1188),
                log("thanos-receive-2", false, "12:00:00", "12:15:00", 1190),
                status("thanos-receive-0"),
                status("thanos-receive-1"),
                status("thanos-receive-2"),
            ],
            gaps: vec![gap("metrics", "not collected")],
        },
        members: ring([("ready", "yes"), ("restarts", "0")]),
        ..report(true, scope("12:00:00", "12:15:00"))
    }
}

/// A rollout that explains its own noise, and a bucket that refuses uploads meanwhile.
pub(super) fn rollout_and_bucket() -> Report {
    let rollout = Incident {
        id: "0011aa22bb33".to_owned(),
        from: at("15:02:00"),
        until: at("15:06:30"),
        exact: true,
        verdict: "benign".to_owned(),
        severity: "warning".to_owned(),
        hypotheses: vec![Hypothesis {
            cause: "rollout".to_owned(),
            title: "A rollout restarts the receivers one after the other".to_owned(),
            role: "benign".to_owned(),
            probability: 0.97,
            band: "confirmed".to_owned(),
            subjects: vec![subject("statefulset", "monitoring/thanos-receive")],
            heals_itself: "usually".to_owned(),
            ..Hypothesis::default()
        }],
        unknown_probability: 0.01,
        ..Incident::default()
    };
    let denied = evidence(
        "thanos/shipper/access-denied",
        "The object store answers AccessDenied",
        pod("thanos-receive-0"),
        5.5,
    );
    let bucket = Incident {
        id: "77ee88ff9900".to_owned(),
        from: at("14:31:10"),
        provisional: true,
        exact: true,
        verdict: "likely".to_owned(),
        severity: "error".to_owned(),
        hypotheses: vec![Hypothesis {
            cause: "objstore-access-denied".to_owned(),
            title: "The object store refuses the credentials".to_owned(),
            role: "root".to_owned(),
            probability: 0.88,
            band: "likely".to_owned(),
            subjects: vec![subject("bucket", "thanos")],
            explains: vec![explained(&denied, 0.97, 34, &[])],
            pro: vec![
                denied.clone(),
                Evidence {
                    subject: pod("thanos-receive-2"),
                    ..denied
                },
            ],
            heals_itself: "never".to_owned(),
            remediation: Remediation {
                confirm: vec![step("Ask whether the key was rotated today", None, None)],
                mitigate: vec![],
                fix: vec![step(
                    "Put the new key in the object-store secret and restart the receivers one by one",
                    Some("kubectl -n monitoring rollout restart statefulset/thanos-receive"),
                    Some("disruptive"),
                )],
                verify: "thanos_objstore_bucket_operation_failures_total stops growing".to_owned(),
                avoid: vec![],
            },
            ..Hypothesis::default()
        }],
        unknown_probability: 0.1,
        timeline: Timeline {
            from: at("14:30:00"),
            until: at("15:30:00"),
            rows: vec![
                row(
                    "thanos-receive-0",
                    false,
                    "uploads denied ×17",
                    marks(
                        "error",
                        "thanos/shipper/access-denied",
                        &["14:31:10", "14:46:10", "15:01:10", "15:16:10"],
                    ),
                ),
                row("thanos-receive-1", false, "quiet", vec![]),
            ],
        },
        ..Incident::default()
    };
    Report {
        coverage: Coverage {
            sources: vec![
                log("thanos-receive-0", false, "14:30:00", "15:30:00", 5000),
                log("thanos-receive-1", false, "14:30:00", "15:30:00", 5000),
            ],
            gaps: vec![],
        },
        incidents: vec![bucket, rollout],
        members: ring([("ready", "yes"), ("restarts", "0")]),
        ..report(false, scope("14:30:00", "15:30:00"))
    }
}

/// All of them, with names for snapshots.
pub(super) fn all() -> [(&'static str, Report); 4] {
    [
        ("oom", oom()),
        ("cannot_tell", cannot_tell()),
        ("healthy", healthy()),
        ("rollout_and_bucket", rollout_and_bucket()),
    ]
}
