//! Tests of `record`.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::{leaves, parse};
use crate::limits;
use crate::record::{Origin, Record};

/// `attempt peer capnp local code/inner_code http|cause` of each leaf; `-` for what is not there.
fn show(text: &str) -> Vec<String> {
    parse(text.as_bytes())
        .iter()
        .map(|leaf| {
            let field = |name| {
                leaf.field(name).map_or_else(
                    || "-".to_owned(),
                    |value| String::from_utf8_lossy(&value).into_owned(),
                )
            };
            let codes = format!("{}/{}", field("code"), field("inner_code"));
            format!(
                "{} {} {} {} {codes} {}|{}",
                field("attempt"),
                field("peer"),
                field("capnp"),
                field("local"),
                field("http"),
                field("cause")
            )
        })
        .collect()
}

fn check(text: &str, expected: &[&str]) {
    assert_eq!(show(text), expected, "{text}");
}

#[test]
fn endpoints_of_every_version() {
    let refused = "rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: dial tcp 10.1.2.3:10901: connect: connection refused\"";
    let rest = "Unavailable/Unavailable -|transport: Error while dialing: dial tcp 10.1.2.3:10901: connect: connection refused";
    let cases = [
        ("tr-0.tr:10901", "tr-0.tr:10901 -"),
        (
            "{tr-0.tr:10901 tr-0.tr:19391 }",
            "tr-0.tr:10901 tr-0.tr:19391",
        ),
        (
            "{tr-0.tr:10901 tr-0.tr:19391 zone-a}",
            "tr-0.tr:10901 tr-0.tr:19391",
        ),
        ("{tr-0.tr:10901  }", "tr-0.tr:10901 -"),
        (
            "addr: tr-0.tr:10901, capnp_addr: tr-0.tr:19391, az: ",
            "tr-0.tr:10901 tr-0.tr:19391",
        ),
        (
            "addr: tr-0.tr:10901, capnp_addr: tr-0.tr:19391, az: zone-a",
            "tr-0.tr:10901 tr-0.tr:19391",
        ),
        ("http://tr-0.tr:19291/api/v1/receive", "tr-0.tr:19291 -"),
        ("[fd00::1]:10901", "[fd00::1]:10901 -"),
        (
            "{[fd00::1]:10901 [fd00::1]:19391 }",
            "[fd00::1]:10901 [fd00::1]:19391",
        ),
        ("127.0.0.1:10901", "127.0.0.1:10901 -"),
    ];
    for (endpoint, peer) in cases {
        check(
            &format!("forwarding request to endpoint {endpoint}: {refused}"),
            &[&format!("forward {peer} - {rest}")],
        );
    }
    let cases = [
        ("tr-0.tr:10901", "tr-0.tr:10901 -"),
        ("{tr-0.tr:10901 0}", "tr-0.tr:10901 -"),
        (
            "{{tr-0.tr:10901 tr-0.tr:19391 } 0}",
            "tr-0.tr:10901 tr-0.tr:19391",
        ),
        (
            "{{tr-0.tr:10901 tr-0.tr:19391 zone-a} 2}",
            "tr-0.tr:10901 tr-0.tr:19391",
        ),
        (
            "addr: tr-0.tr:10901, capnp_addr: tr-0.tr:19391, az: zone-a",
            "tr-0.tr:10901 tr-0.tr:19391",
        ),
    ];
    for (endpoint, peer) in cases {
        check(
            &format!("backing off forward request for endpoint {endpoint}: target not available"),
            &[&format!("back-off {peer} - -/- -|target not available")],
        );
    }
}

#[test]
fn attempts() {
    let cases = [
        (
            "scheduling forward request for endpoint addr: a-0:10901, capnp_addr: a-0:19391, az: : context deadline exceeded",
            "schedule a-0:10901 a-0:19391 - -/- -|context deadline exceeded",
        ),
        (
            "get peer connection for endpoint a-0:10901: failed to dial peer: no transport security set",
            "dial a-0:10901 - - -/- -|no transport security set",
        ),
        (
            "forwarding request to endpoint {a-0.x:10901 a-0.x:19391 }: rpc error: code = Unavailable desc = writing to peer: failed to dial peer: failed to dial peer a-0.x:19391: dial tcp 10.0.0.1:19391: connect: connection refused",
            "forward a-0.x:10901 a-0.x:19391 - Unavailable/Unavailable -|dial tcp 10.0.0.1:19391: connect: connection refused",
        ),
        (
            "failed to dial peer a-0.x:19391: dial tcp 10.0.0.1:19391: connect: connection refused",
            "dial a-0.x:19391 - - -/- -|dial tcp 10.0.0.1:19391: connect: connection refused",
        ),
        (
            "store locally for endpoint a-0:10901: conflict",
            "local - - a-0:10901 -/- -|conflict",
        ),
        (
            "storing locally, endpoint a-0:10901: commit samples: write to WAL: disk quota exceeded",
            "local - - a-0:10901 -/- -|commit samples: write to WAL: disk quota exceeded",
        ),
        (
            "forwarding request to endpoint addr: a-0:10901, capnp_addr: a-0:19391, az: : writing locally: add 5 samples: out of bounds",
            "local a-0:10901 a-0:19391 a-0:10901 -/- -|add 5 samples: out of bounds",
        ),
        (
            "forwarding request to endpoint b-1:10901: rpc error: code = AlreadyExists desc = store locally for endpoint b-1:10901: conflict",
            "forward b-1:10901 - b-1:10901 AlreadyExists/AlreadyExists -|conflict",
        ),
        (
            "forwarding request to endpoint b-1:10901: rpc error: code = Unavailable desc = backing off forward request for endpoint c-2:10901: target not available",
            "back-off c-2:10901 - - -/- -|target not available",
        ),
        (
            "replicate write request for endpoint a-0:10901: quorum not reached: context deadline exceeded",
            "replicate - - - -/- -|context deadline exceeded",
        ),
        (
            "replicate write request, endpoint a-0:10901: replicate: context deadline exceeded",
            "replicate - - - -/- -|context deadline exceeded",
        ),
        (
            "rpc error: code = Internal desc = rpc error: code = DataLoss desc = x",
            "none - - - Internal/DataLoss -|x",
        ),
        (
            "context deadline exceeded",
            "none - - - -/- -|context deadline exceeded",
        ),
        (
            "insufficient nodes; have 1, want 2",
            "none - - - -/- -|insufficient nodes; have 1, want 2",
        ),
    ];
    for (text, expected) in cases {
        check(text, &[expected]);
    }
    let text = b"replicate write request for endpoint a-0:10901: quorum not reached: conflict";
    assert_eq!(parse(text)[0].owner, Some(&b"a-0:10901"[..]));
}

#[test]
fn lists() {
    check(
        "server returned HTTP status 503 Service Unavailable: 3 errors: backing off forward request for endpoint {{a-0:10901 a-0:19391 } 0}: target not available; add 7 samples: out of order sample; forwarding request to endpoint {b-1:10901 b-1:19391 }: rpc error: code = Unavailable desc = x",
        &[
            "back-off a-0:10901 a-0:19391 - -/- 503|target not available",
            "none - - - -/- 503|add 7 samples: out of order sample",
            "forward b-1:10901 b-1:19391 - Unavailable/Unavailable 503|x",
        ],
    );
    // The inner list came back from a-0, and is over after its two reasons.
    check(
        "2 errors: forwarding request to endpoint a-0:10901: rpc error: code = Internal desc = 2 errors: commit samples: no space left on device; add 3 samples: out of bounds; forwarding request to endpoint b-1:10901: EOF",
        &[
            "forward a-0:10901 - - Internal/Internal -|commit samples: no space left on device",
            "forward a-0:10901 - - Internal/Internal -|add 3 samples: out of bounds",
            "forward b-1:10901 - - -/- -|EOF",
        ],
    );
    let text = b"forwarding request to endpoint a-0:10901: rpc error: code = Internal desc = 2 errors: x; add 3 samples: y";
    let texts: Vec<_> = parse(text)
        .iter()
        .map(|leaf| String::from_utf8_lossy(&leaf.text).into_owned())
        .collect();
    let context = "forwarding request to endpoint a-0:10901: rpc error: code = Internal desc = ";
    assert_eq!(
        texts,
        [format!("{context}x"), format!("{context}add 3 samples: y")]
    );
    // A semicolon inside a reason parts nothing.
    check(
        "2 errors: rpc error: code = Unavailable desc = unexpected HTTP status code received from server: 404 (Not Found); malformed header: missing HTTP content-type; backing off forward request for endpoint a-0:10901: target not available",
        &[
            "none - - - Unavailable/Unavailable -|unexpected HTTP status code received from server: 404 (Not Found); malformed header: missing HTTP content-type",
            "back-off a-0:10901 - - -/- -|target not available",
        ],
    );
}

#[test]
fn senders() {
    let cases = [
        (
            "server returned HTTP status 409 Conflict: store locally for endpoint 127.0.0.1:10901: conflict",
            "local - - 127.0.0.1:10901 -/- 409|conflict",
        ),
        (
            "server returned HTTP status 500 Internal Server Error: context deadline exceeded\n",
            "none - - - -/- 500|context deadline exceeded",
        ),
        (
            "server returned HTTP status 413 Request Entity Too Large: too many timeseries",
            "none - - - -/- 413|too many timeseries",
        ),
        (
            "server returned HTTP status 404 Not Found",
            "none - - - -/- 404|404 Not Found",
        ),
        (
            "Permanent error: Permanent error: remote write returned HTTP status 409 Conflict; err = %!w(): store locally for endpoint a-0:10901: conflict\n",
            "local - - a-0:10901 -/- 409|conflict",
        ),
        (
            "Permanent error: remote write returned HTTP status 409 Conflict; err = <nil>: conflict",
            "none - - - -/- 409|<nil>: conflict",
        ),
        (
            "post to http://10.1.2.3:10902/api/v1/receive got error: push data with remote write request got status code: 409, response body: store locally for endpoint 127.0.0.1:10901: add 4 series: out of order labels",
            "local - - 127.0.0.1:10901 -/- 409|add 4 series: out of order labels",
        ),
        (
            "unexpected status code received after sending a block with size 123456 bytes to \"1:secret-url\" during retry #2: 503; response body=\"backing off forward request for endpoint a-0:10901: target not available",
            "back-off a-0:10901 - - -/- 503|target not available",
        ),
        (
            "Export POST request failed with reason: 409 Client Error: Conflict for url: http://x",
            "none - - - -/- 409|Conflict for url: http://x",
        ),
        (
            "Response { status: 503, version: HTTP/1.1 } Http status: 503 Service Unavailable",
            "none - - - -/- 503|503 Service Unavailable",
        ),
        (
            "Post \"http://x:19291/api/v1/receive\": EOF",
            "none - - - -/- -|Post \"http://x:19291/api/v1/receive\": EOF",
        ),
    ];
    for (text, expected) in cases {
        check(text, &[expected]);
    }
}

#[test]
fn cut_texts_keep_their_leaves() {
    check(
        "server returned HTTP status 503 Service Unavailable: 3 errors: backing off forward request for endpoint {a-0.x:10901 0}: target not available; forwarding request to endpoint {b-1.x:10901 b-1.x:193",
        &[
            "back-off a-0.x:10901 - - -/- 503|target not available",
            "forward b-1.x:10901 b-1.x:193 - -/- 503|forwarding request to endpoint {b-1.x:10901 b-1.x:193",
        ],
    );
    check(
        "…ervice Unavailable: 2 errors: backing off forward request for endpoint a-0:10901: target not available; backing off forward request for endp",
        &[
            "back-off a-0:10901 - - -/- -|target not available",
            "none - - - -/- -|backing off forward request for endp",
        ],
    );
    check(
        "forwarding request to endpoint thanos-rec",
        &["forward - - - -/- -|forwarding request to endpoint thanos-rec"],
    );
    // Every cut of a real answer is read without a fault, and the first peer is never another.
    let text = "server returned HTTP status 503 Service Unavailable: 2 errors: forwarding request to endpoint {a-0.x:10901 a-0.x:19391 }: rpc error: code = Unavailable desc = connection error: desc = \"transport: EOF\"; backing off forward request for endpoint {{b-1.x:10901 b-1.x:19391 } 0}: target not available";
    for end in 0..text.len() {
        let leaves = parse(&text.as_bytes()[..end]);
        assert!(leaves.len() <= 2, "{end}");
        let peer = leaves
            .first()
            .and_then(|leaf| leaf.peer)
            .unwrap_or_default();
        assert!("a-0.x:10901".as_bytes().starts_with(peer), "{end}");
    }
}

#[test]
fn stores() {
    check(
        "upload: check exists: stat s3 object: Access Denied.",
        &["none - - - -/- -|Access Denied."],
    );
    check(
        "upload: check exists: stat s3 object: Get \"http://minio:9000/thanos/?location=\": dial tcp 10.0.0.1:9000: connect: connection refused",
        &[
            "none - - - -/- -|Get \"http://minio:9000/thanos/?location=\": dial tcp 10.0.0.1:9000: connect: connection refused",
        ],
    );
    let text = b"stat s3 object: <?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message><Key>x</Key></Error>";
    let leaf = &parse(text)[0];
    assert_eq!(
        (leaf.s3, leaf.cause),
        (Some(&b"AccessDenied"[..]), &b"Access Denied"[..])
    );
}

#[test]
fn dumps() {
    let cases = [
        (
            "repair corrupted WAL: rename /var/00000662 x: no such file or directory\nopening storage\nmain.startTSDBAndUpload.func1\n\t/app/cmd/thanos/receive.go:639\nreceive command failed\nmain.main\n\t/app/cmd/thanos/main.go:135",
            "repair corrupted WAL: rename /var/00000662 x: no such file or directory",
        ),
        (
            "yaml: unmarshal errors:\n  line 3: field x not found in type s3.Config\nparsing S3 configuration\ngithub.com/thanos-io/objstore/client.NewBucket\n\t/go/x.go:12",
            "yaml: unmarshal errors:\n  line 3: field x not found in type s3.Config",
        ),
        (
            "parsing config YAML file\n> github.com/thanos-io/thanos/pkg/receive.x\t/app/limiter.go:12\n> main.main\t/app/main.go:1\nyaml: unmarshal errors:\n  line 2: field y not found\n\nfailed to start\nmain.main\n\t/app/main.go:2",
            "yaml: unmarshal errors:\n  line 2: field y not found",
        ),
        (
            "panic: runtime error: invalid memory address\n[signal SIGSEGV: x]",
            "runtime error: invalid memory address",
        ),
    ];
    for (text, cause) in cases {
        let leaves = parse(text.as_bytes());
        assert_eq!(leaves.len(), 1, "{text}");
        assert_eq!(String::from_utf8_lossy(leaves[0].cause), cause, "{text}");
        assert_eq!(leaves[0].text, text.as_bytes(), "{text}");
    }
}

#[test]
fn records() {
    let cases = [
        ("level=error err=\"a\" msg=\"internal server error\"", "a"),
        ("level=error error=\"b\" msg=x", "b"),
        ("level=error err=null msg=x", "x"),
        (
            "{\"level\":\"error\",\"err\":\"rpc error: code = Internal desc = c\"}",
            "c",
        ),
        (
            "error\texporterhelper/queued_retry.go:183\tExporting failed.\t{\"kind\": \"exporter\", \"error\": \"Permanent error: remote write returned HTTP status 409 Conflict; err = %!w(): d\\n\"}",
            "d",
        ),
        (
            "2023/05/22 22:50:46 writer.go:75: W! post got status code: 409, response body: e",
            "e",
        ),
        (
            "thanos: error: unknown long flag '--x'",
            "thanos: error: unknown long flag '--x'",
        ),
        ("panic: f\n\ngoroutine 1 [running]:", "f"),
    ];
    let origin = Origin::default();
    for (line, cause) in cases {
        let record = Record::log(&origin, line.as_bytes());
        let leaves = leaves(&record);
        assert_eq!(String::from_utf8_lossy(leaves[0].cause), cause, "{line}");
    }
}

#[test]
fn depth_costs_nothing() {
    let n = 100_000;
    let cases = [
        "rpc error: code = Internal desc = ".repeat(n),
        "forwarding request to endpoint a-0:10901: rpc error: code = Internal desc = ".repeat(n),
        "2 errors: ".repeat(n),
        "2 errors: forwarding request to endpoint {{".repeat(n),
        "add 1 samples: x; ".repeat(n),
        "HTTP status ".repeat(n),
        "<Message>".repeat(n),
        "stat s3 object: \\\"".repeat(n),
    ];
    for text in cases {
        // Quadratic time would be hours.
        let leaves = parse(text.as_bytes());
        assert!((1..=limits::ERROR_LEAVES).contains(&leaves.len()));
    }
}

fn part() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "forwarding request to endpoint ",
        "backing off forward request for endpoint ",
        "{a-0.x:10901 a-0.x:19391 }",
        "{{a-0.x:10901 a-0.x:19391 } 0}",
        "addr: a-0.x:10901, capnp_addr: b, az: ",
        "a-0:10901",
        "http://",
        ": ",
        "; ",
        "2 errors: ",
        "rpc error: code = Internal desc = ",
        "connection error: desc = \"",
        "\"",
        "server returned HTTP status 503 X: ",
        "store locally for endpoint ",
        "writing locally: ",
        "failed to dial peer ",
        "add 5 samples: ",
        "target not available",
        "<Code>",
        "<Message>",
        "<",
        "\n",
        "\n\t",
        "\n> ",
        "panic: ",
        "response body=\"",
        "status code ",
    ]);
    prop_oneof![
        9 => known.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ]
}

proptest! {
    #[test]
    fn nothing_panics(parts in prop::collection::vec(part(), 0..30)) {
        let text = parts.concat();
        let leaves = parse(&text);
        prop_assert!(leaves.len() <= limits::ERROR_LEAVES);
        for leaf in &leaves {
            prop_assert!(!leaf.cause.is_empty());
            prop_assert!(!leaf.text.is_empty());
        }
    }

    #[test]
    fn plain_text_is_its_own_cause(text in "[a-z]{1,9}( [a-z]{1,9}){0,5}") {
        let leaves = parse(text.as_bytes());
        prop_assert_eq!(leaves.len(), 1);
        prop_assert_eq!(leaves[0].cause, text.as_bytes());
        prop_assert_eq!(&leaves[0].text[..], text.as_bytes());
    }
}

#[test]
fn a_list_ends_after_as_many_reasons_as_it_says() {
    for (text, expected) in [
        (
            "2 errors: conflict; context canceled; failed to a; close b",
            &["conflict", "context canceled; failed to a; close b"][..],
        ),
        (
            "3 errors: conflict; context canceled; failed to a; close b",
            &["conflict", "context canceled", "failed to a; close b"],
        ),
        (
            "conflict; context canceled",
            &["conflict; context canceled"],
        ),
    ] {
        let leaves = parse(text.as_bytes());
        let causes: Vec<_> = leaves
            .iter()
            .map(|l| String::from_utf8_lossy(l.cause))
            .collect();
        assert_eq!(causes, expected, "{text}");
    }
}
