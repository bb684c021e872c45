//! One file a fault: the place, the name, and a file without it.

use super::*;

fn judge(file: &str, algorithm: &str, copies: usize, version: &str) -> String {
    let setup = Setup {
        algorithm: match algorithm {
            "ketama" => Some(Algorithm::Ketama),
            "hashmod" => Some(Algorithm::Hashmod),
            _ => None,
        },
        replication_factor: (copies > 0).then_some(copies),
        version: parse_version(version),
    };
    let faults = Rings::parse(file).map_or_else(|faults| faults, |rings| rings.validate(&setup));
    let shown: Vec<String> = faults
        .iter()
        .map(|fault| {
            let mark = if fault.weight == Weight::Error {
                ""
            } else {
                "?"
            };
            format!("{mark}{}@{}", fault.id, fault.place)
        })
        .collect();
    shown.join(" ")
}

/// With ketama, one copy, v0.41.
fn check(file: &str, expected: &str) {
    assert_eq!(judge(file, "ketama", 1, "0.41"), expected, "{file}");
}

#[test]
fn files_that_are_not_loaded() {
    check("", "not-json@1:1");
    check("- hashring: a", "not-json@1:2");
    check("[\n {\"endpoints\": [\"a:10901\",]}]", "not-json@2:27");
    check("{\"endpoints\": []}", "not-a-list@1:1");
    check("[]", "empty-list@1:1");
    check(" null", "empty-list@1:2");
    check("[{\"endpoints\": [\"\"]}]", "no-address@1:17");
    check(
        "[{\"endpoints\": [{\"adress\": \"a:10901\"}]}]",
        "no-address@1:17",
    );
    check(
        "[{\"endpoints\": [5], \"tenants\": {}}]",
        "wrong-type@1:17 wrong-type@1:32",
    );
    check("[\"a\"]", "wrong-type@1:2");
}

#[test]
fn addresses() {
    let check = |address: &str, expected: &str| {
        check(&format!("[{{\"endpoints\": [\"{address}\"]}}]"), expected);
    };
    check("a:10901", "");
    check(
        "thanos-receive-0.thanos-receive.monitoring.svc.cluster.local:10901",
        "",
    );
    check("http://a:19291/api/v1/receive", "url-endpoint@1:17");
    check("a:10901/x", "url-endpoint@1:17");
    check("a", "no-port@1:17");
    check("a:", "bad-port@1:17");
    check("a:0", "bad-port@1:17");
    check("a:70000", "bad-port@1:17");
    check(":10901", "no-host@1:17");
    check(" a:10901", "address-space@1:17");
    check("a:10902", "wrong-port@1:17");
    check("a:19291", "wrong-port@1:17");
    check("a:19391", "wrong-port@1:17");
    check("a:10907", "?unusual-port@1:17");
    check("10.0.0.1:10901", "?ip-endpoint@1:17");
    check("[fd00::1]:10901", "?ipv6-capnproto@1:17");
    check("localhost:10901", "?loopback-endpoint@1:17");
    check("receive.monitoring.svc:10901", "?service-endpoint@1:17");
}

#[test]
fn members() {
    check(
        "[{\"endpoints\": [\"a:10901\", \"b:10901\", \"a:10901\"]}]",
        "duplicate-endpoint@1:39",
    );
    check("[{\"endpoints\": []}]", "no-endpoints@1:2");
    check("[{}]", "no-endpoints@1:2");
    let two = "[{\"endpoints\": [\"a:10901\", \"b:10901\"]}]";
    assert_eq!(
        judge(two, "ketama", 3, "0.41"),
        "fewer-endpoints-than-copies@1:2"
    );
    assert_eq!(
        judge(two, "hashmod", 3, "0.41"),
        "fewer-endpoints-than-copies@1:2"
    );
    assert_eq!(judge(two, "ketama", 2, "0.41"), "");
    assert_eq!(judge(two, "ketama", 0, "0.41"), "");
    assert_eq!(judge(two, "ketama", 2, "0.26"), "no-ketama@1:2");
    let unsorted = "[{\"endpoints\": [\"b:10901\", \"a:10901\"]}]";
    assert_eq!(
        judge(unsorted, "hashmod", 1, "0.33"),
        "?unsorted-hashmod@1:2"
    );
    assert_eq!(judge(unsorted, "hashmod", 1, "0.34"), "");
    let mixed = "[{\"endpoints\": [\"a:10901\", {\"address\": \"b:10901\"}]}]";
    assert_eq!(judge(mixed, "ketama", 1, "0.32"), "");
    assert_eq!(judge(mixed, "ketama", 1, "0.31"), "object-endpoint@1:28");
    let capnp =
        "[{\"endpoints\": [{\"address\": \"b:10901\", \"capnproto_address\": \"b:19391\"}]}]";
    assert_eq!(judge(capnp, "ketama", 1, "0.36"), "?capnproto-ignored@1:17");
    assert_eq!(judge(capnp, "ketama", 1, "0.37"), "");
}

#[test]
fn keys_and_words() {
    let with = |rest: &str| format!("[{{\"endpoints\": [\"a:10901\"], {rest}}}]");
    check(&with("\"algorithm\": \"Ketama\""), "unknown-algorithm@1:42");
    check(&with("\"algorithm\": \"\""), "");
    check(&with("\"Tenants\": null, \"HASHRING\": \"x\""), "");
    check(&with("\"tenant\": [\"x\"]"), "misspelt-key@1:29");
    check(&with("\"comment\": 1"), "?unknown-key@1:29");
    assert_eq!(
        judge(&with("\"algorithm\": \"ketama\""), "ketama", 1, "0.30"),
        "?algorithm-ignored@1:42"
    );
    let labels = with("\"external_labels\": {\"a\": \"b\"}");
    assert_eq!(judge(&labels, "ketama", 1, "0.31"), "?labels-ignored@1:29");
    assert_eq!(
        judge(&labels, "ketama", 1, "0.41"),
        "?labels-without-tenants@1:29"
    );
}

#[test]
fn zones() {
    let file = |zones: &str| {
        let list: Vec<String> = zones
            .chars()
            .enumerate()
            .map(|(n, zone)| match zone {
                '-' => format!("\"m{n}:10901\""),
                _ => format!("{{\"address\": \"m{n}:10901\", \"az\": \"{zone}\"}}"),
            })
            .collect();
        format!("[{{\"endpoints\": [{}]}}]", list.join(","))
    };
    assert_eq!(judge(&file("abc"), "ketama", 3, "0.41"), "");
    assert_eq!(
        judge(&file("abc"), "hashmod", 3, "0.41"),
        "zones-with-hashmod@1:17"
    );
    assert_eq!(
        judge(&file("abc"), "", 3, "0.41"),
        "?zones-with-hashmod@1:17"
    );
    assert_eq!(
        judge(&file("ab-c"), "ketama", 3, "0.41"),
        "?zone-missing@1:87"
    );
    assert_eq!(
        judge(&file("abbbbb"), "ketama", 4, "0.41"),
        "endless-zones@1:2"
    );
    assert_eq!(
        judge(&file("abbb"), "ketama", 3, "0.41"),
        "?zone-loss@1:2 ?zones-uneven@1:2"
    );
    assert_eq!(judge(&file("abbbbb"), "ketama", 0, "0.41"), "");
}

#[test]
fn tenants() {
    let file = |entries: &[&str]| {
        let entries: Vec<String> = entries
            .iter()
            .enumerate()
            .map(|(n, rest)| format!("{{\"endpoints\":[\"m:10901\"],\"hashring\":\"{n}\"{rest}}}"))
            .collect();
        format!("[{}]", entries.join(",\n"))
    };
    let check = |entries: &[&str], expected: &str| super::validate::check(&file(entries), expected);
    let glob = ",\"tenant_matcher_type\":\"glob\"";
    check(&[",\"tenants\":[\"a\"]", ""], "");
    check(&[",\"tenants\":[\"a\"]"], "?no-default@1:2");
    check(
        &["", ",\"tenants\":[\"a\"]"],
        "default-not-last@1:2 unreachable@2:1",
    );
    check(&["", ""], "default-not-last@1:2 unreachable@2:1");
    check(&[",\"tenants\":[\"a\",\"a\"]", ""], "?tenant-twice@1:57");
    check(
        &[",\"tenants\":[\"a\"]", ",\"tenants\":[\"b\",\"a\"]", ""],
        "tenant-shadowed@2:56",
    );
    check(
        &[
            &format!(",\"tenants\":[\"t-*\"]{glob}"),
            ",\"tenants\":[\"t-1\"]",
            "",
        ],
        "tenant-shadowed@2:52",
    );
    check(&[",\"tenants\":[\"t-*\"]", ""], "glob-without-matcher@1:53");
    check(
        &[&format!(",\"tenants\":[\"[t\"]{glob}"), ""],
        "bad-glob@1:53",
    );
    check(
        &[",\"tenants\":[\"t\"],\"tenant_matcher_type\":\"regex\"", ""],
        "unknown-matcher@1:58",
    );
    check(
        &[",\"tenant_matcher_type\":\"regex\""],
        "?unknown-matcher@1:42",
    );
    check(&[",\"tenants\":[\"\"]", ""], "?empty-tenant@1:53");
    let globs = file(&[&format!(",\"tenants\":[\"t-*\"]{glob}"), ""]);
    assert_eq!(judge(&globs, "ketama", 1, "0.34"), "glob-ignored@1:60");
    assert_eq!(judge(&globs, "ketama", 1, "0.35"), "");
}

#[test]
fn names() {
    let ring = |rest: &str| format!("{{\"hashring\":\"x\",\"endpoints\":[\"m:10901\"]{rest}}}");
    let sharded = ",\"shuffle_sharding_config\":{\"shard_size\":1}";
    let tenants = ",\"tenants\":[\"t\"]";
    let plain = format!("[{},\n{}]", ring(tenants), ring(""));
    check(&plain, "?same-name@2:1");
    let both = format!(
        "[{},\n{}]",
        ring(&format!("{tenants}{sharded}")),
        ring(sharded)
    );
    check(&both, "same-name@2:1");
}

#[test]
fn sharding() {
    let file = |config: &str, zones: &[&str]| {
        let list: Vec<String> = zones
            .iter()
            .enumerate()
            .map(|(n, az)| format!("{{\"address\":\"m{n}:10901\",\"az\":\"{az}\"}}"))
            .collect();
        format!(
            "[{{\"shuffle_sharding_config\":{{{config}}},\"endpoints\":[{}]}}]",
            list.join(",")
        )
    };
    let six = ["a", "b", "c", "a", "b", "c"];
    let check = |config: &str, expected: &str| {
        assert_eq!(
            judge(&file(config, &six), "ketama", 3, "0.41"),
            expected,
            "{config}"
        );
    };
    check("\"shard_size\":3", "");
    check("\"shard_size\":7", "shard-too-large@1:29");
    check("\"shard_size\":0", "");
    check(
        "\"overrides\":[{\"shard_size\":3,\"tenants\":[\"t\"]}]",
        "overrides-without-size@1:29",
    );
    let over = |rest: &str| format!("\"shard_size\":3,\"overrides\":[{{{rest}}}]");
    check(
        &over("\"shard_size\":3,\"tenants\":[\"t\"]"),
        "override-without-matcher@1:58",
    );
    let exact = "\"tenant_matcher_type\":\"exact\",\"tenants\":[\"t\"]";
    check(&over(&format!("\"shard_size\":3,{exact}")), "");
    check(
        &over(&format!("\"shard_size\":9,{exact}")),
        "shard-too-large@1:58",
    );
    check(
        &over(&format!("\"shard_size\":0,{exact}")),
        "shard-too-small@1:58",
    );
    check(
        &over("\"shard_size\":3,\"tenant_matcher_type\":\"exact\""),
        "override-without-tenants@1:58",
    );
    check(
        &over("\"shard_size\":3,\"tenant_matcher_type\":\"x\",\"tenants\":[\"t\"]"),
        "unknown-matcher@1:58",
    );
    check(
        &over("\"shard_size\":3,\"tenant_matcher_type\":\"glob\",\"tenants\":[\"[\"]"),
        "bad-glob@1:114",
    );
    let three = file("\"shard_size\":3", &six);
    assert_eq!(judge(&three, "ketama", 3, "0.38"), "?sharding-ignored@1:29");
    assert_eq!(judge(&three, "ketama", 3, "0.40"), "?sharding-changes@1:29");
    assert_eq!(
        judge(&three, "ketama", 4, "0.41"),
        "?zone-loss@1:2 shard-too-small@1:29"
    );
    let hashmod = file("\"shard_size\":3", &["", "", ""]);
    assert_eq!(
        judge(&hashmod, "hashmod", 3, "0.41"),
        "sharding-with-hashmod@1:29"
    );
    let uneven = file("\"shard_size\":4,\"zone_awareness_disabled\":true", &six);
    assert_eq!(
        judge(&uneven, "ketama", 4, "0.41"),
        "?zone-loss@1:2 ?shard-may-hang@1:29"
    );
}

#[test]
fn text_cannot_harm_a_terminal() {
    let file = "[{\"endpoints\": [\"a\\u001b[31m\\u202e b:1\"]}]";
    let rings = Rings::parse(file).unwrap();
    let text = faults_text("f", &rings.validate(&Setup::default()), &Setup::default());
    assert!(text.lines().count() > 2, "{text}");
    assert!(
        text.chars()
            .all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'),
        "{text}"
    );
}
