//! Tests of `collect::store`.

#![allow(clippy::unwrap_used)]

use jiff::Timestamp;

use super::page::{Labels, Lives, Whose};
use super::{Kind, Login, Store, loki, spans, victorialogs};
use crate::bundle::Part;
use crate::limits;

fn store(kind: Kind, namespaces: &[&str], selector: Option<&str>) -> Store {
    Store {
        kind,
        url: "http://127.0.0.1:1".to_owned(),
        tenant: None,
        login: Login::default(),
        selector: selector.map(str::to_owned),
        namespaces: namespaces.iter().map(|n| (*n).to_owned()).collect(),
        from: "2026-11-23T00:00:00Z".parse().unwrap(),
        until: "2026-11-23T01:00:00Z".parse().unwrap(),
        filter: None,
        part: Part::default(),
    }
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    let pairs = pairs.iter();
    pairs
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

#[test]
fn selectors_name_what_is_to_be_read() {
    for (namespaces, selector, expected) in [
        (&["a", "b.c"][..], None, r#"{namespace=~"a|b\\.c"}"#),
        (&[], None, r#"{namespace=~".+"}"#),
        (&["a"], Some("{app=\"x\"}"), "{app=\"x\"}"),
    ] {
        assert_eq!(
            loki::selector(&store(Kind::Loki, namespaces, selector)),
            expected
        );
    }
}

#[test]
fn queries_of_victorialogs_hold_time_place_and_order() {
    let store = store(Kind::VictoriaLogs, &["obs"], None);
    let span = (store.from.as_nanosecond(), store.until.as_nanosecond());
    let query = victorialogs::page_query(&store, "~\"x\"", span, 10, true);
    assert!(
        query.starts_with(
            "_time:[2026-11-23T00:00:00Z, 2026-11-23T01:00:00Z) (\"namespace\":in(\"obs\") or "
        ),
        "{query}"
    );
    assert!(query.contains(" ~\"x\" | fields _time, _msg, "), "{query}");
    assert!(query.ends_with("| sort by (_time) limit 10"), "{query}");
    let query = victorialogs::counts_query(&store, span);
    assert!(query.contains("| stats by (\"namespace\""), "{query}");
}

#[test]
fn labels_tell_whose_lines_and_which_life() {
    let now = labels(&[
        ("namespace", "obs"),
        ("pod", "r-0"),
        ("container", "receive"),
        ("filename", "/var/log/pods/obs_r-0_uid/receive/3.log"),
    ]);
    let before = labels(&[
        ("namespace", "obs"),
        ("pod", "r-0"),
        ("container", "receive"),
        ("filename", "/var/log/pods/obs_r-0_uid/receive/2.log"),
    ]);
    let mut lives = Lives::default();
    lives.learn(&before);
    lives.learn(&now);
    let previous = |l: &Labels| lives.is_previous(&Whose::of(l).unwrap());
    assert_eq!((previous(&now), previous(&before)), (false, true));
    assert_eq!(Whose::of(&labels(&[("namespace", "obs")])), None, "no pod");
    assert_eq!(
        Whose::of(&labels(&[("pod", "../../etc")])),
        None,
        "no file's name"
    );
    let other = Whose::of(&labels(&[("k8s_pod_name", "r-1")])).unwrap();
    assert_eq!((&*other.namespace, &*other.pod), ("default", "r-1"));
}

#[test]
fn long_times_are_asked_for_in_spans() {
    let from: Timestamp = "2026-11-20T00:00:00Z".parse().unwrap();
    let until: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
    let found = spans(from, until);
    assert_eq!(found.len(), 4);
    assert!(found.windows(2).all(|w| w[0].1 == w[1].0));
    let longest = found.iter().map(|(a, b)| b - a).max().unwrap();
    assert_eq!(longest, i128::from(limits::STORE_SPAN_SECS) * 1_000_000_000);
}
