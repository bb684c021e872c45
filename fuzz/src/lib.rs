//! What the fuzz targets check. Each function takes hostile bytes and panics when a promise is broken.
//!
//! The promises, beside "nothing panics": the same bytes give the same answer however they are cut
//! into reads; what is printed reads back as itself; bounds of `rdiag::limits` hold; nothing that a
//! terminal, browser, chat or shell would obey survives its escaper.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::sync::{Arc, OnceLock};

use rdiag::bundle::Input;
use rdiag::engine::{Engine, Options};
use rdiag::hashring::{Load, Rings, Router, Setup, diff, simulate};
use rdiag::limits;
use rdiag::mcp::{self, Tools};
use rdiag::metrics::{Collector, parse_line};
use rdiag::novelty::Miner;
use rdiag::pack::Pack;
use rdiag::record::{
    Fields, Format, Options as ReaderOptions, Origin, Reader, Record, errors, leaves,
};
use rdiag::redact::{Options as RedactOptions, Redactor};
use rdiag::report::model::{
    Evidence, Explained, Gap, Hypothesis, Incident, Member, NextCheck, Novel, Remediation, Report,
    SourceCoverage, Step, Subject, Timeline, TimelineRow, Unexplained,
};
use rdiag::report::{self, Style, escape};
use rdiag::serve::alert::{Alert, Payload, Status};
use rdiag::serve::look::{Look, Policy};
use rdiag::serve::preview::preview;
use serde_json::{Value, json};

/// Gives out at most so many bytes a read, as pipes do.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let n = self.0.len().min(self.1.max(1)).min(out.len());
        out[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        Ok(n)
    }
}

/// Everything a record says, as text.
fn told(record: &Record<'_>) -> String {
    let fields: Vec<_> = record
        .fields()
        .iter()
        .map(|(k, v)| (k.to_vec(), v.to_vec()))
        .collect();
    assert!(fields.len() <= limits::FIELDS);
    assert!(record.body.len() <= limits::LINE_BYTES);
    assert!(leaves(record).len() <= 4 * limits::ERROR_LEAVES);
    format!(
        "{} {:?} {:?} {:?} {fields:?} {:?}",
        record.origin,
        record.time,
        record.level,
        record.body,
        record.issues()
    )
}

fn read_all(stream: impl Read) -> Vec<String> {
    let mut reader = Reader::new(stream, Origin::pod("p"), ReaderOptions::default());
    let mut all = Vec::new();
    while let Ok(Some(record)) = reader.next() {
        all.push(told(&record));
    }
    assert!(reader.origins().len() <= limits::ORIGINS);
    all
}

/// Frames, lines and records; however the stream is cut.
pub fn lines(data: &[u8]) {
    let Some((cut, rest)) = data.split_first() else {
        return;
    };
    assert_eq!(read_all(rest), read_all(Trickle(rest, usize::from(*cut))));
}

/// Go panics and dumps, folded into records, between other lines.
pub fn panics(data: &[u8]) {
    let mut text = b"level=info msg=x\npanic: runtime error\n\ngoroutine 1 [running]:\n".to_vec();
    text.extend_from_slice(data);
    text.extend_from_slice(b"\nlevel=error msg=end\n");
    lines(&text);
}

/// Logfmt: what was read, printed, reads as the same.
pub fn logfmt(data: &[u8]) {
    let origin = Origin::pod("p");
    let mut line = b"level=warn ".to_vec();
    line.extend(data.iter().filter(|b| **b != b'\n'));
    let record = Record::log(&origin, &line);
    let _ = told(&record);
    if record.format() != Format::Logfmt || !record.issues().is_empty() {
        return;
    }
    let Some(printed) = print_logfmt(record.fields()) else {
        return;
    };
    let again = Record::log(&origin, printed.as_bytes());
    assert_eq!(again.format(), Format::Logfmt, "{printed}");
    let (a, b): (Vec<_>, Vec<_>) = (
        record.fields().iter().collect(),
        again.fields().iter().collect(),
    );
    assert_eq!(a, b, "{printed}");
}

fn print_logfmt(fields: &Fields<'_>) -> Option<String> {
    let mut parts = Vec::new();
    for (key, value) in fields.iter() {
        let plain = !key.is_empty()
            && key
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || b"_.-/".contains(b));
        let value = std::str::from_utf8(value).ok()?;
        if !plain || value.chars().any(char::is_control) {
            return None;
        }
        let value = serde_json::Value::from(value).to_string();
        parts.push(format!("{}={value}", std::str::from_utf8(key).ok()?));
    }
    Some(parts.join(" "))
}

/// JSON logs: broken, deep and odd.
pub fn json(data: &[u8]) {
    let origin = Origin::pod("p");
    let line: Vec<u8> = data.iter().copied().filter(|b| *b != b'\n').collect();
    let _ = told(&Record::log(&origin, &line));
    let mut wrapped = br#"{"level":"error","msg":"x","a":"#.to_vec();
    wrapped.extend_from_slice(&line);
    let _ = told(&Record::log(&origin, &wrapped));
}

/// Error chains: bounded, and each part is a part of the text.
pub fn errors(data: &[u8]) {
    let all = errors::parse(data);
    assert!(all.len() <= limits::ERROR_LEAVES);
    for leaf in &all {
        let inside = |part: &[u8]| part.is_empty() || data.windows(part.len()).any(|w| w == part);
        if data.len() < 4096 {
            assert!(inside(leaf.cause));
            assert!(leaf.peer.is_none_or(inside));
        }
    }
}

/// A pack's files.
pub fn pack(data: &[u8]) {
    let files = [
        "signatures/thanos/receive/x.yaml",
        "states/x.yaml",
        "causes/x.yaml",
    ];
    for file in files {
        if let Err(problems) = Pack::load([(file, data)]) {
            for problem in problems {
                let _ = problem.to_string();
            }
        }
    }
}

fn drain(input: &Input) {
    for stream in &input.streams {
        let Ok(open) = stream.open() else { continue };
        let _ = read_all(open.take(1 << 20));
    }
    assert!(input.objects.records.len() <= limits::OBJECT_RECORDS);
    assert!(input.gaps().len() <= limits::GAPS + 1);
}

fn open(bytes: Vec<u8>) {
    if let Ok(input) = Input::open(&[], Some(Box::new(Cursor::new(bytes)))) {
        drain(&input);
    }
}

/// Archives: the bytes as they are, and as the content of a well-formed member.
pub fn archive(data: &[u8]) {
    open(data.to_vec());
    let mut header = vec![0u8; 512];
    let name = b"logs/ns/pod/c.log";
    header[..name.len()].copy_from_slice(name);
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(format!("{:011o}\0", data.len()).as_bytes());
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header.extend_from_slice(data);
    header.resize(header.len().div_ceil(512) * 512 + 1024, 0);
    open(header);
}

/// Kubernetes objects, alerts and answers of APIs.
pub fn objects(data: &[u8]) {
    open(data.to_vec());
    for kind in [
        "Pod",
        "Event",
        "StatefulSet",
        "Node",
        "EndpointSlice",
        "PersistentVolumeClaim",
    ] {
        let mut text = format!(r#"{{"apiVersion":"v1","kind":"List","items":[{{"kind":"{kind}","#)
            .into_bytes();
        text.extend_from_slice(data);
        text.extend_from_slice(b"}]}");
        open(text);
    }
}

/// Hashring files; a ring does not differ from itself.
pub fn hashring(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(rings) = Rings::parse(text) else {
        return;
    };
    if rings.endpoints().len() > 24 {
        return;
    }
    let setup = Setup::default();
    let Ok(router) = Router::new(&rings, &setup) else {
        return;
    };
    let load = Load::default();
    let _ = simulate(&router, &setup, &load);
    if let Ok(diff) = diff(&router, &router, &load) {
        let text = format!("{diff:?}");
        assert!(!text.contains("NaN"), "{text}");
    }
}

/// Metrics text and answers of the query API.
pub fn metrics(data: &[u8]) {
    let every = |_: &str| true;
    let mut collector = Collector::new(&every);
    let origin = Origin::pod("p");
    let _ = collector.scrape(&origin, Some(1), Cursor::new(data));
    let _ = collector.scrape(&origin, Some(61), Cursor::new(data));
    let _ = collector.answers(data);
    let _ = collector.finish();
    for line in data.split(|b| *b == b'\n') {
        if let Ok(line) = std::str::from_utf8(line) {
            let _ = parse_line(line);
        }
    }
}

/// A report in which every string is hostile.
fn hostile(text: &str) -> Report {
    let s = || text.to_owned();
    let subject = || Subject {
        kind: "pod".to_owned(),
        name: s(),
    };
    let step = || Step {
        what: s(),
        run: Some(s()),
        risk: Some(s()),
    };
    let evidence = |silent| Evidence {
        symptom: s(),
        title: s(),
        subject: subject(),
        nats: f64::NAN,
        silent,
        defining: silent,
    };
    let hypothesis = Hypothesis {
        cause: s(),
        title: s(),
        role: "root".to_owned(),
        probability: f64::INFINITY,
        band: "likely".to_owned(),
        subjects: vec![subject()],
        chain: vec![s(), s()],
        explains: vec![Explained {
            symptom: s(),
            title: s(),
            subject: subject(),
            necessity: 0.5,
            count: u64::MAX,
            samples: vec![s()],
        }],
        pro: vec![evidence(false)],
        contra: vec![evidence(true)],
        heals_itself: "never".to_owned(),
        remediation: Remediation {
            confirm: vec![step()],
            mitigate: vec![step()],
            fix: vec![step()],
            verify: s(),
            avoid: vec![s()],
        },
        poorly_explained: vec![s()],
    };
    let row = TimelineRow {
        pod: s(),
        at_fault: true,
        note: s(),
        marks: Vec::new(),
    };
    let incident = Incident {
        id: s(),
        from: Some(s()),
        verdict: "likely".to_owned(),
        severity: s(),
        hypotheses: vec![hypothesis.clone(), hypothesis],
        indistinguishable: vec![vec![0, 1, 99]],
        next_checks: vec![NextCheck {
            what: s(),
            run: Some(s()),
            bits: f64::NAN,
            if_yes: s(),
            if_no: s(),
        }],
        unexplained: vec![Unexplained {
            symptom: s(),
            title: s(),
            subject: subject(),
            count: 1,
        }],
        impact: Some(s()),
        timeline: Timeline {
            from: Some(s()),
            until: Some(s()),
            rows: vec![row],
        },
        ..Incident::default()
    };
    let mut report = Report {
        schema: s(),
        incidents: vec![incident],
        ..Report::default()
    };
    report.coverage.gaps.push(Gap {
        what: s(),
        why: s(),
    });
    report.coverage.sources.push(SourceCoverage {
        kind: "log".to_owned(),
        pod: Some(s()),
        ..SourceCoverage::default()
    });
    report.novel.push(Novel {
        template: s(),
        count: 1,
        first: None,
        pods: vec![s()],
    });
    report.members.push(Member {
        pod: s(),
        role: "receiver".to_owned(),
        facts: vec![(s(), s())],
    });
    report
}

/// Every format of a hostile report: nothing that a terminal obeys, no tag that was not ours.
pub fn render(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let report = hostile(&text);
    for format in report::Format::ALL {
        for verbose in [0, 1] {
            let style = Style {
                width: 20 + text.len() % 120,
                color: false,
                verbose,
            };
            let out = report::render(&report, format, style);
            let bad = out.chars().find(|c| escape::is_hidden(*c));
            assert!(bad.is_none(), "{}: {bad:?}", format.name());
            if format == report::Format::Html {
                let lower = out.to_ascii_lowercase();
                let plain = report::render(&hostile("x"), format, style).to_ascii_lowercase();
                for tag in [
                    "<script",
                    "<img",
                    "<iframe",
                    "javascript:",
                    "<svg onload",
                    "<a href=\"j",
                ] {
                    let ours = plain.matches(tag).count();
                    // `javascript:` as text is harmless; as a tag it would have to begin with `<`.
                    assert!(
                        !tag.starts_with('<') || lower.matches(tag).count() <= ours,
                        "{tag}"
                    );
                }
            }
            if matches!(format, report::Format::Json | report::Format::Slack) {
                assert!(
                    serde_json::from_str::<serde_json::Value>(&out).is_ok(),
                    "{}",
                    format.name()
                );
            }
        }
    }
}

/// Each escaper's own promise.
pub fn escape(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let hidden = |s: &str| s.chars().any(escape::is_hidden);
    let visible = escape::visible(&text);
    assert!(!hidden(&visible));
    assert_eq!(escape::visible(&visible), visible);
    assert!(!hidden(&escape::visible_bytes(data)));
    let terminal = escape::terminal(&text);
    assert!(!hidden(&terminal) && !terminal.contains('\n'));
    assert!(!escape::html(&text).contains(['<', '>', '"', '\'']));
    let markdown = escape::markdown(&text).replace("<!-- -->", "");
    assert!(!markdown.contains(['<', '>']) && !hidden(&markdown) && !markdown.contains('\n'));
    let fence = |s: &str| s.bytes().take_while(|b| *b == b'`').count();
    let code = escape::markdown_code(&text);
    if !code.is_empty() {
        let n = fence(&code);
        assert!(n >= 1 && code.len() >= 2 * n && code.ends_with(&"`".repeat(n)));
        assert!(!code[n..code.len() - n].contains(&"`".repeat(n)));
    }
    assert!(!escape::slack(&text).contains(['<', '>', '`', '*', '~']));
    assert!(!escape::slack_code(&text).contains(['<', '>', '`']));
    assert_eq!(
        shell(&escape::shell_word(&text)).as_deref(),
        Some(&*text),
        "{text:?}"
    );
}

/// One word as a POSIX shell reads it; `None` if it is not exactly one.
fn shell(word: &str) -> Option<String> {
    let mut out = String::new();
    let mut quoted = false;
    let mut any = false;
    let mut chars = word.chars();
    while let Some(c) = chars.next() {
        any = true;
        match c {
            '\'' => quoted = !quoted,
            c if quoted => out.push(c),
            '\\' => out.push(chars.next()?),
            c if c.is_whitespace() || "|&;<>()$`\"*?[]#~!{}".contains(c) && c != '~' => {
                return None;
            }
            c => out.push(c),
        }
    }
    (any && !quoted).then_some(out)
}

/// The whole way: bytes on standard input → report. Twice the same bytes.
pub fn engine(data: &[u8]) {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let engine = ENGINE
        .get_or_init(|| Engine::new(Arc::new(Pack::embedded().expect("the embedded pack loads"))));
    let run = || {
        let input = Input::open(&[], Some(Box::new(Cursor::new(data.to_vec())))).ok()?;
        let options = Options {
            threads: 1,
            ..Options::default()
        };
        let analysis = engine.run(&input, &options).ok()?;
        Some(report::render(
            &analysis.report,
            report::Format::Json,
            Style::default(),
        ))
    };
    assert_eq!(run(), run());
}

/// Redaction: twice changes nothing more than once leaves, and text without secrets stays.
pub fn redact(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut redactor = Redactor::new(RedactOptions {
        secrets: true,
        anonymize: true,
    });
    let once = redactor.line(&text).into_owned();
    assert!(once.len() <= text.len() * 24 + 64);
    let mut secret = "x password=".to_owned();
    secret.push_str("Q7f9Zk2LwX end ");
    secret.push_str(&text.replace("Q7f9Zk2LwX", ""));
    let out = Redactor::new(RedactOptions::default())
        .line(&secret)
        .into_owned();
    assert!(!out.contains("Q7f9Zk2LwX"), "{out}");
}

/// Templates: the order of lines makes no difference.
pub fn novelty(data: &[u8]) {
    let origin = Origin::pod("p");
    let lines: Vec<Vec<u8>> = data
        .split(|b| *b == b'\n')
        .take(200)
        .map(|l| [b"level=error msg=", l].concat())
        .collect();
    let (mut forth, mut left, mut right) = (Miner::default(), Miner::default(), Miner::default());
    for (i, line) in lines.iter().enumerate() {
        let record = Record::log(&origin, line);
        forth.record(&record);
        if i % 2 == 0 {
            left.record(&record);
        } else {
            right.record(&record);
        }
    }
    right.merge(left);
    assert_eq!(right, forth);
    assert_eq!(right.templates(), forth.templates());
    assert!(forth.forms() <= limits::NOVEL_FORMS);
}

/// What is in a webhook's body: bounded, redacted once and for all, and only names of Kubernetes are looked at.
pub fn webhook(data: &[u8]) {
    let Ok(mut payload) = Payload::decode(data) else {
        return;
    };
    assert!(payload.alerts.len() <= limits::ALERTS_PER_DELIVERY);
    let now = 1_700_000_000_000;
    let look = Look::of(&payload.alerts, &Policy::default(), now);
    let is_name = |text: &String| {
        text.bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
    };
    assert!(
        look.namespace.iter().chain(&look.pods).all(is_name),
        "{look:?}"
    );
    assert!(look.from < look.until && look.until <= now, "{look:?}");
    payload.redact();
    let once = payload.clone();
    payload.redact();
    // The mark of a redacted key is of the key it was, so only that may differ.
    payload.group_key.clone_from(&once.group_key);
    assert_eq!(payload, once);
    for alert in &payload.alerts {
        assert!(alert.labels.len() <= limits::ALERT_LABELS);
        let again: Value = alert.to_json();
        assert_eq!(
            again["labels"].as_object().map(|l| l.len()),
            Some(alert.labels.len())
        );
    }
    shows(&payload, &payload.group_key);
}

/// Pages, messages to Slack, mails and webhooks about an incident whose every word is hostile.
pub fn shown(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    let labels: BTreeMap<String, String> = ["alertname", "namespace", "pod", "instance", &text]
        .into_iter()
        .map(|name| (name.to_owned(), text.clone()))
        .collect();
    let alert = Alert {
        labels: labels.clone(),
        annotations: labels.clone(),
        generator_url: text.clone(),
        fingerprint: text.clone(),
        ..Alert::default()
    };
    let payload = Payload {
        group_key: text.clone(),
        receiver: text.clone(),
        status: Status::Firing,
        group_labels: labels.clone(),
        common_labels: labels.clone(),
        common_annotations: labels,
        external_url: format!("http://{text}"),
        alerts: vec![alert],
        left_out: u64::MAX,
    };
    shows(&payload, &text);
}

/// What is shown of an incident is markup of ours and text of others, never the other way round.
fn shows(payload: &Payload, text: &str) {
    let seen = preview(payload, Some(hostile(text))).expect("a mail can be made of any text");
    // Tags of the page: those of the same page about plain text, and no others.
    // (Where there is nothing to be seen, what would hold it is left out. Slashes stand between
    // namespaces and names: they are kept, and so is what is not seen between them.)
    let visible = |c: char| !c.is_whitespace() && !escape::is_hidden(c);
    let words = text.split('/').map(|part| match part.chars().any(visible) {
        true => "x",
        false => part,
    });
    let words = words.collect::<Vec<_>>().join("/");
    let plain = preview(&plain(payload), Some(hostile(&words))).expect("and of plain text");
    if text.chars().any(visible) {
        assert_eq!(tags(&seen.page), tags(&plain.page), "{}", seen.page);
    }
    let hidden = seen.page.lines().find(|l| l.chars().any(escape::is_hidden));
    assert_eq!(hidden, None);
    for message in &seen.slack {
        each(message, &mut |key, text| {
            assert!(!text.chars().any(escape::is_hidden), "{key}: {text}");
            // What Slack obeys stands in angle brackets: only the link to our page does.
            let ours = "<http://rdiag.example/incidents/1|incident 1>";
            if key != "url" {
                assert!(
                    !text.replace(ours, "").contains(['<', '>']),
                    "{key}: {text}"
                );
            }
            let longest = if key == "text" { 3000 } else { 4000 };
            assert!(text.chars().count() <= longest, "{key}: {}", text.len());
        });
    }
    // A label cannot begin a header, nor end them.
    let head = seen.mail.split("\r\n\r\n").next().unwrap_or_default();
    let names = |head: &str| -> Vec<String> {
        let lines = head
            .split("\r\n")
            .filter(|line| !line.starts_with([' ', '\t']));
        lines
            .filter_map(|line| Some(line.split_once(':')?.0.to_owned()))
            .collect()
    };
    assert_eq!(
        names(head),
        names(plain.mail.split("\r\n\r\n").next().unwrap_or_default())
    );
    assert!(seen.mail.is_ascii());
}

/// The same payload with other words.
fn plain(payload: &Payload) -> Payload {
    let mut plain = payload.clone();
    let word = |text: &mut String| {
        if !text.is_empty() {
            "x".clone_into(text);
        }
    };
    plain.group_key = "x".to_owned();
    plain.receiver = "x".to_owned();
    word(&mut plain.external_url);
    if payload
        .external_url
        .trim_end_matches('/')
        .starts_with("http://")
        || payload
            .external_url
            .trim_end_matches('/')
            .starts_with("https://")
    {
        plain.external_url = "http://x".to_owned();
    }
    let alerts = plain
        .alerts
        .iter_mut()
        .flat_map(|a| [&mut a.labels, &mut a.annotations]);
    let common = [
        &mut plain.group_labels,
        &mut plain.common_labels,
        &mut plain.common_annotations,
    ];
    for labels in alerts.chain(common) {
        // As many, with the names that have a meaning kept.
        let known = ["alertname", "pod", "instance", "namespace"];
        *labels = std::mem::take(labels)
            .into_iter()
            .enumerate()
            .map(|(i, (name, value))| {
                let name = if known.contains(&name.as_str()) {
                    name
                } else {
                    format!("n{i}")
                };
                (
                    name,
                    if value.is_empty() {
                        value
                    } else {
                        "x".to_owned()
                    },
                )
            })
            .collect();
    }
    plain
}

/// Names of the tags of a page with their attributes' names, in order.
fn tags(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in page.split('<').skip(1) {
        let tag = part.split('>').next().unwrap_or_default();
        // Ours around what stands between backticks, after all else was escaped.
        if matches!(tag, "code" | "/code") {
            continue;
        }
        // Values out, so that only structure is left.
        let structure: Vec<&str> = tag.split('"').step_by(2).collect();
        found.push(structure.join("\"\""));
    }
    found
}

/// Every string below a value with the key it stands under.
fn each(value: &Value, see: &mut impl FnMut(&str, &str)) {
    match value {
        Value::Object(fields) => {
            for (key, inner) in fields {
                match inner {
                    Value::String(text) => see(key, text),
                    other => each(other, see),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| each(item, see)),
        _ => {}
    }
}

/// Messages of a model's client: always one answer of JSON-RPC or none, and nothing outside of the root.
pub fn mcp(data: &[u8]) {
    static TOOLS: OnceLock<(tempfile::TempDir, Tools)> = OnceLock::new();
    let (_, tools) = TOOLS.get_or_init(|| {
        // No cluster is asked, whatever the message.
        let folder = tempfile::tempdir().expect("there is room for a folder");
        std::fs::write(folder.path().join("a.log"), "level=error msg=x\n")
            .expect("it can be written");
        std::fs::write(
            folder.path().join("hashrings.json"),
            r#"[{"endpoints":["a:1","b:1","c:1"]}]"#,
        )
        .expect("it can be written");
        let engine = Engine::new(Arc::new(Pack::embedded().expect("the embedded pack loads")));
        let tools = Tools::new(
            engine,
            &[folder.path().to_owned()],
            Some(folder.path().join("data")),
        )
        .expect("the folder is there");
        (folder, tools)
    });
    if data.windows(7).any(|w| w == b"cluster") || data.windows(2).any(|w| w == b"\\u") {
        return;
    }
    let judged = |answer: Option<Value>| {
        let Some(answer) = answer else { return };
        assert_eq!(answer["jsonrpc"], "2.0");
        assert!(answer.get("id").is_some());
        assert!(answer.get("result").is_some() != answer.get("error").is_some());
        let text = answer.to_string();
        assert!(!text.contains("root:x:0"), "{text}");
        assert!(!text.contains('\n'));
    };
    judged(mcp::answer(tools, data));
    // The bytes as an argument of each tool.
    let text = String::from_utf8_lossy(data);
    for (name, key) in [
        ("diagnose", "paths"),
        ("explain", "id"),
        ("search_manual", "words"),
        ("hashring_locate", "series"),
        ("incidents_show", "id"),
    ] {
        let value = if key == "paths" {
            json!([text])
        } else {
            json!(text)
        };
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": name, "arguments": { key: value, "file": "hashrings.json" } } });
        judged(mcp::answer(tools, message.to_string().as_bytes()));
    }
}
