//! Logs from where they are kept: Loki or VictoriaLogs → the log files of a bundle.
//!
//! The store is asked for the lines that a diagnosis needs ([`Filter`]), for the number and bytes of
//! all lines of each stream, and for the first and last line of each, so that what was listened to is
//! known as well as if all had been read. Pages are bounded and follow each other by time; a page that
//! fails is asked for again. A store that refuses the filter is read in full.

mod http;
mod loki;
mod page;
#[cfg(test)]
mod tests;
mod victorialogs;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};

use futures::StreamExt as _;
use jiff::Timestamp;

use crate::bundle::{BundleError, Part, Unread, Writer};
use crate::limits;
use crate::pushdown::Filter;
use crate::record::{Level, Origin};

pub use http::Login;
use page::{Count, Entry, Labels, Lives, Whose};

/// Which store it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Grafana Loki, 2.x or 3.x.
    Loki,
    /// VictoriaLogs.
    VictoriaLogs,
}

/// A store of logs, and what to read of it.
#[derive(Debug)]
pub struct Store {
    /// Which one.
    pub kind: Kind,
    /// Address up to where `/loki/api/v1` or `/select/logsql` begins.
    pub url: String,
    /// Loki: `X-Scope-OrgID`. VictoriaLogs: `AccountID:ProjectID`.
    pub tenant: Option<String>,
    /// Credentials.
    pub login: Login,
    /// Stream selector in the store's language; wins over `namespaces`.
    pub selector: Option<String>,
    /// Namespaces to read; empty means all.
    pub namespaces: Vec<String>,
    /// Lines from here …
    pub from: Timestamp,
    /// … to before here.
    pub until: Timestamp,
    /// What is needed; `None` reads everything.
    pub filter: Option<Filter>,
    /// The share of the pods to read.
    pub part: Part,
}

/// How much was read, of how much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Got {
    /// Lines read.
    pub lines: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Lines that the store has.
    pub of_lines: u64,
    /// Their bytes.
    pub of_bytes: u64,
    /// Requests made.
    pub requests: u64,
    /// Log streams.
    pub streams: usize,
}

/// Why a store could not be read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It was not reached, or not in time, also after several attempts.
    #[error("could not reach {url}: {why}")]
    Unreachable {
        /// Its address, without credentials.
        url: String,
        /// What the network said.
        why: String,
    },
    /// It refused a query.
    #[error("{url} refused a query ({code}): {why}")]
    Refused {
        /// Its address, without credentials.
        url: String,
        /// HTTP status.
        code: u16,
        /// What it said.
        why: String,
    },
    /// What it answered is not understood.
    #[error("the answer of {url} is not understood: {why}")]
    Odd {
        /// Its address, without credentials.
        url: String,
        /// What is odd.
        why: String,
    },
    /// Credentials or tenant cannot be used.
    #[error("{0}")]
    Login(String),
    /// The bundle cannot be written.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A log of the bundle cannot be written.
    #[error("could not write a log")]
    Write(#[from] io::Error),
}

impl StoreError {
    /// The store took offence at the query itself.
    fn is_refused(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if matches!(code, 400 | 413 | 414 | 422))
    }
}

/// Reads `store` into `bundle`, and tells how much that was. Must run inside a tokio runtime.
///
/// # Errors
/// When the store cannot be reached or understood, or the bundle cannot be written.
pub async fn fetch(store: &Store, bundle: &Writer) -> Result<Got, StoreError> {
    let mut reading = Reading {
        client: http::Client::new(store)?,
        store,
        bundle,
        counts: BTreeMap::new(),
        lives: Lives::default(),
        logs: BTreeMap::new(),
        left_out: 0,
        unwritten: 0,
        filtered: store.filter.is_some(),
    };
    let spans = spans(store.from, store.until);
    let mut counted = Vec::new();
    for span in &spans {
        counted.push(reading.count(*span).await?);
    }
    for count in counted.iter().flatten() {
        reading.lives.learn(&count.labels);
    }
    for (span, counts) in spans.iter().zip(&counted) {
        reading.take_counts(counts);
        reading.lines(*span).await?;
        if reading.filtered {
            reading.edges(*span, counts).await?;
        }
    }
    reading.finish()
}

/// A stretch of time in nanoseconds: from, until.
type Span = (i128, i128);

fn spans(from: Timestamp, until: Timestamp) -> Vec<Span> {
    let longest = i128::from(limits::STORE_SPAN_SECS) * 1_000_000_000;
    // Whole seconds: a range of Loki cannot be told finer.
    let second = 1_000_000_000;
    let mut at = from.as_nanosecond().div_euclid(second) * second;
    let end = -(-until.as_nanosecond()).div_euclid(second) * second;
    let mut spans = Vec::new();
    while at < end {
        let next = (at + longest).min(end);
        spans.push((at, next));
        at = next;
    }
    spans
}

/// A log being written, and how much of it there is.
#[derive(Default)]
struct Log {
    file: Option<BufWriter<File>>,
    lines: u64,
    bytes: u64,
}

struct Reading<'a> {
    client: http::Client,
    store: &'a Store,
    bundle: &'a Writer,
    counts: BTreeMap<Origin, Count>,
    lives: Lives,
    logs: BTreeMap<Origin, Log>,
    /// Moments with more lines than a page.
    left_out: u64,
    /// Lines of streams that no file could be opened for.
    unwritten: u64,
    filtered: bool,
}

impl Reading<'_> {
    /// How much each stream has in `span`.
    async fn count(&self, span: Span) -> Result<Vec<Count>, StoreError> {
        match self.store.kind {
            Kind::Loki => loki::counts(&self.client, self.store, span).await,
            Kind::VictoriaLogs => victorialogs::counts(&self.client, self.store, span).await,
        }
    }

    fn take_counts(&mut self, counts: &[Count]) {
        for count in counts {
            if let Some(origin) = self.origin(&count.labels) {
                self.counts.entry(origin).or_default().join(count);
            }
        }
    }

    /// Whose lines these are, if they are ours to read.
    fn origin(&self, labels: &Labels) -> Option<Origin> {
        let whose = Whose::of(labels)?;
        let key = format!("{}/{}", whose.namespace, whose.pod);
        let previous = self.lives.is_previous(&whose);
        self.store.part.takes(&key).then(|| whose.origin(previous))
    }

    /// All lines that are needed of `span`.
    async fn lines(&mut self, span: Span) -> Result<(), StoreError> {
        let filter = self.store.filter.as_ref().filter(|_| self.filtered);
        let asked = match (self.store.kind, filter) {
            (Kind::Loki, Some(filter)) => filter.logql().to_vec(),
            (Kind::VictoriaLogs, Some(filter)) => vec![filter.logsql()],
            (_, None) => vec![String::new()],
        };
        for (n, query) in asked.iter().enumerate() {
            match self.pages(query, span).await {
                Err(error) if self.filtered && error.is_refused() => {
                    self.filtered = false;
                    let why =
                        format!("it does not take the filter, so all lines were read: {error}");
                    self.bundle.gap(http::shown(&self.store.url), why);
                    // What came by the first query stays; the rest are the quiet lines.
                    let rest = match (self.store.kind, n) {
                        (Kind::Loki, 1) => crate::pushdown::quiet_logql(),
                        _ => String::new(),
                    };
                    return self.pages(&rest, span).await;
                }
                other => other?,
            }
        }
        Ok(())
    }

    /// All lines of one query, page by page in order of time.
    async fn pages(&mut self, query: &str, span: Span) -> Result<(), StoreError> {
        let (mut from, until) = span;
        let mut limit = limits::STORE_PAGE;
        while from < until {
            let page = match self.page(query, (from, until), limit).await? {
                Some(page) => page,
                // Too large an answer: in smaller pages, down to single lines.
                None if limit > 1 => {
                    limit = (limit / 4).max(1);
                    continue;
                }
                None => {
                    let why = "a line larger than any answer that is read";
                    self.bundle.gap(http::shown(&self.store.url), why);
                    from += 1;
                    continue;
                }
            };
            let full = page.len() >= limit;
            let Some(last) = page.iter().map(|e| e.time).max() else {
                break;
            };
            let one_moment = full && page.iter().all(|e| e.time == last);
            for entry in &page {
                // The last moment of a full page may go on in the next one.
                if !full || entry.time < last || one_moment {
                    self.write(entry)?;
                }
            }
            if !full {
                break;
            }
            if one_moment {
                self.left_out += 1;
            }
            from = if one_moment { last + 1 } else { last };
        }
        Ok(())
    }

    async fn page(
        &self,
        query: &str,
        span: Span,
        limit: usize,
    ) -> Result<Option<Vec<Entry>>, StoreError> {
        match self.store.kind {
            Kind::Loki => loki::page(&self.client, self.store, query, span, limit, true).await,
            Kind::VictoriaLogs => {
                victorialogs::page(&self.client, self.store, query, span, limit, true).await
            }
        }
    }

    /// The first and the last line of each stream that the filter kept back.
    async fn edges(&mut self, span: Span, counts: &[Count]) -> Result<(), StoreError> {
        let ours = counts.iter().filter(|c| self.origin(&c.labels).is_some());
        let asked: Vec<(Labels, bool)> = ours
            .flat_map(|c| [(c.labels.clone(), true), (c.labels.clone(), false)])
            .collect();
        let (client, store) = (&self.client, self.store);
        let answers: Vec<Result<Option<Entry>, StoreError>> = futures::stream::iter(asked)
            .map(|(labels, first)| async move {
                let page = match store.kind {
                    Kind::Loki => loki::edge(client, store, &labels, span, first).await,
                    Kind::VictoriaLogs => {
                        victorialogs::edge(client, store, &labels, span, first).await
                    }
                };
                Ok(page?.into_iter().flatten().next())
            })
            .buffered(limits::STORE_REQUESTS)
            .collect()
            .await;
        let mut known: Option<Entry> = None;
        for answer in answers {
            let Some(entry) = answer? else { continue };
            let filter = self.store.filter.as_ref();
            let came = filter.is_none_or(|f| f.takes(entry.line.as_bytes()));
            if !came && known.as_ref() != Some(&entry) {
                self.write(&entry)?;
            }
            known = Some(entry);
        }
        Ok(())
    }

    fn write(&mut self, entry: &Entry) -> Result<(), StoreError> {
        let Some(origin) = self.origin(&entry.labels) else {
            return Ok(());
        };
        if !self.logs.contains_key(&origin) && self.logs.len() >= limits::STORE_STREAMS {
            self.unwritten += 1;
            return Ok(());
        }
        let log = self.logs.entry(origin.clone()).or_default();
        let file = match &mut log.file {
            Some(file) => file,
            none => none.insert(self.bundle.log(
                origin.namespace.as_deref().unwrap_or("default"),
                &origin.pod,
                origin.container.as_deref().unwrap_or("unknown"),
                origin.previous,
            )?),
        };
        let time = Timestamp::from_nanosecond(entry.time).unwrap_or_default();
        // One entry may be many lines; each gets the time, as kubectl would give it.
        for line in entry.line.trim_end_matches('\n').split('\n') {
            writeln!(file, "{time} {line}")?;
        }
        log.lines += 1;
        log.bytes += entry.line.len() as u64;
        Ok(())
    }

    fn finish(mut self) -> Result<Got, StoreError> {
        let mut got = Got {
            requests: self.client.requests(),
            streams: self.counts.len(),
            ..Got::default()
        };
        for (origin, count) in &self.counts {
            let read = self.logs.get(origin);
            let (lines, bytes) = read.map_or((0, 0), |log| (log.lines, log.bytes));
            got.of_lines += count.lines.max(lines);
            got.of_bytes += count.bytes.max(bytes);
            self.bundle.unread(Unread {
                origin: origin.clone(),
                records: count.lines.saturating_sub(lines),
                bytes: count.bytes.saturating_sub(bytes),
                // What was kept back is quiet: info, unless it is debug.
                lowest_level: match (count.debug, count.lines > lines) {
                    (0, true) => Some(Level::Info),
                    (0, false) => None,
                    _ => Some(Level::Debug),
                },
            });
        }
        for log in self.logs.values_mut() {
            got.lines += log.lines;
            got.bytes += log.bytes;
            if let Some(file) = &mut log.file {
                file.flush()?;
            }
        }
        let url = http::shown(&self.store.url);
        let kept_back = got.of_lines.saturating_sub(got.lines);
        if kept_back > 0 {
            let why = format!(
                "{kept_back} of {} lines ({} of {} bytes) of level info and debug were counted there and \
                 not read: no cause asks for them",
                got.of_lines,
                got.of_bytes.saturating_sub(got.bytes),
                got.of_bytes
            );
            self.bundle.gap(format!("lines in {url}"), why);
        }
        if self.left_out > 0 {
            let why = format!("more than {} at one moment", limits::STORE_PAGE);
            self.bundle.gap(format!("some lines in {url}"), why);
        }
        if self.unwritten > 0 {
            let (lines, most) = (self.unwritten, limits::STORE_STREAMS);
            let why = format!("{lines} lines of more than {most} streams; name fewer namespaces");
            self.bundle.gap(format!("streams in {url}"), why);
        }
        Ok(got)
    }
}
