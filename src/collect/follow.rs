//! Keeps looking: follows the logs of all pods, new ones too, through cuts, restarts and replacements.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::Duration;

use futures::StreamExt;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::api::{Refusal, Stream, escape};
use super::connect::Cluster;
use super::logs::{Job, seconds};
use super::notes::Notes;
use super::objects::{self, ObjectList};
use super::pods::{self, Container, Pod};
use super::resume::Resume;
use super::target::Target;
use super::{CollectError, rights};
use crate::limits;
use crate::record::Origin;

/// How to follow.
#[derive(Clone, Copy, Debug)]
pub struct Follow {
    /// How often pods are looked for.
    pub poll: Duration,
    /// How often other objects (events, controllers, nodes) are looked at.
    pub objects: Duration,
}

impl Default for Follow {
    fn default() -> Self {
        Self { poll: Duration::from_secs(5), objects: Duration::from_secs(15) }
    }
}

/// What was seen.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// A line of a log, with its `timestamps=true` prefix and without its end.
    Line {
        /// Whose.
        origin: Origin,
        /// The line; longer ones are cut at [`limits::LINE_BYTES`].
        bytes: Vec<u8>,
    },
    /// Objects as they are now; each replaces what was seen before of its kind and namespace.
    Objects(Vec<ObjectList>),
    /// Something that could not be seen.
    Gap {
        /// What.
        what: String,
        /// Why.
        why: String,
    },
    /// A round is over: whoever wants to say something now may.
    Round,
}

/// Follows `target` and hands everything seen to `seen`, in order per container, until that breaks.
/// Dropping the future ends it as well. Must run inside a tokio runtime.
///
/// # Errors
/// When the pods cannot be listed at the beginning, when there are none, and when the credentials
/// stop being accepted.
pub async fn follow(
    cluster: &Cluster,
    target: &Target,
    follow: Follow,
    mut seen: impl FnMut(Seen) -> ControlFlow<()>,
) -> Result<(), CollectError> {
    let (sender, mut queue) = mpsc::channel(limits::FOLLOW_QUEUE);
    let gaps = sender.clone();
    // A full queue means that the engine is behind; a gap that finds no room is told by the next round.
    let notes = Notes::new(move |what, why| drop(gaps.try_send(Seen::Gap { what, why })));
    let mut round = Rounds { cluster, target, notes: &notes, sender, running: JoinSet::new(), known: BTreeSet::new(), refused: 0 };
    let mut pods = pods::receivers(cluster, target).await?;
    let mut next_objects = Instant::now();
    loop {
        round.start(&pods);
        let lists = if Instant::now() >= next_objects {
            next_objects = Instant::now() + follow.objects;
            objects::gather(cluster, &pods, &notes).await
        } else {
            objects::pods_only(&pods)
        };
        if seen(Seen::Objects(lists)).is_break() {
            return Ok(());
        }
        let until = Instant::now() + follow.poll;
        while let Ok(Some(next)) = tokio::time::timeout_at(until, queue.recv()).await {
            if seen(next).is_break() {
                return Ok(());
            }
        }
        if seen(Seen::Round).is_break() {
            return Ok(());
        }
        if let Some(now) = round.look().await? {
            pods = now;
        }
    }
}

/// Which pod's container: a replaced pod has the name of the one before, but not its uid.
type Key = (String, String, String, String);

struct Rounds<'a> {
    cluster: &'a Cluster,
    target: &'a Target,
    notes: &'a Notes<'a>,
    sender: mpsc::Sender<Seen>,
    running: JoinSet<()>,
    /// Followed now or before, and whether the pod is still there.
    known: BTreeSet<Key>,
    /// How often in a row the pods could not be listed.
    refused: u32,
}

impl Rounds<'_> {
    /// Begins to follow what is not followed yet.
    fn start(&mut self, pods: &[Pod]) {
        let there = |key: &Key| pods.iter().any(|pod| pod.namespace == key.0 && pod.name == key.1 && pod.uid == key.2);
        self.known.retain(there);
        while self.running.try_join_next().is_some() {}
        for pod in pods {
            let wanted = |c: &Container| self.target.container.as_ref().is_none_or(|name| *name == c.name);
            for container in pod.containers().into_iter().filter(|c| c.started).filter(wanted) {
                let key = (pod.namespace.clone(), pod.name.clone(), pod.uid.clone(), container.name.clone());
                if !self.known.insert(key) {
                    continue;
                }
                if self.running.len() >= limits::FOLLOW_STREAMS {
                    self.notes.gap(
                        format!("log of {} {}", pod.full_name(), container.name),
                        format!("more than {} containers: not followed", limits::FOLLOW_STREAMS),
                    );
                    continue;
                }
                let one = One::of(self.cluster, self.target, pod, &container, self.sender.clone());
                self.running.spawn(one.run());
            }
        }
    }

    /// The pods there are now; `None` when that cannot be known for the moment.
    async fn look(&mut self) -> Result<Option<Vec<Pod>>, CollectError> {
        let places = pods::places(self.cluster, &self.target.namespaces);
        match pods::matching(self.cluster, &places, &self.target.selectors()).await {
            Ok(pods) => {
                self.refused = 0;
                Ok(Some(pods))
            }
            Err(error @ CollectError::Unauthorized { .. }) if self.refused >= REFUSALS => Err(error),
            Err(error) => {
                if self.refused == 0 {
                    self.notes.gap("pods", format!("for some time they could not be looked for: {error}"));
                }
                self.refused += 1;
                Ok(None)
            }
        }
    }
}

/// So many rounds without accepted credentials end following; a rotated token is read anew before.
const REFUSALS: u32 = 12;

/// A log without a word for so long is opened anew: a dead connection looks the same.
const SILENCE: Duration = Duration::from_secs(300);

/// Follows one container of one pod through its lives.
struct One {
    cluster: Cluster,
    job: Job,
    uid: String,
    /// How often the container had been started anew when its present life began.
    life: u64,
    had_life: bool,
    since: Option<Duration>,
    resume: Resume,
    sender: mpsc::Sender<Seen>,
    /// Lines cut for their length.
    cut: u64,
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The API server closed it: the container has ended, or a timeout or rotation.
    Closed,
    /// The network did, or nothing came for long.
    Cut,
    /// Nobody listens any more.
    Unheard,
}

/// What became of the container.
enum Fate {
    Runs,
    Ended,
    Restarted(u64),
    Gone,
    Unknown,
}

impl One {
    fn of(cluster: &Cluster, target: &Target, pod: &Pod, container: &Container, sender: mpsc::Sender<Seen>) -> Self {
        let job = Job {
            namespace: pod.namespace.clone(),
            pod: pod.name.clone(),
            container: container.name.clone(),
            previous: false,
            between: false,
        };
        Self {
            cluster: cluster.clone(),
            job,
            uid: pod.uid.clone(),
            life: container.restarts,
            had_life: container.has_previous,
            since: target.since,
            resume: Resume::default(),
            sender,
            cut: 0,
        }
    }

    async fn run(mut self) {
        let window = self.since.map_or(String::new(), |since| format!("&sinceSeconds={}", since.as_secs().max(1)));
        if self.had_life {
            // The life before is history; it is told apart from what is followed.
            let mut history = Resume::default();
            std::mem::swap(&mut history, &mut self.resume);
            self.read_previous(&window, true).await;
            self.resume = Resume::default();
        }
        let mut query = window;
        let mut pause = FIRST_PAUSE;
        loop {
            let (end, partial) = match self.cluster.open_patiently(&format!("{}{query}", self.job.path(true))).await {
                Ok(stream) => {
                    pause = FIRST_PAUSE;
                    self.drain(stream, false).await
                }
                Err(refusal) if refusal.is_forbidden() => {
                    self.gap(format!("no right to {}: {}", rights::LOGS.name(), rights::LOGS.cost)).await;
                    return;
                }
                Err(_) => (End::Cut, Vec::new()),
            };
            if end == End::Unheard {
                return;
            }
            match self.fate().await {
                Fate::Gone => {
                    self.last_line(&partial).await;
                    return;
                }
                Fate::Restarted(life) => {
                    self.next_life(life).await;
                    query.clear();
                    continue;
                }
                Fate::Ended if end == End::Closed => {
                    self.last_line(&partial).await;
                    if self.wait_for_next_life().await.is_break() {
                        return;
                    }
                    query.clear();
                    continue;
                }
                Fate::Runs | Fate::Ended | Fate::Unknown => {}
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
            query = self.resume_query();
        }
    }

    /// Where to go on after a cut.
    fn resume_query(&mut self) -> String {
        self.resume.begin();
        match self.resume.newest() {
            Some(time) => format!("&sinceTime={}", escape(&seconds(time))),
            None => String::new(),
        }
    }

    /// The container ended; waits until it runs again. Breaks when the pod goes.
    async fn wait_for_next_life(&mut self) -> ControlFlow<()> {
        loop {
            tokio::time::sleep(Duration::from_secs(2)).await;
            match self.fate().await {
                Fate::Gone => return ControlFlow::Break(()),
                Fate::Restarted(life) => {
                    self.next_life(life).await;
                    return ControlFlow::Continue(());
                }
                _ if self.sender.is_closed() => return ControlFlow::Break(()),
                _ => {}
            }
        }
    }

    /// The container was started anew: takes what the life before wrote at last.
    async fn next_life(&mut self, life: u64) {
        let lives = life.saturating_sub(self.life);
        let query = if lives == 1 {
            self.resume_query()
        } else {
            // What is there as the life before is another one than was followed.
            self.resume = Resume::default();
            String::new()
        };
        if lives > 2 {
            self.gap(format!("it restarted {lives} times in short: {} lives were not read", lives - 2)).await;
        }
        self.read_previous(&query, false).await;
        self.life = life;
        self.resume = Resume::default();
    }

    /// Reads the log of the life before to its end.
    async fn read_previous(&mut self, query: &str, history: bool) {
        self.job.previous = true;
        let path = format!("{}{query}", self.job.path(false));
        for _ in 0..limits::COLLECT_ATTEMPTS {
            let Ok(stream) = self.cluster.open_patiently(&path).await else { break };
            let (end, partial) = self.drain(stream, history).await;
            if end == End::Closed {
                // Whether anybody listens shows at the next line.
                let _ = self.emit(&partial, history).await;
                break;
            }
            self.resume.begin();
        }
        self.job.previous = false;
    }

    /// Reads a stream to its end; gives the last line if that has no end.
    async fn drain(&mut self, mut stream: Stream, history: bool) -> (End, Vec<u8>) {
        let mut partial = Vec::new();
        let mut skipping = false;
        let mut told = false;
        loop {
            let piece = match timeout(SILENCE, stream.next()).await {
                Err(_) | Ok(Some(Err(_))) => return (End::Cut, Vec::new()),
                Ok(None) => return (End::Closed, partial),
                Ok(Some(Ok(piece))) => piece,
            };
            let mut rest = &piece[..];
            while let Some(at) = memchr::memchr(b'\n', rest) {
                if !std::mem::take(&mut skipping) {
                    partial.extend_from_slice(&rest[..at.min(limits::LINE_BYTES)]);
                    if self.emit(&partial, history).await.is_break() {
                        return (End::Unheard, Vec::new());
                    }
                }
                partial.clear();
                rest = &rest[at + 1..];
            }
            if !skipping {
                partial.extend_from_slice(rest);
            }
            if partial.len() > limits::LINE_BYTES {
                // Kept in part, and skipped to its end.
                partial.truncate(limits::LINE_BYTES);
                if self.emit(&partial, history).await.is_break() {
                    return (End::Unheard, Vec::new());
                }
                partial.clear();
                skipping = true;
                self.cut += 1;
            }
            if self.resume.lost_touch() && !told && !self.resume.is_replaying() {
                told = true;
                self.gap("after a cut it did not go on where it was: lines may be missing".to_owned()).await;
            }
        }
    }

    /// Hands on a line that is new.
    async fn emit(&mut self, line: &[u8], history: bool) -> ControlFlow<()> {
        if line.is_empty() || !self.resume.admit(line) {
            return ControlFlow::Continue(());
        }
        let origin = Origin {
            namespace: Some(self.job.namespace.as_str().into()),
            pod: self.job.pod.as_str().into(),
            container: Some(self.job.container.as_str().into()),
            previous: history,
        };
        match self.sender.send(Seen::Line { origin, bytes: line.to_vec() }).await {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    async fn last_line(&mut self, partial: &[u8]) {
        // Whether anybody listens shows at the next line.
        let _ = self.emit(partial, false).await;
    }

    async fn gap(&self, why: String) {
        let _ = self.sender.send(Seen::Gap { what: self.job.name(), why }).await;
    }

    async fn fate(&self) -> Fate {
        let path = format!("/api/v1/namespaces/{}/pods/{}", self.job.namespace, self.job.pod);
        let object: Value = match self.cluster.json(&path).await {
            Ok(object) => object,
            Err(Refusal::Status { code: 404, .. }) => return Fate::Gone,
            Err(_) => return Fate::Unknown,
        };
        let Some(pod) = Pod::of(object).filter(|pod| pod.uid == self.uid) else { return Fate::Gone };
        let Some(container) = pod.containers().into_iter().find(|c| c.name == self.job.container) else {
            return Fate::Gone;
        };
        if container.restarts > self.life {
            return Fate::Restarted(container.restarts);
        }
        if container.runs { Fate::Runs } else { Fate::Ended }
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LAST_PAUSE: Duration = Duration::from_secs(15);
