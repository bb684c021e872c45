//! Every bound in the program, each with its reason.
//!
//! A bound that bites is counted and shows in the report's coverage; nothing is dropped silently.

/// Longest line kept, in bytes. Longer lines are kept up to here, skipped to their end and counted
/// as truncated. A fatal dump of Thanos with its stacks is below 16 KiB; 256 KiB leaves room for
/// lists of thousands of forwarding errors.
pub const LINE_BYTES: usize = 256 * 1024;

/// How much a reader asks its stream for at once. Large enough that the calls do not count, small
/// enough that what was read is still in the cache of a processor core when it is looked at.
pub const READ_BYTES: usize = 256 * 1024;

/// Size of the pieces that a log is cut into, at line ends, so that several threads can read it. Large
/// enough that what is done once per piece does not count, small enough to stay near the core; each
/// thread holds one.
pub const CHUNK_BYTES: usize = 256 * 1024;

/// Pieces of [`READ_BYTES`] that are read ahead from a pipe or a compressed file.
pub const AHEAD_PIECES: usize = 4;

/// Most texts of lines (`recall`) that a thread knows; a release prints some hundred kinds of lines of a
/// handful of texts each. When there are more, all are forgotten.
pub const RECALL_NODES: usize = 16 * 1024;

/// Most bytes of such texts.
pub const RECALL_BYTES: usize = 2 * 1024 * 1024;

/// Longest line that is recognised; longer ones are too rarely the same.
pub const RECALL_LINE_BYTES: usize = 8 * 1024;

/// Most outcomes of lines that a thread recognises, some 100 bytes each. When there are more, all are
/// forgotten.
pub const RECALL_OUTCOMES: usize = 16 * 1024;

/// Hashes of lines seen once that a thread remembers, 8 bytes each.
pub const RECALL_ONCE: usize = 16 * 1024;

/// Evidence (signature × subject × writer) that a thread counts before it goes to its ledger.
pub const TALLY_SLOTS: usize = 2048;

/// Forms of new lines that a thread keeps before they go to its ledger; a tenth of what that has room for.
pub const TALLY_NOVEL: usize = 1536;

/// Most lines in pieces, and most dumps, that one reader keeps open at a time, one for each origin.
/// Each takes at most [`LINE_BYTES`]. The oldest is given out early to make room.
pub const OPEN_JOINS: usize = 32;

/// Most lines folded into one record (a goroutine dump). What follows is skipped to its end.
pub const FOLDED_LINES: usize = 4096;

/// Most fields kept of one record; a line with more is noise or an attack.
pub const FIELDS: usize = 512;

/// Deepest nesting of JSON that is flattened; deeper values are kept as raw text.
pub const JSON_DEPTH: usize = 32;

/// Most leaves taken from one error chain. A batch fails for at most replicas × members reasons.
pub const ERROR_LEAVES: usize = 256;

/// Deepest nesting of `N errors: …` that is followed; what is nested deeper is read as one list.
pub const ERROR_DEPTH: usize = 32;

/// Longest context (the forward that a list of reasons came back from) that is put in front of
/// each leaf of the list.
pub const ERROR_CONTEXT_BYTES: usize = 1024;

/// Samples kept per (signature, subject).
pub const SAMPLES: usize = 4;

/// Longest sample kept, in bytes.
pub const SAMPLE_BYTES: usize = 1024;

/// Buckets of the time histogram kept per (signature, subject).
pub const BUCKETS: usize = 180;

/// Most (signature, subject) pairs in a ledger (`inference.md` § 3.12).
pub const LEDGER_PAIRS: usize = 20_000;

/// Most distinct streams (pod × container) that coverage tells apart; the rest share one entry.
pub const ORIGINS: usize = 4096;

/// Most distinct origins that one reader tells apart; the rest share one. Logs are read in pieces of
/// [`CHUNK_BYTES`], with a reader each, and no piece has as many lines with a frame.
pub const READER_ORIGINS: usize = 128 * 1024;

/// Most candidate cause instances (`inference.md` § 3.12).
pub const CANDIDATES: usize = 4096;

/// Most values kept of one extraction in one record.
pub const EXTRACTS: usize = 64;

/// Most writers told apart per (signature, subject); the rest count as one.
pub const WITNESSES: usize = 64;
/// Most members of a hashring that is built. Rings in the wild have tens; 2,000 give two million
/// sections (32 MiB), which still take only seconds.
pub const RING_MEMBERS: usize = 2000;

/// Most precomputed copies of a ketama ring (sections × replication factor), 4 bytes each.
pub const RING_COPIES: usize = 16 * 1024 * 1024;
/// Most files looked at below the paths given, archives included. A ring of a thousand pods with
/// two containers, previous logs and scrapes has a tenth of this.
pub const BUNDLE_FILES: usize = 100_000;

/// Deepest folder below a path given that is looked into.
pub const BUNDLE_DEPTH: usize = 32;

/// Bytes looked at to tell what a file is: the start of the first item of any list.
pub const PEEK_BYTES: usize = 64 * 1024;

/// Most bytes read of one JSON document. Lists are taken item by item, so this bounds time, not
/// memory; `kubectl get pods -o json` of ten thousand pods is about this big.
pub const DOCUMENT_BYTES: u64 = 256 * 1024 * 1024;

/// Most bytes kept of one configuration file, manifest or HTTP body. A hashring of ten thousand
/// endpoints is below 2 MiB.
pub const CONFIG_BYTES: u64 = 8 * 1024 * 1024;

/// Most configuration files kept.
pub const CONFIG_FILES: usize = 256;

/// Most records made of Kubernetes objects, events and alerts.
pub const OBJECT_RECORDS: usize = 200_000;

/// Most pods, workloads, nodes, addresses and claims kept, all together. The largest clusters there are
/// have 150,000 pods; the namespaces of a ring have some hundred. Small pods take 1 KiB each.
pub const TOPOLOGY_OBJECTS: usize = 100_000;

/// Longest value of a field of such a record, in bytes; etcd holds no object above 1.5 MiB, and a
/// message above this is a list nobody reads.
pub const OBJECT_VALUE_BYTES: usize = 16 * 1024;

/// Most bytes unpacked of one archive, which go to a temporary file.
pub const ARCHIVE_BYTES: u64 = 16 * 1024 * 1024 * 1024;

/// Most members looked at in one archive.
pub const ARCHIVE_ENTRIES: usize = 100_000;

/// Longest name of an archive's member, in bytes (`PATH_MAX`).
pub const ARCHIVE_NAME_BYTES: u64 = 4096;

/// Most bytes that one compressed byte may become, once [`ARCHIVE_RATIO_FLOOR`] bytes came out. Logs
/// shrink 10 to 100 times; deflate cannot go beyond 1032.
pub const ARCHIVE_RATIO: u64 = 1000;

/// Bytes that may come out of any compressed file before its ratio is judged.
pub const ARCHIVE_RATIO_FLOOR: u64 = 128 * 1024 * 1024;

/// Largest window of a zstd frame, as a power of two: what `zstd -d` accepts unasked, 128 MiB.
pub const ZSTD_WINDOW_LOG: u32 = 27;

/// Most containers told apart in one file of `kubectl cluster-info dump`.
pub const DUMP_SECTIONS: usize = 64;

/// Most gaps kept; the rest is one gap that counts them.
pub const GAPS: usize = 512;

/// Longest line of a scrape, in bytes; longer ones are counted as not understood.
pub const METRIC_LINE_BYTES: usize = 64 * 1024;

/// Most labels of one series; Prometheus itself refuses more than a few dozen.
pub const METRIC_LABELS: usize = 128;

/// Most series kept of all scrapes together. Only series that something asks for are kept, some
/// hundred per pod.
pub const METRIC_SERIES: usize = 100_000;

/// Most points kept of one series; of more, the first and the last ones are.
pub const METRIC_POINTS: usize = 1024;

/// Most pieces of the hash circle that are measured for one tenant: two ketama rings of 2,000 members
/// give four million; only hashmod against ketama, or two large coprime hashmod rings, give more.
pub const RING_PIECES: u64 = 64 * 1024 * 1024;

/// Most named tenants of hashring files that are computed one by one; the rest are counted.
pub const RING_TENANTS: usize = 1000;

/// Most bytes of one request's body that `serve` reads. Alertmanager does not retry a 4xx, so this is
/// far above what it sends: a group of a thousand alerts has about 1 MiB.
pub const BODY_BYTES: usize = 4 * 1024 * 1024;

/// Most bytes of bodies that are read and not stored yet, over all requests; beyond, 503.
pub const BODIES_IN_FLIGHT_BYTES: usize = 32 * 1024 * 1024;

/// Most bytes of a request's head.
pub const HEAD_BYTES: usize = 32 * 1024;

/// Most connections at a time; further ones wait in the kernel.
pub const CONNECTIONS: usize = 1024;

/// Most deliveries that wait to be stored; beyond, 503, which Alertmanager retries.
pub const QUEUE_LEN: usize = 4096;

/// Most writes committed at once. More would make the first of them wait for the last.
pub const BATCH_LEN: usize = 512;

/// Bytes of SQLite's log beyond which a commit itself moves it into the database. A storm of ten thousand
/// alerts writes some 25 MiB.
pub const WAL_BYTES: u64 = 128 * 1024 * 1024;

/// Bytes that a server's log of SQLite has on disk from the start: enough for such a storm, so that no commit of it
/// makes the file longer. On a disk without that much room the log grows as it is needed.
pub const WAL_ROOM_BYTES: u64 = 32 * 1024 * 1024;

/// Most alerts taken from one delivery; the rest is counted as left out.
pub const ALERTS_PER_DELIVERY: usize = 10_000;

/// Most alerts kept of one incident; the rest is counted as left out.
pub const ALERTS_PER_INCIDENT: usize = 50_000;

/// Most labels, or annotations, of one alert or group.
pub const ALERT_LABELS: usize = 256;

/// Longest value of an annotation that is kept, in bytes.
pub const ALERT_VALUE_BYTES: usize = 16 * 1024;

/// Most incidents that one look serves: those of the same place and time.
pub const INCIDENTS_PER_LOOK: usize = 250;

/// Most incidents in one answer of the API, and the number unless asked otherwise.
pub const INCIDENTS_LISTED: usize = 50_000;

/// Most pages that listen for changes at a time.
pub const LISTENERS: usize = 128;

/// Most addresses of which the rate of requests is kept; the oldest are forgotten.
pub const RATED_ADDRESSES: usize = 4096;

/// Most bytes of a bundle that `serve` keeps; a larger one is diagnosed, and a gap says it was not kept.
pub const KEPT_BUNDLE_BYTES: u64 = 1024 * 1024 * 1024;

/// Most attempts to deliver one notification, about a day with the longest pause in between.
pub const NOTIFY_ATTEMPTS: u32 = 60;

/// Most bytes read of what a notification's receiver answers.
pub const NOTIFY_ANSWER_BYTES: usize = 64 * 1024;

/// Longest note of feedback, in bytes.
pub const NOTE_BYTES: usize = 4096;

/// Longest line of a request to the MCP server, in bytes.
pub const MCP_LINE_BYTES: usize = 1024 * 1024;
/// Most objects kept of one kind and namespace when collecting; the rest is one gap. Events are what
/// comes in thousands: an hour of a crash-looping namespace is below this.
pub const COLLECT_OBJECTS: usize = 5000;

/// Objects asked for in one page of a list: a page of pods is then about 2 MiB.
pub const COLLECT_PAGE: usize = 250;

/// Most bytes read of one answer of the API server that is not a log: a page of large objects.
pub const COLLECT_ANSWER_BYTES: usize = 32 * 1024 * 1024;

/// Most bytes kept of one scrape; the rest is cut at a line's end and is a gap. Receivers of a
/// thousand tenants are below this.
pub const COLLECT_SCRAPE_BYTES: usize = 16 * 1024 * 1024;

/// Scrapes held in memory at once.
pub const COLLECT_SCRAPES: usize = 4;

/// Log streams open at once, unless `--max-log-requests` says otherwise: what kubectl calls a lot.
pub const COLLECT_STREAMS: usize = 50;

/// Bytes a log stream must bring within its idle timeout; slower ones are left as a gap.
pub const COLLECT_IDLE_BYTES: u64 = 1024;

/// Most bytes a connection to the API server buffers; there is one per log stream, and what is read is
/// held twice at times.
pub const COLLECT_BUFFER_BYTES: usize = 64 * 1024;

/// Attempts at one request that the API server puts off (429, 503, 504) or cuts.
pub const COLLECT_ATTEMPTS: u32 = 4;

/// Longest pause before the next attempt, in seconds, whatever `Retry-After` says.
pub const COLLECT_PAUSE_SECS: u64 = 20;

/// Lines remembered of a followed log, to know after a cut which ones were seen. The API server
/// resumes at whole seconds, so this should hold what one container writes in a second.
pub const RESUME_LINES: usize = 8192;

/// Lines of followed logs that wait for the engine; then the streams wait.
pub const FOLLOW_QUEUE: usize = 1024;

/// Most containers followed at once; further ones are a gap.
pub const FOLLOW_STREAMS: usize = 500;
/// Longest answer of the Prometheus query API that is read, in bytes.
pub const QUERY_BYTES: u64 = 64 * 1024 * 1024;

/// Most kinds of error lines that the weekly check keeps apart; those beyond count as one. A sick
/// ring prints a few dozen.
pub const ERROR_KINDS: usize = 1000;
/// Lines that may belong to one private key, once its first line was seen; RSA of 16,384 bits has
/// 200.
pub const PRIVATE_KEY_LINES: usize = 256;

/// Bytes of a line looked at in one piece when the files of a bundle are redacted. Only a document
/// without line breaks is longer; a secret across the cut of two pieces could be missed.
pub const CLEAN_BYTES: usize = 16 * 1024 * 1024;

/// Addresses, hosts and nodes that get a pseudonym of their own; the rest of each kind share one.
pub const PSEUDONYMS: usize = 16_384;

/// Most forms of lines without a signature that are told apart; beyond it all of them are masked
/// more. A ring in trouble prints some hundred. At the longest text they take 12 MiB.
pub const NOVEL_FORMS: usize = 16_384;

/// Bytes of a message that its form is made of.
pub const NOVEL_TEXT_BYTES: usize = 512;

/// Bytes of an error chain that are taken apart for its form.
pub const NOVEL_ERROR_BYTES: usize = 16 * 1024;

/// Writers named per form.
pub const NOVEL_PODS: usize = 16;

/// Templates in a report; the rest is counted.
pub const NOVEL_TEMPLATES: usize = 50;

/// Most pods that causes are weighed at. Work and memory grow with their square: 256 take some 20 MiB
/// and a fraction of a second; the largest rings we know of have a hundred members.
pub const MEMBERS: usize = 256;

/// Longest filter that is sent to a log store, in bytes. Loki reads queries up to 128 KiB; the filter
/// stands in one of them once, escaped.
pub const FILTER_BYTES: usize = 48 * 1024;

/// Lines asked of a log store at once: what Loki allows unless told otherwise.
pub const STORE_PAGE: usize = 5000;

/// Most bytes of one answer of a log store; a page that is larger is asked for in smaller ones.
pub const STORE_ANSWER_BYTES: usize = 32 * 1024 * 1024;

/// Most streams (pod, container, life) read of a log store at once: each is an open file.
pub const STORE_STREAMS: usize = 800;

/// Streams of which the first and last lines are asked for at once.
pub const STORE_REQUESTS: usize = 8;

/// Longest span asked of a log store in one query, in seconds; Loki allows 30 days, and a day keeps
/// each query short.
pub const STORE_SPAN_SECS: i64 = 86_400;

/// Longest line of a summary, in bytes: answers of the Prometheus query API are one line each.
pub const SUMMARY_LINE_BYTES: u64 = 2 * QUERY_BYTES;

/// Most bytes that one shard of a summary may become when unpacked. A ledger at all its bounds takes
/// a few hundred MiB.
pub const SUMMARY_SHARD_BYTES: u64 = 1024 * 1024 * 1024;

/// Most shards in the summaries given at once: a day of a thousand pods, hour by hour.
pub const SUMMARY_SHARDS: usize = 100_000;

/// Bytes of followed logs kept on disk before the oldest half is let go; diagnosing them all again
/// takes about a quarter of a second.
pub const SPOOL_BYTES: u64 = 256 * 1024 * 1024;
