//! A bundle of a running ring in a temporary folder, to be changed by a test.

use std::fs;
use std::path::{Path, PathBuf};

use rdiag::bundle::Input;
use rdiag::checks::{self, Cadence, Checklist, Options, Targets};
use serde_json::{Value, json};
use tempfile::TempDir;

const NAMESPACE: &str = "observability";

pub(super) struct Bundle {
    dir: TempDir,
    pub(super) options: Options,
    pub(super) targets: Targets,
}

/// The three receivers.
pub(super) const PODS: [&str; 3] = [
    "obs-thanos-receive-0",
    "obs-thanos-receive-1",
    "obs-thanos-receive-2",
];

/// Which scrapes.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum When {
    First,
    Last,
    Both,
}

impl Bundle {
    /// The captured bundle, with what its cluster did not have: nodes, addresses, claims and the
    /// kubelet's statistics of volumes.
    pub(super) fn healthy() -> Self {
        let bundle = Self {
            dir: TempDir::new().unwrap(),
            options: Options::default(),
            targets: Targets::default(),
        };
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/checks/healthy");
        copy(&from, bundle.dir.path());
        bundle.add_objects();
        for (i, pod) in PODS.iter().enumerate() {
            let claim = format!("data-{pod}");
            for (when, used) in [(When::First, 30e9), (When::Last, 30e9 + 1e6 * i as f64)] {
                bundle.add(pod, when, &format!("kubelet_volume_stats_capacity_bytes{{namespace=\"{NAMESPACE}\",persistentvolumeclaim=\"{claim}\"}} 1e11"));
                bundle.add(pod, when, &format!("kubelet_volume_stats_used_bytes{{namespace=\"{NAMESPACE}\",persistentvolumeclaim=\"{claim}\"}} {used}"));
            }
        }
        bundle
    }

    fn add_objects(&self) {
        self.json("pods.json", |list| {
            for pod in list["items"].as_array_mut().unwrap() {
                let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
                if PODS.contains(&name.as_str()) {
                    pod["spec"]["volumes"] = json!([{ "name": "data", "persistentVolumeClaim": { "claimName": format!("data-{name}") } }]);
                }
            }
        });
        let node = |name: &str| {
            json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": name },
                "status": { "conditions": [{ "type": "Ready", "status": "True" }, { "type": "DiskPressure", "status": "False" }] } })
        };
        let nodes: Vec<Value> = ["node-a", "node-b", "node-c"]
            .into_iter()
            .map(node)
            .collect();
        self.write(
            "kubernetes/nodes.json",
            &json!({ "apiVersion": "v1", "kind": "List", "items": nodes }).to_string(),
        );
        let endpoint = |pod: &&str| {
            json!({ "addresses": [format!("10.70.1.1{}", pod.rsplit('-').next().unwrap())], "hostname": pod,
                "conditions": { "ready": true, "serving": true, "terminating": false },
                "targetRef": { "kind": "Pod", "name": pod, "namespace": NAMESPACE } })
        };
        let slice = json!({ "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": { "name": "obs-thanos-receive-x", "namespace": NAMESPACE, "labels": { "kubernetes.io/service-name": "obs-thanos-receive" } },
            "endpoints": PODS.iter().map(endpoint).collect::<Vec<_>>() });
        let slices = json!({ "apiVersion": "v1", "kind": "List", "items": [slice] });
        self.write(
            &format!("kubernetes/{NAMESPACE}/endpointslices.json"),
            &slices.to_string(),
        );
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn write(&self, path: &str, text: &str) {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(super) fn remove(&self, path: &str) {
        let path = self.dir.path().join(path);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap()
        } else {
            fs::remove_file(path).unwrap()
        }
    }

    /// Changes a file of Kubernetes objects.
    pub(super) fn json(&self, file: &str, change: impl FnOnce(&mut Value)) {
        let mut path = self
            .dir
            .path()
            .join("kubernetes")
            .join(NAMESPACE)
            .join(file);
        if !path.exists() {
            path = self.dir.path().join("kubernetes").join(file);
        }
        let mut value: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        change(&mut value);
        fs::write(path, value.to_string()).unwrap();
    }

    /// Changes the object of that name.
    pub(super) fn object(&self, file: &str, name: &str, change: impl FnOnce(&mut Value)) {
        self.json(file, |list| {
            let mut items = list["items"].as_array_mut().unwrap().iter_mut();
            change(items.find(|i| i["metadata"]["name"] == name).unwrap());
        });
    }

    /// Changes the value of all series that begin with `series`, of `pod` or of all (`*`).
    pub(super) fn set(&self, pod: &str, when: When, series: &str, value: impl Fn(f64) -> f64) {
        let mut hit = 0;
        for file in self.scrapes(pod, when) {
            let text = fs::read_to_string(&file).unwrap();
            let lines = text.lines().map(|line| match line.rsplit_once(' ') {
                Some((name, old)) if name.starts_with(series) => {
                    hit += 1;
                    format!("{name} {}", value(old.parse().unwrap()))
                }
                _ => line.to_owned(),
            });
            let text = lines.collect::<Vec<_>>().join("\n") + "\n";
            fs::write(file, text).unwrap();
        }
        assert!(hit > 0, "no series {series}");
    }

    /// Adds a sample to scrapes.
    pub(super) fn add(&self, pod: &str, when: When, line: &str) {
        for file in self.scrapes(pod, when) {
            let text = fs::read_to_string(&file).unwrap();
            fs::write(file, format!("{text}{line}\n")).unwrap();
        }
    }

    /// Takes series out of all scrapes.
    pub(super) fn drop(&self, series: &str) {
        for file in self.scrapes("*", When::Both) {
            let text = fs::read_to_string(&file).unwrap();
            let lines = text
                .lines()
                .filter(|l| !l.starts_with(series))
                .collect::<Vec<_>>();
            fs::write(file, lines.join("\n") + "\n").unwrap();
        }
    }

    /// Moves the first scrapes back by so many seconds.
    pub(super) fn stretch(&self, seconds: i64) {
        for file in self.scrapes("*", When::First) {
            let unix: i64 = file.file_stem().unwrap().to_str().unwrap().parse().unwrap();
            fs::rename(
                &file,
                file.with_file_name(format!("{}.prom", unix - seconds)),
            )
            .unwrap();
        }
    }

    fn scrapes(&self, pod: &str, when: When) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for name in PODS.iter().filter(|p| pod == "*" || **p == pod) {
            let dir = self.dir.path().join("metrics").join(NAMESPACE).join(name);
            let mut files: Vec<PathBuf> = fs::read_dir(dir)
                .unwrap()
                .map(|e| e.unwrap().path())
                .collect();
            files.sort();
            match when {
                When::First => found.extend(files.first().cloned()),
                When::Last => found.extend(files.last().cloned()),
                When::Both => found.extend(files),
            }
        }
        found
    }

    pub(super) fn check(&self, cadence: Cadence) -> Checklist {
        let input = Input::open(&[self.dir.path().to_owned()], None).unwrap();
        checks::check(&input, cadence, &self.targets, &self.options)
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
