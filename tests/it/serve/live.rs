//! What goes on while somebody looks: events, answers that change, what is forgotten.

use super::*;

#[tokio::test]
async fn an_open_page_is_told_what_changed() {
    let folder = TempDir::new().unwrap();
    let server = start(&folder).await;
    let at = server.address();
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream
        .write_all(b"GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    let payload = delivery("g", "firing", vec![alert("Down", "f", "firing")]);
    let mut seen = String::new();
    let mut chunk = [0; 4096];
    let listening = async {
        while !seen.contains("text/event-stream") {
            let read = stream.read(&mut chunk).await.unwrap();
            seen.push_str(&String::from_utf8_lossy(&chunk[..read]));
        }
        assert_eq!(post(at, &payload).await, 202);
        while !seen.contains("data: 1") {
            let read = stream.read(&mut chunk).await.unwrap();
            assert!(read > 0, "{seen}");
            seen.push_str(&String::from_utf8_lossy(&chunk[..read]));
        }
    };
    tokio::time::timeout(PATIENCE, listening)
        .await
        .expect("it is told");
    assert!(seen.contains("event: change"), "{seen}");
    server.stop().await;
}

#[tokio::test]
async fn answers_are_kept_as_evidence_comes_in() {
    let folder = TempDir::new().unwrap();
    let told = Told::start(0).await;
    let mut telling = config(folder.path());
    telling.receivers = vec![receivers(&told).remove(1)];
    // First the ring has nothing to say.
    let log = folder
        .path()
        .join("bundle/logs/monitoring/thanos-receive-1/thanos-receive.log");
    let full = fs::read_to_string(&log).unwrap();
    fs::write(&log, "ts=2026-11-23T02:00:00Z level=info msg=ready\n").unwrap();
    let server = Server::start(telling, PACK.clone()).await.unwrap();
    let at = server.address();
    assert_eq!(
        post(
            at,
            &delivery("g", "firing", vec![alert("Down", "f", "firing")])
        )
        .await,
        202
    );
    let found = until(at, |found| !found.is_empty() && answered(found)).await;
    assert_eq!(found[0]["verdict"], "healthy");
    fs::write(&log, full).unwrap();
    assert_eq!(ask(at, "POST /incidents/1/look", b"").await.0, 303);
    until(at, |found| found[0]["cause"] == "disk-full").await;
    let one: Value = serde_json::from_str(&get(at, "/api/v1/incidents/1").await).unwrap();
    let verdicts: Vec<_> = one["answers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["cause"].clone())
        .collect();
    assert_eq!(verdicts.len(), 2, "{verdicts:?}");
    let page = get(at, "/incidents/1").await;
    assert!(page.contains("HEALTHY") && page.contains("Answers as evidence came in"));
    let kinds: Vec<_> = told
        .wait(2)
        .await
        .iter()
        .map(|(_, body)| body["kind"].clone())
        .collect();
    assert_eq!(kinds, ["opened", "changed"]);
    // The same answer again changes nothing and tells nobody.
    assert_eq!(ask(at, "POST /incidents/1/look", b"").await.0, 303);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(told.seen().len(), 2);
    server.stop().await;
}

#[tokio::test]
async fn what_is_old_is_forgotten_at_the_next_start() {
    let folder = TempDir::new().unwrap();
    let server = start(&folder).await;
    let at = server.address();
    assert_eq!(
        post(
            at,
            &delivery("g", "firing", vec![alert("Down", "f", "firing")])
        )
        .await,
        202
    );
    until(at, |found| !found.is_empty() && answered(found)).await;
    assert_eq!(
        post(
            at,
            &delivery("g", "resolved", vec![alert("Down", "f", "resolved")])
        )
        .await,
        202
    );
    assert_eq!(ask(at, "GET /incidents/1/bundle", b"").await.0, 200);
    server.stop().await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let brief = Config {
        keep_bundles: Duration::ZERO,
        ..config(folder.path())
    };
    let server = Server::start(brief, PACK.clone()).await.unwrap();
    let gone = async {
        while ask(server.address(), "GET /incidents/1/bundle", b"")
            .await
            .0
            != 404
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone)
        .await
        .expect("the bundle is forgotten");
    assert_eq!(incidents(server.address()).await.len(), 1);
    server.stop().await;
    let left = fs::read_dir(folder.path().join("data/bundles"))
        .unwrap()
        .count();
    assert_eq!(left, 0);
    let brief = Config {
        keep_incidents: Duration::ZERO,
        ..config(folder.path())
    };
    let server = Server::start(brief, PACK.clone()).await.unwrap();
    until(server.address(), <[Value]>::is_empty).await;
    server.stop().await;
}
