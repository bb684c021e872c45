//! `rdiag watch`: follows all pods, and reports again when the answer changes.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use crate::args::{Common, Diagnose, Output};
use crate::cluster::json_line;
use crate::collect::{self, AccessArgs, TargetArgs};
use crate::diagnose::{self, chain};
use crate::output::{self, Failure};
use crate::whole;
use rdiag::bundle::Input;
use rdiag::collect::{Follow, ObjectList, Seen};
use rdiag::engine::{Analysis, Engine, Options};
use rdiag::limits;
use rdiag::record::Origin;
use rdiag::redact::Redactor;
use rdiag::report;

/// Arguments of `watch`.
#[derive(Args, Clone, Debug)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    access: AccessArgs,
    #[command(flatten)]
    target: TargetArgs,
    /// How often to look for pods and to judge
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = collect::duration)]
    interval: Duration,
    /// Threads; 0 means one per core
    #[arg(long, default_value_t = 0, env = "RDIAG_THREADS")]
    threads: usize,
    /// Thanos version of pods whose own cannot be known
    #[arg(long, value_name = "VERSION")]
    thanos_version: Option<String>,
    /// Also write what is seen to this folder, which must not exist
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// `rdiag watch`: ends with Ctrl-C, and then with the last answer's exit code.
pub(crate) fn run(common: &Common, args: &WatchArgs) -> Result<bool, Failure> {
    let what = Diagnose {
        paths: Vec::new(),
        threads: args.threads,
        thanos_version: args.thanos_version.clone(),
        ..Diagnose::default()
    };
    let mut judge = Judge {
        common,
        options: diagnose::options(&what)?,
        engine: diagnose::engine(common)?,
        spool: Spool::new(args.keep.clone(), !common.no_redact)?,
        last: None,
        failed: None,
    };
    let follow = Follow {
        poll: args.interval,
        objects: args.interval.max(Duration::from_secs(15)),
    };
    let ended = collect::runtime()?.block_on(async {
        let cluster = args.access.connect().await?;
        let target = args.target.target();
        let following = rdiag::collect::follow(&cluster, &target, follow, |seen| judge.take(seen));
        tokio::select! {
            ended = following => ended.map_err(|error| collect::failure(&error)),
            () = collect::interrupted() => Ok(()),
        }
    });
    if let Some(failure) = judge.failed.take() {
        return Err(failure);
    }
    ended?;
    judge.finish()
}

/// Keeps what is seen, and judges it.
struct Judge<'a> {
    common: &'a Common,
    options: Options,
    engine: Engine,
    spool: Spool,
    last: Option<Answer>,
    failed: Option<Failure>,
}

/// An answer, and what of it counts as a change.
struct Answer {
    analysis: Analysis,
    gist: String,
}

impl Judge<'_> {
    fn take(&mut self, seen: Seen) -> ControlFlow<()> {
        let done = match seen {
            Seen::Line { origin, bytes } => self.spool.line(&origin, &bytes),
            Seen::Objects(lists) => self.spool.objects(&lists),
            Seen::Gap { what, why } => {
                self.spool.gaps.insert((what, why), ());
                Ok(())
            }
            // What else runs meanwhile waits for the queue, which is bounded.
            Seen::Round => tokio::task::block_in_place(|| self.judge()),
        };
        match done {
            Ok(()) => ControlFlow::Continue(()),
            Err(failure) => {
                self.failed = Some(failure);
                ControlFlow::Break(())
            }
        }
    }

    /// Judges what is there, and prints the answer if it is another one.
    fn judge(&mut self) -> Result<(), Failure> {
        let answer = self.answer()?;
        let changed = self
            .last
            .as_ref()
            .is_none_or(|last| last.gist != answer.gist);
        if changed {
            self.print(&answer)?;
        }
        self.last = Some(answer);
        self.spool.turn()
    }

    fn answer(&mut self) -> Result<Answer, Failure> {
        let paths = self.spool.settle()?;
        let input = Input::open(&paths, None).map_err(|e| Failure::Job(chain(&e)))?;
        let mut analysis = self
            .engine
            .run(&input, &self.options)
            .map_err(|e| Failure::Job(chain(&e)))?;
        output::redact(self.common, &mut analysis.report);
        let gist = gist(&analysis);
        Ok(Answer { analysis, gist })
    }

    fn print(&self, answer: &Answer) -> Result<(), Failure> {
        let text = match self.common.output {
            Output::Json => json_line(&answer.analysis)?,
            format => {
                let style = output::style(self.common);
                let report = report::render(&answer.analysis.report, output::format(format), style);
                format!("{report}\n")
            }
        };
        output::print(text.as_bytes())
    }

    /// The last answer, with all that was seen.
    fn finish(mut self) -> Result<bool, Failure> {
        let answer = self.answer()?;
        self.print(&answer)?;
        Ok(!answer.analysis.report.healthy)
    }
}

/// Verdicts, causes and what they are about: counts and times change with every line.
fn gist(analysis: &Analysis) -> String {
    let mut gist = format!("healthy={}\n", analysis.report.healthy);
    for incident in &analysis.report.incidents {
        gist.push_str(&incident.verdict);
        for hypothesis in incident
            .hypotheses
            .iter()
            .filter(|h| h.band != "cannot_tell" && h.band != "possible")
        {
            gist.push_str(&format!(" {}", hypothesis.cause));
            hypothesis
                .subjects
                .iter()
                .for_each(|s| gist.push_str(&format!(" {}", s.name)));
        }
        gist.push('\n');
    }
    gist
}

/// A log that is written.
struct Kept {
    file: BufWriter<File>,
    redactor: Option<Redactor>,
}

/// What was seen lately, as two bundles on disk: the one that is written, and the one before.
struct Spool {
    root: PathBuf,
    // Removed when dropped, unless it is to be kept.
    _scratch: Option<tempfile::TempDir>,
    turn: u64,
    bytes: u64,
    files: BTreeMap<PathBuf, Kept>,
    /// What is seen outlives the run: it loses its credentials as it is written.
    clean: bool,
    objects: BTreeMap<(Option<String>, &'static str), Vec<u8>>,
    gaps: BTreeMap<(String, String), ()>,
}

impl Spool {
    /// In the folder `keep`, where credentials are taken out if `clean`; or in one that goes away.
    fn new(keep: Option<PathBuf>, clean: bool) -> Result<Self, Failure> {
        let failed = |e: std::io::Error| {
            Failure::Job(format!("could not make a folder for what is seen: {e}"))
        };
        let clean = clean && keep.is_some();
        let (root, scratch) = match keep {
            Some(dir) => {
                fs::create_dir(&dir).map_err(failed)?;
                (dir, None)
            }
            None => {
                let scratch = tempfile::Builder::new()
                    .prefix("rdiag-watch-")
                    .tempdir()
                    .map_err(failed)?;
                (scratch.path().to_owned(), Some(scratch))
            }
        };
        Ok(Self {
            root,
            _scratch: scratch,
            turn: 0,
            bytes: 0,
            files: BTreeMap::new(),
            clean,
            objects: BTreeMap::new(),
            gaps: BTreeMap::new(),
        })
    }

    fn folder(&self, turn: u64) -> PathBuf {
        self.root.join(format!("{turn:06}"))
    }

    fn line(&mut self, origin: &Origin, bytes: &[u8]) -> Result<(), Failure> {
        let namespace = origin.namespace.as_deref().unwrap_or("default");
        let container = origin.container.as_deref().unwrap_or("thanos-receive");
        let mark = if origin.previous { ".previous" } else { "" };
        let path = self
            .folder(self.turn)
            .join("logs")
            .join(namespace)
            .join(&*origin.pod)
            .join(format!("{container}{mark}.log"));
        let file = match self.files.entry(path) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let file = BufWriter::new(created(entry.key())?);
                let redactor = self.clean.then(Redactor::default);
                entry.insert(Kept { file, redactor })
            }
        };
        self.bytes += bytes.len() as u64 + 1;
        let written = match &mut file.redactor {
            Some(redactor) => redactor.copy(&mut &*bytes, &mut file.file),
            None => file.file.write_all(bytes),
        };
        written
            .and_then(|()| file.file.write_all(b"\n"))
            .map_err(spooling)
    }

    fn objects(&mut self, lists: &[ObjectList]) -> Result<(), Failure> {
        for list in lists {
            let mut value = list.value.clone();
            if self.clean {
                Redactor::default().document(&mut value);
            }
            let text = value.to_string().into_bytes();
            self.objects
                .insert((list.namespace.clone(), list.kind), text);
        }
        Ok(())
    }

    /// Writes everything out and gives the folders to read.
    fn settle(&mut self) -> Result<Vec<PathBuf>, Failure> {
        self.files
            .values_mut()
            .try_for_each(|kept| kept.file.flush())
            .map_err(spooling)?;
        let now = self.folder(self.turn);
        for ((namespace, kind), text) in &self.objects {
            let mut path = now.join("kubernetes");
            path.extend(namespace);
            fs::create_dir_all(&path).map_err(spooling)?;
            whole::bytes(&path.join(format!("{kind}.json")), text).map_err(spooling)?;
        }
        let gaps: Vec<serde_json::Value> = self
            .gaps
            .keys()
            .map(|(what, why)| serde_json::json!({ "what": what, "why": why }))
            .collect();
        let manifest = serde_json::json!({ "schema": rdiag::bundle::SCHEMA, "gaps": gaps });
        fs::create_dir_all(&now).map_err(spooling)?;
        let text = manifest.to_string();
        whole::bytes(&now.join("manifest.json"), text.as_bytes()).map_err(spooling)?;
        let before = self.turn.checked_sub(1).map(|turn| self.folder(turn));
        Ok(before
            .into_iter()
            .filter(|path| path.exists())
            .chain([now])
            .collect())
    }

    /// Begins anew when there is enough; what is older than that is let go.
    fn turn(&mut self) -> Result<(), Failure> {
        if self.bytes < limits::SPOOL_BYTES / 2 {
            return Ok(());
        }
        self.files.clear();
        if let Some(old) = self.turn.checked_sub(1) {
            let folder = self.folder(old);
            if folder.exists() {
                fs::remove_dir_all(folder).map_err(spooling)?;
            }
            let why = format!(
                "only the last {} to {} MiB of logs are judged",
                limits::SPOOL_BYTES >> 21,
                limits::SPOOL_BYTES >> 20
            );
            self.gaps.insert(("earlier logs".to_owned(), why), ());
        }
        // Of what is let go next only the logs are still judged: the objects are written anew.
        let done = self.folder(self.turn);
        fs::remove_dir_all(done.join("kubernetes")).map_err(spooling)?;
        fs::remove_file(done.join("manifest.json")).map_err(spooling)?;
        self.turn += 1;
        self.bytes = 0;
        Ok(())
    }
}

fn created(path: &Path) -> Result<File, Failure> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(spooling)?;
    }
    File::create(path).map_err(spooling)
}

fn spooling(error: std::io::Error) -> Failure {
    Failure::Job(format!("could not keep what was seen: {error}"))
}
