//! The real program: what goes in, what comes out, and with which code it ends.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// An incident whose diagnosis is quick.
const INCIDENT: &str = "incidents/restarted-and-nothing-says-why";

/// The program, ready to be given arguments, with nothing of this environment that changes its output.
fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rdiag"));
    for name in [
        "NO_COLOR",
        "CLICOLOR_FORCE",
        "COLUMNS",
        "RDIAG_PATTERNS",
        "RDIAG_EXIT_ZERO",
        "RDIAG_THREADS",
        "RDIAG_DEBUG",
    ] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

pub(crate) fn rdiag(args: &[&str]) -> Output {
    program().args(args).output().unwrap()
}

/// Runs it with `input` piped in.
fn piped(input: &[u8], args: &[&str]) -> Output {
    let mut command = program();
    let mut child = command
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // It may end before it has read everything.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let out = child.wait_with_output().unwrap();
    writer.join().unwrap();
    out
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// The bundle of a fixture.
pub(crate) fn fixture(name: &str) -> String {
    fixtures()
        .join(name)
        .join("bundle")
        .to_string_lossy()
        .into_owned()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is UTF-8")
}

/// Fails with all that was printed unless it ended with `code`.
fn check(out: &Output, code: i32) -> String {
    let (stdout, stderr) = (text(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert_eq!(
        out.status.code(),
        Some(code),
        "stdout:\n{stdout}\nstderr:\n{stderr}"
    );
    assert!(!stderr.contains("panicked"), "{stderr}");
    stdout
}

/// All logs below a folder, each line behind a prefix as `kubectl logs --prefix` writes it.
fn prefixed(folder: &Path, most: usize) -> Vec<u8> {
    let mut all = Vec::new();
    for pod in sorted(folder) {
        for log in sorted(&pod) {
            let container = log.file_stem().unwrap().to_string_lossy().into_owned();
            if container.ends_with(".previous") {
                continue;
            }
            let pod = pod.file_name().unwrap().to_string_lossy().into_owned();
            let lines = fs::read_to_string(&log).unwrap();
            let lines: Vec<&str> = lines.lines().collect();
            for line in &lines[lines.len().saturating_sub(most)..] {
                all.extend_from_slice(format!("[pod/{pod}/{container}] {line}\n").as_bytes());
            }
        }
    }
    all
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    all.sort();
    all
}

#[test]
fn exit_codes_say_what_was_found() {
    check(&rdiag(&[&fixture("quiet/healthy")]), 0);
    check(&rdiag(&[&fixture(INCIDENT)]), 1);
    check(&rdiag(&["diagnose", &fixture(INCIDENT)]), 1);
    check(&rdiag(&["--exit-zero", &fixture(INCIDENT)]), 0);
    check(&rdiag(&["--no-such-flag"]), 2);
    check(&rdiag(&["-o", "no-such-format"]), 2);
    check(&rdiag(&["--exit-zero", "--no-such-flag"]), 2);
    check(&rdiag(&["--thanos-version", "many", &fixture(INCIDENT)]), 2);
    check(&rdiag(&["/no/such/path"]), 3);
    check(&rdiag(&["--exit-zero", "/no/such/path"]), 3);
    check(&rdiag(&["--help"]), 0);
    check(&rdiag(&["--version"]), 0);
}

#[test]
fn an_empty_pipe_says_what_to_do() {
    let out = piped(b"", &[]);
    check(&out, 3);
    let said = text(&out.stderr);
    assert!(
        said.contains("kubectl logs") && said.contains("rdiag PATH"),
        "{said}"
    );
    assert!(out.stdout.is_empty());
}

#[test]
fn an_empty_folder_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let out = rdiag(&[&folder.path().to_string_lossy()]);
    check(&out, 3);
    assert!(text(&out.stderr).contains("nothing to read"));
}

#[test]
fn a_closed_pipe_is_quiet() {
    let mut child = program()
        .args(["patterns", "list"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(said, "");
}

#[test]
fn logs_piped_in_are_diagnosed() {
    let logs = fixtures().join("incidents/uploads-refused-signature-mismatch/bundle/logs");
    let mut all = Vec::new();
    for pod in sorted(&sorted(&logs)[0]) {
        for log in sorted(&pod) {
            all.extend(fs::read(log).unwrap());
        }
    }
    let said = check(&piped(&all, &["-o", "json"]), 1);
    assert!(said.contains("\"s3-credentials\""), "{said}");
    let said = check(&piped(&all, &["diagnose", "-o", "json", "-"]), 1);
    assert!(said.contains("\"s3-credentials\""), "{said}");
}

#[test]
fn pods_are_told_apart_by_their_prefixes() {
    let logs = fixtures().join("incidents/no-space-left-on-one-receiver/bundle/logs/monitoring");
    let said = check(&piped(&prefixed(&logs, usize::MAX), &["-o", "json"]), 1);
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    let top = &report["incidents"][0]["hypotheses"][0];
    assert_eq!(top["cause"], "disk-full");
    assert!(
        top["subjects"]
            .to_string()
            .contains("thanos-receive-ingestor-default-1"),
        "{}",
        top["subjects"]
    );
}

#[test]
fn the_defaults_of_kubectl_logs_are_recognised() {
    let logs = fixtures().join("quiet/healthy/bundle/logs");
    let namespace = &sorted(&logs)[0];
    let short = piped(&prefixed(namespace, 10), &[]);
    assert!(
        text(&short.stderr).contains("--tail=-1"),
        "{}",
        text(&short.stderr)
    );
    let json = text(&piped(&prefixed(namespace, 10), &["-o", "json"]).stdout);
    assert!(json.contains("defaults of kubectl logs -l"));
    let whole = piped(&prefixed(namespace, usize::MAX), &[]);
    assert_eq!(text(&whole.stderr), "");
}

#[test]
fn an_archive_is_read_like_its_folder() {
    let keep = tempfile::tempdir().unwrap();
    let folder = check(&rdiag(&["-o", "json", &fixture(INCIDENT)]), 1);
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_dir_all("bundle", fixture(INCIDENT)).unwrap();
    let tar = tar.into_inner().unwrap();
    let hypotheses = |json: &str| {
        let report: serde_json::Value = serde_json::from_str(json).unwrap();
        report["incidents"].to_string()
    };
    for (name, bytes) in [
        ("bundle.tar", tar.clone()),
        ("bundle.tar.zst", zstd::encode_all(&tar[..], 1).unwrap()),
    ] {
        let path = keep.path().join(name);
        fs::write(&path, &bytes).unwrap();
        let archive = check(&rdiag(&["-o", "json", &path.to_string_lossy()]), 1);
        assert_eq!(hypotheses(&archive), hypotheses(&folder), "{name}");
        let from_pipe = check(&piped(&bytes, &["-o", "json"]), 1);
        assert_eq!(
            hypotheses(&from_pipe),
            hypotheses(&folder),
            "{name} piped in"
        );
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let run =
        |threads: &str| rdiag(&["-o", "json", "--threads", threads, &fixture(INCIDENT)]).stdout;
    let one = run("1");
    assert!(!one.is_empty());
    for threads in ["2", "4", "0"] {
        assert!(run(threads) == one, "--threads {threads}");
    }
}

#[test]
fn garbage_is_read_to_its_end() {
    let mut bytes = vec![0_u8, 255, 27, b'[', b'\n', b'"', b'{', b'='];
    let mut state = 1_u32;
    for _ in 0..100_000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes.push((state >> 24) as u8);
    }
    let out = piped(&bytes, &[]);
    assert!(
        matches!(out.status.code(), Some(0 | 1 | 3)),
        "{:?}",
        out.status
    );
    let said = text(&out.stdout);
    assert!(
        !said.contains('\u{1b}'),
        "what terminals obey must not come through"
    );
}

#[test]
fn every_format_renders() {
    for (format, start) in [
        ("json", "{"),
        ("yaml", "schema: "),
        ("markdown", "#"),
        ("html", "<!"),
        ("junit", "<?xml"),
        ("slack", "{"),
        ("text", ""),
    ] {
        let said = check(&rdiag(&["-o", format, &fixture(INCIDENT)]), 1);
        assert!(
            said.to_lowercase().starts_with(start),
            "{format}: {}",
            &said[..said.len().min(80)]
        );
        assert!(said.ends_with('\n'), "{format}");
    }
    for format in ["json", "slack"] {
        let said = rdiag(&["-o", format, &fixture(INCIDENT)]).stdout;
        serde_json::from_slice::<serde_json::Value>(&said)
            .unwrap_or_else(|e| panic!("{format}: {e}"));
    }
}

#[test]
fn colour_only_when_asked_for() {
    let plain = check(&rdiag(&[&fixture(INCIDENT)]), 1);
    assert!(!plain.contains('\u{1b}'), "a pipe gets no colour");
    let asked = check(&rdiag(&["--color", "always", &fixture(INCIDENT)]), 1);
    assert!(asked.contains('\u{1b}'));
    let out = program()
        .env("NO_COLOR", "1")
        .arg(fixture(INCIDENT))
        .output()
        .unwrap();
    assert_eq!(check(&out, 1), plain);
}

#[test]
fn explain_prints_the_page() {
    let page = check(&rdiag(&["explain", "receiver-oom"]), 0);
    assert!(
        page.contains("receiver-oom") && page.contains("kubectl"),
        "{page}"
    );
    let out = rdiag(&["explain", "reciever-oom"]);
    check(&out, 2);
    assert!(
        text(&out.stderr).contains("receiver-oom"),
        "{}",
        text(&out.stderr)
    );
}

#[test]
fn the_pack_can_be_looked_at() {
    let list = check(&rdiag(&["patterns", "list"]), 0);
    assert!(list.lines().count() > 200 && list.contains("receiver-oom"));
    let shown = check(&rdiag(&["patterns", "show", "receiver-oom"]), 0);
    assert!(shown.contains("title:"), "{shown}");
    let keep = tempfile::tempdir().unwrap();
    check(
        &rdiag(&["patterns", "docs", &keep.path().to_string_lossy()]),
        0,
    );
    assert!(sorted(keep.path()).len() > 1);
}

#[test]
fn a_pattern_that_does_not_load_is_shown_with_file_line_and_caret() {
    let keep = tempfile::tempdir().unwrap();
    fs::create_dir(keep.path().join("causes")).unwrap();
    fs::write(
        keep.path().join("causes/mine.yaml"),
        "title: Mine\nrole: rot\n",
    )
    .unwrap();
    let folder = keep.path().to_string_lossy().into_owned();
    let out = rdiag(&["--patterns", &folder, "patterns", "check"]);
    let said = check(&out, 2) + &text(&out.stderr);
    assert!(
        said.contains("causes/mine.yaml:2:") && said.contains('^'),
        "{said}"
    );
    check(&rdiag(&["--patterns", &folder, &fixture(INCIDENT)]), 2);
}

#[test]
fn the_usual_helpers() {
    assert!(check(&rdiag(&["completions", "bash"]), 0).contains("rdiag"));
    assert!(check(&rdiag(&["completions", "zsh"]), 0).contains("rdiag"));
    assert!(check(&rdiag(&["man"]), 0).contains(".TH"));
    assert!(check(&rdiag(&["version"]), 0).contains(env!("CARGO_PKG_VERSION")));
    assert!(check(&rdiag(&["schema"]), 0).contains("$schema"));
}

/// The report in the README is the one that its command prints.
#[test]
fn the_readme_shows_a_real_report() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (head, rest) = readme.split_once("<!-- report: ").unwrap();
    let (name, rest) = rest.split_once(" -->\n").unwrap();
    let (shown, tail) = rest.split_once("<!-- end -->").unwrap();
    let report = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
    let expected = format!("```text\n{report}```\n");
    if std::env::var_os("UPDATE_EXPECT").is_some_and(|v| v == "1") {
        fs::write(
            &path,
            format!("{head}<!-- report: {name} -->\n{expected}<!-- end -->{tail}"),
        )
        .unwrap();
        return;
    }
    assert_eq!(shown, expected, "UPDATE_EXPECT=1 cargo test writes it anew");
    let command = format!(
        "cargo run --release -- {}",
        name.replace("report.txt", "bundle")
    );
    assert!(readme.contains(&command), "{command}");
}
