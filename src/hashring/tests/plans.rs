//! Change requests: the order of the steps, the names in the commands, the file they lead to.

use super::*;

fn request(to: Option<usize>) -> PlanRequest {
    PlanRequest {
        to,
        memory: None,
        cpu: None,
        hashring: None,
        statefulsets: Vec::new(),
        namespace: None,
        configmap: "thanos-receive-hashring".into(),
        key: "hashrings.json".into(),
        container: "thanos-receive".into(),
        file_name: "hashrings.json".into(),
        load: Load {
            series: Some(1e6),
            tenants: BTreeMap::new(),
        },
        bytes_per_series: PlanRequest::USUAL_BYTES_PER_SERIES,
    }
}

fn ring(count: usize) -> String {
    let list: Vec<String> = (0..count)
        .map(|n| format!("\"receive-{n}.receive.monitoring.svc.cluster.local:10901\""))
        .collect();
    format!(
        "[{{\"hashring\": \"default\", \"note\": 1, \"endpoints\": [{}]}}]",
        list.join(", ")
    )
}

fn planned(text: &str, request: &PlanRequest) -> Result<Plan, PlanError> {
    let rings = Rings::parse(text).unwrap();
    plan(text, &rings, &setup(Algorithm::Ketama, 3, "0.41"), request)
}

/// Where the first command with these words stands.
fn position(plan: &Plan, words: &str) -> usize {
    let commands = plan.steps.iter().flat_map(|step| &step.run);
    commands
        .enumerate()
        .find(|(_, line)| line.contains(words))
        .map(|(at, _)| at)
        .unwrap()
}

#[test]
fn out_starts_members_before_the_ring_lists_them() {
    let plan = planned(&ring(3), &request(Some(5))).unwrap();
    assert_eq!(plan.blocked, Vec::<String>::new());
    let scale = position(&plan, "scale statefulset/receive --replicas=5");
    assert!(scale < position(&plan, "rollout status statefulset/receive --timeout=30m"));
    assert!(scale < position(&plan, "patch configmap thanos-receive-hashring"));
    let file = Rings::parse(plan.file.as_deref().unwrap()).unwrap();
    let last = file.endpoints().last().unwrap().address.clone();
    assert_eq!(last, "receive-4.receive.monitoring.svc.cluster.local:10901");
    assert!(plan.file.as_deref().unwrap().contains("\"note\": 1"));
    let hash = config_hash(plan.file.as_deref().unwrap().as_bytes(), None).to_string();
    assert!(plan.steps.iter().any(|step| step.expect.contains(&hash)));
    let new: Vec<_> = plan
        .members
        .iter()
        .filter(|member| member.change == "new")
        .collect();
    assert_eq!(new.len(), 2);
    assert!(new.iter().all(|member| member.extra_bytes.unwrap() > 1e9));
}

#[test]
fn in_changes_the_ring_before_members_stop() {
    let plan = planned(&ring(5), &request(Some(3))).unwrap();
    let patch = position(&plan, "patch configmap thanos-receive-hashring");
    let drained = position(&plan, "receive-3|receive-4");
    let scale = position(&plan, "scale statefulset/receive --replicas=3");
    assert!(patch < drained && drained < scale);
    assert!(!plan.file.as_deref().unwrap().contains("receive-3"));
}

#[test]
fn up_restarts_one_by_one_and_leaves_the_ring() {
    let request = PlanRequest {
        memory: Some("6Gi".into()),
        ..request(None)
    };
    let plan = planned(&ring(3), &request).unwrap();
    position(
        &plan,
        "set resources statefulset/receive -c thanos-receive --requests=memory=6Gi",
    );
    assert_eq!(plan.file, None);
    assert_eq!(
        plan.title,
        "Give the members of hashring default more resources"
    );
}

#[test]
fn zones_grow_evenly_and_objects_keep_their_form() {
    let sets = ["a", "b", "c"].map(|zone| {
        format!(
            "{{\"address\": \"recv-{zone}-0.recv.mon.svc:10901\", \
             \"capnproto_address\": \"recv-{zone}-0.recv.mon.svc:19391\", \"az\": \"{zone}\"}}"
        )
    });
    let text = format!("[{{\"endpoints\": [{}]}}]", sets.join(", "));
    let plan = planned(&text, &request(Some(6))).unwrap();
    for zone in ["a", "b", "c"] {
        position(
            &plan,
            &format!("scale statefulset/recv-{zone} --replicas=2"),
        );
        let file = plan.file.as_deref().unwrap();
        assert!(
            file.contains(&format!("recv-{zone}-1.recv.mon.svc:19391")),
            "{file}"
        );
    }
    let one = PlanRequest {
        statefulsets: vec!["recv-b".into()],
        ..request(Some(5))
    };
    let plan = planned(&text, &one).unwrap();
    position(&plan, "scale statefulset/recv-b --replicas=3");
}

#[test]
fn unwise_or_unclear_requests_are_refused() {
    let blocked = planned(&ring(3), &request(Some(2))).unwrap();
    assert!(!blocked.blocked.is_empty() && blocked.steps.is_empty());
    assert!(plan_text(&blocked).contains("NOT POSSIBLE AS ASKED"));
    let same = planned(&ring(3), &request(Some(3))).unwrap();
    assert_eq!(same.blocked, ["hashring default already has 3 members"]);
    let refused = |text: &str, request: &PlanRequest, expected: &str| {
        let error = planned(text, request).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    let hosts = ring(3).replace("receive-1.", "other.");
    refused(
        &hosts,
        &request(Some(5)),
        "not the name of a StatefulSet's pod",
    );
    let gap = ring(3).replace("receive-2.", "receive-7.");
    refused(&gap, &request(Some(5)), "not numbered from 0 without gaps");
    let hostile = ring(3).replace("receive-1.", "$(reboot)-1.");
    refused(
        &hostile,
        &request(Some(5)),
        "not a name that Kubernetes allows",
    );
    let unknown = PlanRequest {
        statefulsets: vec!["x".into()],
        ..request(Some(5))
    };
    refused(&ring(3), &unknown, "there is receive");
    let bare = ring(3).replace(".receive.monitoring.svc.cluster.local", "");
    refused(&bare, &request(Some(5)), "give -n");
}

#[test]
fn text_and_markdown_name_every_step() {
    let plan = planned(&ring(3), &request(Some(5))).unwrap();
    let (text, markdown) = (plan_text(&plan), plan_markdown(&plan));
    for step in &plan.steps {
        assert!(
            text.contains(&step.title.split(',').next().unwrap()[..10]),
            "{text}"
        );
        assert!(
            step.run
                .iter()
                .all(|line| text.contains(line) && markdown.contains(line))
        );
    }
    // Commands are for copying; all else fits the screen.
    let commands: Vec<_> = plan
        .steps
        .iter()
        .chain(&plan.rollback)
        .flat_map(|s| &s.run)
        .collect();
    for line in text
        .lines()
        .filter(|line| !commands.iter().any(|c| c.as_str() == line.trim()))
    {
        assert!(line.chars().count() <= 80, "{line}");
    }
}
