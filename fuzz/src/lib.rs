//! What the fuzz targets check. Each function takes hostile bytes and panics when a promise is broken.
//!
//! The promises, beside "nothing panics": the same bytes give the same answer however they are cut
//! into reads; what is printed reads back as itself; bounds of `rdiag::limits` hold; nothing that a
//! terminal, browser, chat or shell would obey survives its escaper.

use std::io::{Cursor, Read};
use std::sync::{Arc, OnceLock};

use rdiag::bundle::Input;
use rdiag::engine::{Engine, Options};
use rdiag::hashring::{Load, Rings, Router, Setup, diff, simulate};
use rdiag::limits;
use rdiag::metrics::{Collector, parse_line};
use rdiag::novelty::Miner;
use rdiag::pack::Pack;
use rdiag::record::{Fields, Format, Origin, Options as ReaderOptions, Reader, Record, errors, leaves};
use rdiag::redact::{Options as RedactOptions, Redactor};
use rdiag::report::model::{
    Evidence, Explained, Gap, Hypothesis, Incident, Member, NextCheck, Novel, Remediation, Report, SourceCoverage,
    Step, Subject, Timeline, TimelineRow, Unexplained,
};
use rdiag::report::{self, Style, escape};

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
    let fields: Vec<_> = record.fields().iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
    assert!(fields.len() <= limits::FIELDS);
    assert!(record.body.len() <= limits::LINE_BYTES);
    assert!(leaves(record).len() <= 4 * limits::ERROR_LEAVES);
    format!("{} {:?} {:?} {:?} {fields:?} {:?}", record.origin, record.time, record.level, record.body, record.issues())
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
    let Some((cut, rest)) = data.split_first() else { return };
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
    let Some(printed) = print_logfmt(record.fields()) else { return };
    let again = Record::log(&origin, printed.as_bytes());
    assert_eq!(again.format(), Format::Logfmt, "{printed}");
    let (a, b): (Vec<_>, Vec<_>) = (record.fields().iter().collect(), again.fields().iter().collect());
    assert_eq!(a, b, "{printed}");
}

fn print_logfmt(fields: &Fields<'_>) -> Option<String> {
    let mut parts = Vec::new();
    for (key, value) in fields.iter() {
        let plain = !key.is_empty() && key.iter().all(|b| b.is_ascii_alphanumeric() || b"_.-/".contains(b));
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
    let files = ["signatures/thanos/receive/x.yaml", "states/x.yaml", "causes/x.yaml"];
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
    for kind in ["Pod", "Event", "StatefulSet", "Node", "EndpointSlice", "PersistentVolumeClaim"] {
        let mut text = format!(r#"{{"apiVersion":"v1","kind":"List","items":[{{"kind":"{kind}","#).into_bytes();
        text.extend_from_slice(data);
        text.extend_from_slice(b"}]}");
        open(text);
    }
}

/// Hashring files; a ring does not differ from itself.
pub fn hashring(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(rings) = Rings::parse(text) else { return };
    if rings.endpoints().len() > 24 {
        return;
    }
    let setup = Setup::default();
    let Ok(router) = Router::new(&rings, &setup) else { return };
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
    let subject = || Subject { kind: "pod".to_owned(), name: s() };
    let step = || Step { what: s(), run: Some(s()), risk: Some(s()) };
    let evidence = |silent| Evidence { symptom: s(), title: s(), subject: subject(), nats: f64::NAN, silent };
    let hypothesis = Hypothesis {
        cause: s(),
        title: s(),
        role: "root".to_owned(),
        probability: f64::INFINITY,
        band: "likely".to_owned(),
        subjects: vec![subject()],
        chain: vec![s(), s()],
        explains: vec![Explained { symptom: s(), title: s(), subject: subject(), necessity: 0.5, count: u64::MAX, samples: vec![s()] }],
        pro: vec![evidence(false)],
        contra: vec![evidence(true)],
        heals_itself: "never".to_owned(),
        remediation: Remediation { confirm: vec![step()], mitigate: vec![step()], fix: vec![step()], verify: s(), avoid: vec![s()] },
        poorly_explained: vec![s()],
    };
    let row = TimelineRow { pod: s(), at_fault: true, note: s(), marks: Vec::new() };
    let incident = Incident {
        id: s(),
        from: Some(s()),
        verdict: "likely".to_owned(),
        severity: s(),
        hypotheses: vec![hypothesis.clone(), hypothesis],
        indistinguishable: vec![vec![0, 1, 99]],
        next_checks: vec![NextCheck { what: s(), run: Some(s()), bits: f64::NAN, if_yes: s(), if_no: s() }],
        unexplained: vec![Unexplained { symptom: s(), title: s(), subject: subject(), count: 1 }],
        impact: Some(s()),
        timeline: Timeline { from: Some(s()), until: Some(s()), rows: vec![row] },
        ..Incident::default()
    };
    let mut report = Report { schema: s(), incidents: vec![incident], ..Report::default() };
    report.coverage.gaps.push(Gap { what: s(), why: s() });
    report.coverage.sources.push(SourceCoverage { kind: "log".to_owned(), pod: Some(s()), ..SourceCoverage::default() });
    report.novel.push(Novel { template: s(), count: 1, first: None, pods: vec![s()] });
    report.members.push(Member { pod: s(), role: "receiver".to_owned(), facts: vec![(s(), s())] });
    report
}

/// Every format of a hostile report: nothing that a terminal obeys, no tag that was not ours.
pub fn render(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let report = hostile(&text);
    for format in report::Format::ALL {
        for verbose in [0, 1] {
            let style = Style { width: 20 + text.len() % 120, color: false, verbose };
            let out = report::render(&report, format, style);
            let bad = out.chars().find(|c| escape::is_hidden(*c));
            assert!(bad.is_none(), "{}: {bad:?}", format.name());
            if format == report::Format::Html {
                let lower = out.to_ascii_lowercase();
                let plain = report::render(&hostile("x"), format, style).to_ascii_lowercase();
                for tag in ["<script", "<img", "<iframe", "javascript:", "<svg onload", "<a href=\"j"] {
                    let ours = plain.matches(tag).count();
                    // `javascript:` as text is harmless; as a tag it would have to begin with `<`.
                    assert!(!tag.starts_with('<') || lower.matches(tag).count() <= ours.max(0), "{tag}");
                }
            }
            if matches!(format, report::Format::Json | report::Format::Slack) {
                assert!(serde_json::from_str::<serde_json::Value>(&out).is_ok(), "{}", format.name());
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
    assert_eq!(shell(&escape::shell_word(&text)).as_deref(), Some(&*text), "{text:?}");
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
            c if c.is_whitespace() || "|&;<>()$`\"*?[]#~!{}".contains(c) && c != '~' => return None,
            c => out.push(c),
        }
    }
    (any && !quoted).then_some(out)
}

/// The whole way: bytes on standard input → report. Twice the same bytes.
pub fn engine(data: &[u8]) {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let engine = ENGINE.get_or_init(|| Engine::new(Arc::new(Pack::embedded().expect("the embedded pack loads"))));
    let run = || {
        let input = Input::open(&[], Some(Box::new(Cursor::new(data.to_vec())))).ok()?;
        let options = Options { threads: 1, ..Options::default() };
        let analysis = engine.run(&input, &options).ok()?;
        Some(report::render(&analysis.report, report::Format::Json, Style::default()))
    };
    assert_eq!(run(), run());
}

/// Redaction: twice changes nothing more than once leaves, and text without secrets stays.
pub fn redact(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut redactor = Redactor::new(RedactOptions { secrets: true, anonymize: true });
    let once = redactor.line(&text).into_owned();
    assert!(once.len() <= text.len() * 24 + 64);
    let mut secret = "x password=".to_owned();
    secret.push_str("Q7f9Zk2LwX end ");
    secret.push_str(&text.replace("Q7f9Zk2LwX", ""));
    let out = Redactor::new(RedactOptions::default()).line(&secret).into_owned();
    assert!(!out.contains("Q7f9Zk2LwX"), "{out}");
}

/// Templates: the order of lines makes no difference.
pub fn novelty(data: &[u8]) {
    let origin = Origin::pod("p");
    let lines: Vec<Vec<u8>> = data.split(|b| *b == b'\n').take(200).map(|l| [b"level=error msg=", l].concat()).collect();
    let (mut forth, mut left, mut right) = (Miner::default(), Miner::default(), Miner::default());
    for (i, line) in lines.iter().enumerate() {
        let record = Record::log(&origin, line);
        forth.record(&record);
        if i % 2 == 0 { left.record(&record) } else { right.record(&record) }
    }
    right.merge(left);
    assert_eq!(right, forth);
    assert_eq!(right.templates(), forth.templates());
    assert!(forth.forms() <= limits::NOVEL_FORMS);
}
