//! Credentials in alerts and logs are in nothing that `serve` keeps, shows or sends.

use super::*;

const SECRETS: [&str; 4] = [
    "hunter22pw",
    "AKIAIOSFODNN7EXAMPLE",
    "s3cr3tP4ss",
    "bob@corp.example",
];

fn leaky_bundle(folder: &Path) -> PathBuf {
    let root = folder.join("leaky");
    let log = root.join("logs/monitoring/thanos-receive-1");
    fs::create_dir_all(&log).unwrap();
    let line = "ts=2026-11-23T02:00:10Z level=error component=receive component=multi-tsdb msg=\"compaction failed\" \
                err=\"PUT https://bob:hunter22pw@s3.test/x?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE: no space left on device\"\n";
    fs::write(log.join("thanos-receive.log"), line.repeat(20)).unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, line.as_bytes()).unwrap();
    fs::write(log.join("old.log.gz"), packed.finish().unwrap()).unwrap();
    let objects = root.join("kubernetes/monitoring");
    fs::create_dir_all(&objects).unwrap();
    let pods = json!({ "kind": "PodList", "apiVersion": "v1", "items": [{ "kind": "Pod",
        "metadata": { "name": "thanos-receive-1", "namespace": "monitoring", "annotations": { "owner": "bob@corp.example" } },
        "spec": { "containers": [{ "name": "thanos-receive", "args": ["--objstore.config=secret_key: s3cr3tP4ss"] }] } }] });
    fs::write(objects.join("pods.json"), pods.to_string()).unwrap();
    root
}

fn leaky_payload() -> Value {
    let mut one = alert("Down", "f", "firing");
    one["labels"]["password"] = json!("s3cr3tP4ss");
    one["annotations"] =
        json!({ "runbook": "https://bob:hunter22pw@wiki.test/", "owner": "bob@corp.example" });
    let mut payload = delivery("{}:{token=\"AKIAIOSFODNN7EXAMPLE\"}", "firing", vec![one]);
    payload["commonLabels"]["password"] = json!("s3cr3tP4ss");
    payload["externalURL"] = json!("http://bob:hunter22pw@alertmanager.test");
    payload
}

/// Whether any file below holds any of the secrets, archives unpacked.
fn found_in(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(found_in(&path));
            continue;
        }
        let mut bytes = fs::read(&path).unwrap();
        if path.extension().is_some_and(|e| e == "zst") {
            bytes = zstd::decode_all(&bytes[..]).unwrap();
        }
        let text = String::from_utf8_lossy(&bytes);
        for secret in SECRETS {
            if text.contains(secret) {
                found.push(format!("{}: {secret}", path.display()));
            }
        }
    }
    found
}

#[tokio::test]
async fn no_credentials_are_kept_shown_or_sent() {
    let folder = TempDir::new().unwrap();
    let told = Told::start(0).await;
    let mut leaky = config(folder.path());
    leaky.source = Source::Bundle(leaky_bundle(folder.path()));
    leaky.receivers = receivers(&told);
    let server = Server::start(leaky, PACK.clone()).await.unwrap();
    let at = server.address();
    assert_eq!(post(at, &leaky_payload()).await, 202);
    let found = until(at, |found| !found.is_empty() && answered(found)).await;
    assert_eq!(found[0]["labels"]["password"], "[REDACTED:password]");
    let said = json!({ "note": "it was bob@corp.example with password=s3cr3tP4ss" });
    let form = "POST /incidents/1/feedback\r\ncontent-type: application/x-www-form-urlencoded";
    let body = format!(
        "cause=disk-full&note={}",
        said["note"]
            .as_str()
            .unwrap()
            .replace(' ', "+")
            .replace('@', "%40")
            .replace('=', "%3D")
    );
    assert_eq!(ask(at, form, body.as_bytes()).await.0, 303);
    let mut shown = String::new();
    for path in [
        "/",
        "/incidents/1",
        "/api/v1/incidents",
        "/api/v1/incidents/1",
        "/incidents/1/truth.yaml",
        "/metrics",
        "/api/v1/incidents/1/report?format=html",
        "/api/v1/incidents/1/report?format=text",
    ] {
        shown.push_str(&get(at, path).await);
    }
    for (_, body) in told.wait(3).await {
        shown.push_str(&body.to_string());
    }
    for secret in SECRETS {
        assert!(!shown.contains(secret), "{secret}");
    }
    // Two groups that differ in nothing but a secret stay two.
    let mut other = leaky_payload();
    other["groupKey"] = json!("{}:{token=\"AKIAIOSFODNN7EXAMPLF\"}");
    assert_eq!(post(at, &other).await, 202);
    assert_eq!(incidents(at).await.len(), 2);
    server.stop().await;
    // The store, its log and the bundles; the bundle still reads, archive within the log and all.
    assert_eq!(found_in(&folder.path().join("data")), Vec::<String>::new());
}

#[tokio::test]
async fn an_archive_is_cleaned_too_and_gives_the_same_answer() {
    let folder = TempDir::new().unwrap();
    let archive = folder.path().join("bundle.tar.gz");
    let packer = flate2::write::GzEncoder::new(
        fs::File::create(&archive).unwrap(),
        flate2::Compression::fast(),
    );
    let mut tar = tar::Builder::new(packer);
    tar.append_dir_all("", leaky_bundle(folder.path())).unwrap();
    tar.into_inner().unwrap().finish().unwrap();
    let mut from = config(folder.path());
    from.source = Source::Bundle(archive);
    let server = Server::start(from, PACK.clone()).await.unwrap();
    let at = server.address();
    assert_eq!(post(at, &leaky_payload()).await, 202);
    let found = until(at, |found| !found.is_empty() && answered(found)).await;
    assert_eq!(found[0]["cause"], "disk-full", "{found:?}");
    let (status, head, _) = ask(at, "GET /incidents/1/bundle", b"").await;
    assert_eq!(
        (status, head.contains("incident-1.tar.zst")),
        (200, true),
        "{head}"
    );
    server.stop().await;
    assert_eq!(found_in(&folder.path().join("data")), Vec::<String>::new());
}

#[tokio::test]
async fn whoever_wants_everything_gets_it() {
    let folder = TempDir::new().unwrap();
    let mut plain = config(folder.path());
    plain.redact = false;
    let server = Server::start(plain, PACK.clone()).await.unwrap();
    assert_eq!(post(server.address(), &leaky_payload()).await, 202);
    assert_eq!(
        incidents(server.address()).await[0]["labels"]["password"],
        "s3cr3tP4ss"
    );
    server.stop().await;
}
