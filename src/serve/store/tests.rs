//! Tests of `serve`.

#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;
use crate::serve::alert::Payload;
use crate::serve::clock::Millis;

const T0: Millis = 1_800_000_000_000;
const MINUTE: Millis = 60_000;

fn connection() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    tune(&connection).unwrap();
    schema::migrate(&mut connection).unwrap();
    connection
}

/// `STATUS@MINUTE fingerprint(+|-)...`: a delivery of firing (+) and resolved (-) alerts.
fn payload(status: &str, alerts: &str) -> Payload {
    let alerts: Vec<_> = alerts
        .split_whitespace()
        .map(|one| {
            let (name, status) = one.split_at(one.len() - 1);
            let (fingerprint, began) = name.split_once('@').unwrap_or((name, "0"));
            json!({
                "status": if status == "+" { "firing" } else { "resolved" },
                "labels": { "alertname": "Down", "pod": fingerprint },
                "startsAt": format!("2027-01-15T07:{:0>2}:00Z", began),
                "fingerprint": fingerprint,
            })
        })
        .collect();
    let body = json!({ "version": "4", "groupKey": "g", "status": status, "alerts": alerts });
    Payload::decode(body.to_string().as_bytes()).unwrap()
}

/// Deliveries `(minute, status, alerts)` and what each does: `incident effect`.
fn check(deliveries: &[(Millis, &str, &str, &str)]) {
    let connection = connection();
    for (minute, status, alerts, expected) in deliveries {
        let taken =
            intake::take(&connection, &payload(status, alerts), T0 + minute * MINUTE).unwrap();
        let got = format!("{} {}", taken.incident, taken.effect.word());
        assert_eq!(
            got, *expected,
            "minute {minute}: {status} {alerts} of {deliveries:?}"
        );
    }
}

#[test]
fn what_deliveries_do() {
    check(&[
        (0, "firing", "a+", "1 opened"),
        (1, "firing", "a+", "1 repeated"),
        (2, "firing", "a+ b+", "1 changed"),
        (3, "firing", "a- b+", "1 changed"),
        (4, "firing", "b+", "1 repeated"),
        (5, "resolved", "b-", "1 resolved"),
        (6, "resolved", "b-", "1 repeated"),
    ]);
}

#[test]
fn an_alert_that_is_no_longer_listed_is_over() {
    check(&[
        (0, "firing", "a+ b+", "1 opened"),
        (1, "firing", "a+", "1 changed"),
        (2, "firing", "a+", "1 repeated"),
        (3, "firing", "a+ b+", "1 changed"),
    ]);
}

#[test]
fn late_copies_and_new_beginnings() {
    check(&[
        (0, "firing", "a+", "1 opened"),
        (5, "resolved", "a-", "1 resolved"),
        (6, "firing", "a+", "1 repeated"),
        (9, "firing", "a+", "1 reopened"),
        (10, "resolved", "a-", "1 resolved"),
        (11, "firing", "a@9+", "2 opened"),
    ]);
    check(&[
        (0, "resolved", "a-", "1 resolved"),
        (1, "resolved", "a-", "1 repeated"),
        (2, "firing", "a@2+", "2 opened"),
    ]);
}

#[test]
fn stores_of_other_versions() {
    let mut connection = connection();
    schema::migrate(&mut connection).unwrap();
    assert_eq!(schema::version(&connection).unwrap(), schema::LATEST);
    connection
        .pragma_update(None, "user_version", schema::LATEST + 1)
        .unwrap();
    assert!(matches!(
        schema::migrate(&mut connection),
        Err(StoreError::TooNew { .. })
    ));
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::TempDir::new().unwrap();
    let store = Store::open(folder.path(), StoreOptions::default()).unwrap();
    (folder, store)
}

fn finding(digest: &str) -> Finding {
    Finding {
        digest: digest.to_owned(),
        verdict: "likely".to_owned(),
        cause: Some("disk-full".to_owned()),
        title: Some("A disk is full".to_owned()),
        probability: Some(0.8),
        severity: Some("critical".to_owned()),
        report: crate::report::model::Report::default(),
        bundle: None,
        bundle_bytes: 0,
    }
}

fn answer(incident: i64, due: Millis) -> Vec<Answer> {
    vec![Answer {
        incident,
        look_at: Some(due + MINUTE),
        due,
    }]
}

#[tokio::test]
async fn one_failing_write_is_nobody_elses() {
    let (_folder, store) = store();
    let bad =
        store.write(|connection| Ok(connection.execute("INSERT INTO nowhere VALUES (1)", [])?));
    let good = store.deliver(payload("firing", "a+"), T0);
    let (bad, good) = tokio::join!(bad, good);
    assert!(matches!(bad, Err(StoreError::Sqlite(_))));
    assert_eq!(good.unwrap().effect, Effect::Opened);
    assert_eq!(
        store
            .incidents(&Filter {
                limit: 9,
                ..Filter::default()
            })
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn room_in_the_log_says_nothing() {
    const ROOM: u64 = 1024 * 1024 + 77;
    let folder = tempfile::TempDir::new().unwrap();
    let options = StoreOptions {
        log_room: ROOM,
        ..StoreOptions::default()
    };
    let store = Store::open(folder.path(), options).unwrap();
    let log = |folder: &Path| fs::metadata(folder.join("incidents.db-wal")).unwrap().len();
    assert_eq!(log(folder.path()), ROOM);
    store.deliver(payload("firing", "a+"), T0).await.unwrap();
    assert_eq!(log(folder.path()), ROOM);
    // What is there when the process is killed now.
    let left = tempfile::TempDir::new().unwrap();
    for name in ["incidents.db", "incidents.db-wal"] {
        fs::copy(folder.path().join(name), left.path().join(name)).unwrap();
    }
    let again = Store::open(left.path(), options).unwrap();
    assert_eq!(again.counts().unwrap().firing, 1);
    again.deliver(payload("firing", "b+"), T0).await.unwrap();
    assert_eq!(log(left.path()), ROOM);
    // Where there is no log there is nothing to make longer, and nothing fails.
    room::make(&left.path().join("nowhere"), ROOM);
    assert!(!left.path().join("nowhere").exists());
}

#[cfg(unix)]
#[test]
fn what_is_stored_is_nobody_elses_business() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, _store) = store();
    let mode = |name: &str| {
        let about = fs::metadata(folder.path().join(name)).unwrap();
        about.permissions().mode() & 0o777
    };
    for (name, expected) in [
        ("", 0o700),
        (BUNDLES, 0o700),
        (DATABASE, 0o600),
        ("incidents.db-wal", 0o600),
    ] {
        assert_eq!(mode(name), expected, "{name}");
    }
}

#[tokio::test]
async fn each_answer_is_told_once() {
    let (_folder, store) = store();
    let id = store
        .deliver(payload("firing", "a+"), T0)
        .await
        .unwrap()
        .incident;
    let receivers = || vec!["x".to_owned(), "y".to_owned()];
    let mut told = Vec::new();
    for (i, digest) in ["one", "one", "two", "one"].into_iter().enumerate() {
        let now = T0 + i64::try_from(i).unwrap() * MINUTE;
        store
            .answer(finding(digest), answer(id, now), receivers(), now)
            .await
            .unwrap();
        for notice in store.notices_due("x", now, 9).unwrap() {
            told.push((i, notice.kind.word()));
            store
                .notice_done(notice, Some(("C".to_owned(), "1.0".to_owned())), now)
                .await
                .unwrap();
        }
    }
    assert_eq!(told, [(0, "opened"), (2, "changed"), (3, "changed")]);
    assert_eq!(store.answers(id).unwrap().len(), 3);
    // The other receiver is not held up, and gets its own in order, one at a time.
    let waiting = store.notices_due("y", T0 + 9 * MINUTE, 9).unwrap();
    assert_eq!(
        waiting.iter().map(|n| n.kind.word()).collect::<Vec<_>>(),
        ["opened"]
    );
    store
        .notice_failed(waiting[0].id, "no".to_owned(), Some(T0 + 60 * MINUTE), T0)
        .await
        .unwrap();
    assert!(
        store
            .notices_due("y", T0 + 9 * MINUTE, 9)
            .unwrap()
            .is_empty()
    );
    store
        .notice_failed(waiting[0].id, "no".to_owned(), None, T0)
        .await
        .unwrap();
    assert_eq!(
        store.notices_due("y", T0 + 9 * MINUTE, 9).unwrap()[0]
            .kind
            .word(),
        "changed"
    );
    assert_eq!(store.counts().unwrap().given_up, 1);
}

#[tokio::test]
async fn what_comes_during_a_look_gets_its_own() {
    let (_folder, store) = store();
    let id = store
        .deliver(payload("firing", "a+"), T0)
        .await
        .unwrap()
        .incident;
    let due = store.due(T0 + MINUTE, 9).unwrap();
    assert_eq!(due.len(), 1);
    // While it is looked at, another alert of the group comes in.
    store
        .deliver(payload("firing", "a+ b+"), T0 + 2 * MINUTE)
        .await
        .unwrap();
    store
        .answer(
            finding("one"),
            answer(id, due[0].look_at),
            Vec::new(),
            T0 + 3 * MINUTE,
        )
        .await
        .unwrap();
    assert_eq!(store.next_due().unwrap(), Some(due[0].look_at + 1));
}

#[tokio::test]
async fn old_things_are_forgotten_and_shared_bundles_are_not() {
    let (_folder, store) = store();
    let id = store
        .deliver(payload("firing", "a+"), T0)
        .await
        .unwrap()
        .incident;
    let with = |digest: &str, bundle: &str| Finding {
        bundle: Some(bundle.to_owned()),
        bundle_bytes: 7,
        ..finding(digest)
    };
    for (minute, digest, bundle) in [
        (1, "one", "shared"),
        (2, "two", "old"),
        (30, "three", "shared"),
    ] {
        let now = T0 + minute * MINUTE;
        store
            .answer(with(digest, bundle), answer(id, now), Vec::new(), now)
            .await
            .unwrap();
    }
    let stale = store.forget(T0 + 20 * MINUTE, T0).await.unwrap();
    assert_eq!(
        stale,
        Stale {
            bundles: vec!["old".to_owned()],
            incidents: 0
        }
    );
    store
        .deliver(payload("resolved", "a-"), T0 + 40 * MINUTE)
        .await
        .unwrap();
    let stale = store.forget(T0, T0 + 50 * MINUTE).await.unwrap();
    assert_eq!(
        stale,
        Stale {
            bundles: vec!["shared".to_owned()],
            incidents: 1
        }
    );
    assert!(
        store
            .incidents(&Filter {
                limit: 9,
                ..Filter::default()
            })
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn search_and_pages() {
    let (_folder, store) = store();
    for i in 0..5 {
        let mut one = payload("firing", "a+");
        one.group_key = format!("group number-{i}");
        store.deliver(one, T0).await.unwrap();
    }
    let ids = |filter: Filter| -> Vec<i64> {
        store
            .incidents(&filter)
            .unwrap()
            .iter()
            .map(|i| i.id)
            .collect()
    };
    assert_eq!(
        ids(Filter {
            limit: 2,
            ..Filter::default()
        }),
        [5, 4]
    );
    assert_eq!(
        ids(Filter {
            limit: 2,
            before: Some(4),
            ..Filter::default()
        }),
        [3, 2]
    );
    assert_eq!(
        ids(Filter {
            limit: 9,
            query: "NUMBER-3".to_owned(),
            ..Filter::default()
        }),
        [4]
    );
    assert!(
        ids(Filter {
            limit: 9,
            query: "%' OR 1".to_owned(),
            ..Filter::default()
        })
        .is_empty()
    );
}
