//! Logs of containers, streamed to disk.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

use super::api::{Refusal, Stream, escape};
use super::connect::{Cluster, root};
use super::notes::Notes;
use super::pods::{Container, Pod};
use super::resume::{Resume, time_of};
use super::target::{Lives, Target};
use super::{CollectError, Progress, rights};
use crate::bundle::Writer;
use crate::limits;

/// One log to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) namespace: String,
    pub(super) pod: String,
    pub(super) container: String,
    pub(super) previous: bool,
    /// The container is between two lives: the log of the life before is given as the present one too,
    /// and sometimes only so.
    pub(super) between: bool,
}

impl Job {
    /// As gaps call it.
    pub(super) fn name(&self) -> String {
        let which = if self.previous { "previous log" } else { "log" };
        format!(
            "{which} of {}/{} {}",
            self.namespace, self.pod, self.container
        )
    }

    /// Path of the log, with time stamps.
    pub(super) fn path(&self, follow: bool) -> String {
        let mut path = format!(
            "/api/v1/namespaces/{}/pods/{}/log?container={}&timestamps=true",
            self.namespace,
            self.pod,
            escape(&self.container)
        );
        if self.previous {
            path.push_str("&previous=true");
        }
        if follow {
            path.push_str("&follow=true");
        }
        path
    }
}

/// The logs there are to read of `pods`. Those that cannot exist are gaps at once.
pub(super) fn jobs(pods: &[Pod], target: &Target, notes: &Notes<'_>) -> Vec<Job> {
    let mut jobs = Vec::new();
    if target.lives == Lives::Neither {
        return jobs;
    }
    for pod in pods {
        let wanted = |c: &Container| target.container.as_ref().is_none_or(|name| *name == c.name);
        for container in pod.containers().into_iter().filter(wanted) {
            let job = |previous| Job {
                namespace: pod.namespace.clone(),
                pod: pod.name.clone(),
                container: container.name.clone(),
                previous,
                between: container.waiting.is_some() && container.has_previous,
            };
            if container.has_previous {
                jobs.push(job(true));
            }
            if target.lives == Lives::Previous {
                continue;
            }
            if container.started {
                // Between two lives the API server gives the log of the life before for both.
                if !job(false).between {
                    jobs.push(job(false));
                }
            } else {
                let why = container
                    .waiting
                    .as_deref()
                    .unwrap_or("it is not scheduled");
                notes.gap(
                    job(false).name(),
                    format!("the container has never run ({why})"),
                );
            }
        }
    }
    jobs
}

/// Reads one log into the bundle. What cannot be read is a gap.
///
/// # Errors
/// When the bundle cannot be written.
pub(super) async fn fetch(
    cluster: &Cluster,
    target: &Target,
    job: &Job,
    bundle: &Writer,
    notes: &Notes<'_>,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<(), CollectError> {
    if notes.is_missing(&rights::LOGS, Some(&job.namespace)) {
        return Ok(());
    }
    let mut first = format!("{}{}", job.path(false), window(target));
    let mut stream = match cluster.open_patiently(&first).await {
        Ok(stream) => stream,
        Err(refusal) => {
            refused(job, &refusal, notes);
            return Ok(());
        }
    };
    let mut sink: Option<Sink> = None;
    let mut attempt = 1;
    loop {
        let end = drain(&mut stream, target, job, bundle, &mut sink, progress).await?;
        let cut = match end {
            End::Complete => break,
            End::Instead(text) => {
                let other = first.replace("&previous=true", "");
                if job.between && other != first {
                    first = other;
                    if let Ok(next) = cluster.open_patiently(&first).await {
                        stream = next;
                        continue;
                    }
                }
                notes.gap(job.name(), text);
                break;
            }
            End::Slow(bytes) => {
                let secs = target.idle.as_secs();
                notes.gap(
                    job.name(),
                    format!("given up: {bytes} bytes in {secs} s (--idle-timeout)"),
                );
                break;
            }
            End::Cut(why) => why,
        };
        attempt += 1;
        match resume(cluster, job, &first, &mut sink, attempt).await? {
            Some(next) => stream = next,
            None => {
                notes.gap(
                    job.name(),
                    format!("the connection was cut {attempt} times ({cut}); what came is kept"),
                );
                break;
            }
        }
    }
    match sink {
        Some(sink) => sink.finish(job, notes),
        None => Ok(()),
    }
}

/// Opens the log again after a cut.
async fn resume(
    cluster: &Cluster,
    job: &Job,
    first: &str,
    sink: &mut Option<Sink>,
    attempt: u32,
) -> Result<Option<Stream>, CollectError> {
    if attempt > limits::COLLECT_ATTEMPTS {
        return Ok(None);
    }
    tokio::time::sleep(Duration::from_millis(250 << attempt)).await;
    let since = match sink {
        Some(sink) => sink.rewind()?,
        None => None,
    };
    let path = match since {
        Some(since) => format!("{}&sinceTime={}", job.path(false), escape(&seconds(since))),
        None => first.to_owned(),
    };
    Ok(cluster.open_patiently(&path).await.ok())
}

/// RFC 3339 at whole seconds, as the API server takes it.
pub(super) fn seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second())
        .unwrap_or(time)
        .to_string()
}

/// The part of the query that bounds the time.
fn window(target: &Target) -> String {
    let mut query = String::new();
    if let Some(time) = target.since_time {
        query.push_str("&sinceTime=");
        query.push_str(&escape(&seconds(time)));
    } else if let Some(since) = target.since {
        query.push_str(&format!("&sinceSeconds={}", since.as_secs().max(1)));
    }
    if let Some(tail) = target.tail {
        query.push_str(&format!("&tailLines={tail}"));
    }
    query
}

fn refused(job: &Job, refusal: &Refusal, notes: &Notes<'_>) {
    if job.previous && matches!(refusal.code(), Some(400 | 404)) {
        notes.gap(job.name(), "the kubelet no longer has it");
    } else {
        notes.refused(&rights::LOGS, Some(&job.namespace), &job.name(), refusal);
    }
}

/// How a stream ended.
enum End {
    /// At the log's end, or past the time asked for.
    Complete,
    /// The kubelet wrote why there is no log, in place of the log.
    Instead(String),
    /// Next to nothing came for too long; so many bytes did.
    Slow(u64),
    /// By the network.
    Cut(String),
}

/// Copies a stream to its end.
async fn drain(
    stream: &mut Stream,
    target: &Target,
    job: &Job,
    bundle: &Writer,
    sink: &mut Option<Sink>,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<End, CollectError> {
    let mut deadline = Instant::now() + target.idle;
    let mut fresh = 0;
    loop {
        let Ok(next) = timeout_at(deadline, stream.next()).await else {
            return Ok(End::Slow(fresh));
        };
        let piece = match next {
            None => return Ok(End::Complete),
            Some(Err(error)) => return Ok(End::Cut(root(&error))),
            Some(Ok(piece)) => piece,
        };
        fresh += piece.len() as u64;
        if fresh >= limits::COLLECT_IDLE_BYTES {
            deadline = Instant::now() + target.idle;
            fresh = 0;
        }
        if sink.is_none() {
            if let Some(text) = instead(&piece) {
                return Ok(End::Instead(text));
            }
            let file = bundle.log(&job.namespace, &job.pod, &job.container, job.previous)?;
            *sink = Some(Sink::new(file));
        }
        let Some(open) = sink.as_mut() else { continue };
        progress(Progress::Bytes(piece.len() as u64));
        if open.take(&piece, target.until)? {
            return Ok(End::Complete);
        }
    }
}

/// What the kubelet writes, with status 200, when it has no log.
fn instead(piece: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&piece[..piece.len().min(400)]);
    let told = [
        "unable to retrieve container logs for",
        "failed to try resolving symlinks in path",
    ];
    told.iter()
        .any(|t| head.starts_with(t))
        .then(|| head.trim().to_owned())
}

/// A log on its way to disk.
struct Sink {
    file: BufWriter<File>,
    /// Bytes written.
    written: u64,
    /// Where the last line begins that has no end yet.
    line_start: u64,
    /// The last bytes written, to know after a cut what was there.
    tail: Vec<u8>,
    /// After a cut: lines are judged one by one.
    resume: Option<(Resume, Vec<u8>)>,
    /// After a cut, no line came twice.
    lost_touch: bool,
}

impl Sink {
    fn new(file: BufWriter<File>) -> Self {
        Self {
            file,
            written: 0,
            line_start: 0,
            tail: Vec::new(),
            resume: None,
            lost_touch: false,
        }
    }

    /// Writes a piece; `true` when a line is newer than `until`.
    fn take(&mut self, piece: &[u8], until: Option<Timestamp>) -> Result<bool, CollectError> {
        if let Some((mut resume, mut partial)) = self.resume.take() {
            let done = self.take_lines(piece, until, &mut resume, &mut partial)?;
            self.lost_touch |= resume.lost_touch() && self.written > 0;
            self.resume = Some((resume, partial));
            return Ok(done);
        }
        let Some(until) = until else {
            self.write(piece)?;
            return Ok(false);
        };
        let mut rest = piece;
        // The end of a line begun in an earlier piece was judged with its beginning.
        let mut judged = self.line_start < self.written;
        while !rest.is_empty() {
            if !judged && time_of(rest).is_some_and(|time| time > until) {
                return Ok(true);
            }
            judged = false;
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            self.write(&rest[..end])?;
            rest = &rest[end..];
        }
        Ok(false)
    }

    fn take_lines(
        &mut self,
        piece: &[u8],
        until: Option<Timestamp>,
        resume: &mut Resume,
        partial: &mut Vec<u8>,
    ) -> Result<bool, CollectError> {
        partial.extend_from_slice(piece);
        let mut from = 0;
        while let Some(at) = memchr::memchr(b'\n', &partial[from..]) {
            let line = &partial[from..from + at];
            if until.is_some_and(|until| time_of(line).is_some_and(|time| time > until)) {
                return Ok(true);
            }
            if resume.admit(line) {
                let line = &partial[from..=from + at];
                self.write(line)?;
            }
            from += at + 1;
        }
        partial.drain(..from);
        if partial.len() > limits::LINE_BYTES {
            // Too long to be judged: written as it is, cut where it is.
            let whole = std::mem::take(partial);
            self.write(&whole)?;
        }
        Ok(false)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), CollectError> {
        self.file.write_all(bytes).map_err(failed)?;
        if let Some(at) = memchr::memrchr(b'\n', bytes) {
            self.line_start = self.written + at as u64 + 1;
        }
        self.written += bytes.len() as u64;
        let kept = &bytes[bytes.len().saturating_sub(TAIL)..];
        if self.tail.capacity() == 0 {
            self.tail.reserve_exact(2 * TAIL);
        }
        if self.tail.len() + kept.len() > 2 * TAIL {
            let surplus = (self.tail.len() + kept.len() - TAIL).min(self.tail.len());
            self.tail.drain(..surplus);
        }
        self.tail.extend_from_slice(kept);
        Ok(())
    }

    /// Takes back the unfinished last line and gives the time to go on from.
    fn rewind(&mut self) -> Result<Option<Timestamp>, CollectError> {
        let surplus = usize::try_from(self.written - self.line_start).unwrap_or(usize::MAX);
        self.tail.truncate(self.tail.len().saturating_sub(surplus));
        self.file.flush().map_err(failed)?;
        self.file
            .get_ref()
            .set_len(self.line_start)
            .map_err(failed)?;
        self.file
            .seek(SeekFrom::Start(self.line_start))
            .map_err(failed)?;
        self.written = self.line_start;
        let mut resume = match self.resume.take() {
            Some((resume, _)) => resume,
            None => {
                let mut resume = Resume::default();
                let mut lines = self.tail.split(|b| *b == b'\n');
                if (self.tail.len() as u64) < self.line_start {
                    // The beginning of the first one is not remembered.
                    lines.next();
                    resume.forgot_older();
                }
                lines
                    .filter(|line| !line.is_empty())
                    .for_each(|line| resume.note(line));
                resume
            }
        };
        resume.begin();
        let since = resume.newest();
        if since.is_none() {
            // Nothing to go on from: begin anew.
            self.file.get_ref().set_len(0).map_err(failed)?;
            self.file.seek(SeekFrom::Start(0)).map_err(failed)?;
            (self.written, self.line_start) = (0, 0);
            self.tail.clear();
            return Ok(None);
        }
        self.resume = Some((resume, Vec::new()));
        Ok(since)
    }

    fn finish(mut self, job: &Job, notes: &Notes<'_>) -> Result<(), CollectError> {
        if let Some((mut resume, partial)) = self.resume.take()
            && !partial.is_empty()
            && resume.admit(&partial)
        {
            self.write(&partial)?;
        }
        if self.lost_touch {
            notes.gap(
                job.name(),
                "it was cut and could not be resumed where it was cut: lines may be missing",
            );
        }
        self.file.flush().map_err(failed)
    }
}

/// Bytes of a log's end that are remembered, per stream.
const TAIL: usize = 16 * 1024;

fn failed(source: std::io::Error) -> CollectError {
    CollectError::Write {
        what: "a log",
        source,
    }
}
