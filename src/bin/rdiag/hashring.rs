//! `rdiag hashring`: validate, compare, look up, simulate and change hashring files.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand, ValueEnum};
use rdiag::hashring::{
    self as ring, Algorithm, Fault, Load, PlanRequest, Rings, Router, Setup, Weight,
};
use rdiag::pack::Version;
use serde::Serialize;
use serde_json::{Value, json};

use crate::args::Output;

/// Looked, and there is nothing to act on.
const FINE: u8 = 0;
/// A difference, a fault, a tenant without a ring.
const FOUND: u8 = 1;
/// Wrong usage.
const USAGE: u8 = 2;
/// The file cannot be read, or is no hashring file.
const UNREADABLE: u8 = 3;

/// Validate, compare, look up, simulate and change hashring files
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Validate(Validate),
    Diff(Diff),
    Locate(Locate),
    Simulate(Simulate),
    Plan(Plan),
}

/// Flags of the members, which decide placement but are not in the file.
#[derive(Debug, clap::Args)]
struct Flags {
    /// --receive.hashrings-algorithm of the members
    #[arg(long, value_enum)]
    algorithm: Option<AlgorithmArg>,
    /// --receive.replication-factor of the members
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    replication_factor: Option<u16>,
    /// Version of Thanos, such as 0.38.0
    #[arg(long, value_name = "VERSION", value_parser = version)]
    thanos_version: Option<Version>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum AlgorithmArg {
    Hashmod,
    Ketama,
}

/// How to print the answer; markdown for plans only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text,
    Json,
    Yaml,
    Markdown,
}

/// How many series there are.
#[derive(Debug, clap::Args)]
struct Series {
    /// Active series of all tenants, each counted once: the sum of prometheus_tsdb_head_series
    /// divided by the replication factor
    #[arg(long, value_name = "N", value_parser = number)]
    series: Option<f64>,
    /// Active series of one tenant; may be repeated
    #[arg(long, value_name = "TENANT=N", value_parser = tenant_series)]
    tenant_series: Vec<(String, f64)>,
}

/// Find all faults of a file, with their places and what they lead to
#[derive(Debug, Parser)]
struct Validate {
    /// Hashring file; - for standard input
    file: PathBuf,
    #[command(flatten)]
    flags: Flags,
}

/// Show what moves between two files: members, tenants, the exact share of series
#[derive(Debug, Parser)]
struct Diff {
    /// Hashring file in force
    old: PathBuf,
    /// Hashring file to come
    new: PathBuf,
    #[command(flatten)]
    flags: Flags,
    /// Algorithm with the new file, if the flag changes as well
    #[arg(long, value_enum)]
    new_algorithm: Option<AlgorithmArg>,
    /// Replication factor with the new file, if the flag changes as well
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    new_replication_factor: Option<u16>,
    /// Version with the new file, if it changes as well
    #[arg(long, value_name = "VERSION", value_parser = version)]
    new_thanos_version: Option<Version>,
    #[command(flatten)]
    series: Series,
}

/// Say which members hold a series, in the order of the replicas
#[derive(Debug, Parser)]
struct Locate {
    /// Hashring file; - for standard input
    file: PathBuf,
    #[command(flatten)]
    flags: Flags,
    /// Tenant that writes the series
    #[arg(long, default_value = "default-tenant")]
    tenant: String,
    /// Labels after relabelling, as in PromQL: '{__name__="up",job="node"}'
    #[arg(long, value_name = "LABELS")]
    series: String,
}

/// Measure the load of each member, and what losing members or zones does to writes
#[derive(Debug, Parser)]
struct Simulate {
    /// Hashring file; - for standard input
    file: PathBuf,
    #[command(flatten)]
    flags: Flags,
    #[command(flatten)]
    series: Series,
    /// Series in one write request
    #[arg(long, value_name = "N", default_value_t = 500)]
    batch: u32,
}

/// Write a change request: scale out, in, or up, step by step
#[derive(Debug, Parser)]
struct Plan {
    /// Hashring file in force; - for standard input
    file: PathBuf,
    /// Members that the hashring shall have
    #[arg(long, value_name = "N", required_unless_present_any = ["memory", "cpu"])]
    to: Option<usize>,
    /// New memory of the members, such as 6Gi
    #[arg(long, value_name = "QUANTITY", value_parser = quantity)]
    memory: Option<String>,
    /// New CPU request of the members, such as 2 or 500m
    #[arg(long, value_name = "QUANTITY", value_parser = quantity)]
    cpu: Option<String>,
    /// Hashring to change, if there are several with different members
    #[arg(long, value_name = "NAME")]
    hashring: Option<String>,
    /// StatefulSet that may change, if not all; may be repeated
    #[arg(long, value_name = "NAME")]
    statefulset: Vec<String>,
    /// Namespace, if the addresses do not say
    #[arg(short, long)]
    namespace: Option<String>,
    /// ConfigMap that holds the file
    #[arg(long, value_name = "NAME", default_value = "thanos-receive-hashring")]
    configmap: String,
    /// Key of the file in the ConfigMap
    #[arg(long, value_name = "KEY", default_value = "hashrings.json")]
    key: String,
    /// Container of the receiver
    #[arg(short, long, default_value = "thanos-receive")]
    container: String,
    #[command(flatten)]
    flags: Flags,
    #[command(flatten)]
    series: Series,
    /// Memory of a head series, in bytes
    #[arg(long, value_name = "BYTES", value_parser = number,
        default_value_t = PlanRequest::USUAL_BYTES_PER_SERIES)]
    bytes_per_series: f64,
    /// Where to write the new hashring file
    #[arg(long, value_name = "PATH")]
    write: Option<PathBuf>,
}

/// Runs the command; the answer is the exit code.
///
/// # Errors
/// Only when `out` or `err` cannot be written to.
pub(crate) fn run(
    args: &Args,
    output: Output,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<u8> {
    let Some(format) = Format::of(output) else {
        writeln!(
            err,
            "error: hashring knows -o text, json, yaml and markdown"
        )?;
        return Ok(USAGE);
    };
    let result = match &args.command {
        Command::Validate(args) => validate(args, format, out),
        Command::Diff(args) => diff(args, format, out),
        Command::Locate(args) => locate(args, format, out),
        Command::Simulate(args) => simulate(args, format, out),
        Command::Plan(args) => plan(args, format, out),
    };
    match result {
        Ok(code) => Ok(code),
        Err(Failure::Write(error)) => Err(error),
        Err(Failure::Told(code, message)) => {
            writeln!(err, "error: {}", message.trim_end())?;
            Ok(code)
        }
    }
}

/// Why a command ends early.
enum Failure {
    /// The answer cannot be written.
    Write(io::Error),
    /// Exit code and what to say.
    Told(u8, String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

fn validate(args: &Validate, format: Format, out: &mut dyn Write) -> Result<u8, Failure> {
    let text = read(&args.file)?;
    let setup = args.flags.setup();
    let (faults, hashes) = match Rings::parse(&text) {
        Ok(rings) => (
            rings.validate(&setup),
            Some(ring::config_hashes(text.as_bytes())),
        ),
        Err(faults) => (faults, None),
    };
    let valid = !faults.iter().any(|fault| fault.weight == Weight::Error);
    let file = args.file.display().to_string();
    if format == Format::Text {
        out.write_all(ring::faults_text(&file, &faults, &setup).as_bytes())?;
    } else {
        let answer = json!({
            "file": file,
            "valid": valid,
            "faults": faults,
            "config_hash": hashes.map(hashes_json),
        });
        print(&answer, format, out)?;
    }
    Ok(if valid { FINE } else { FOUND })
}

fn diff(args: &Diff, format: Format, out: &mut dyn Write) -> Result<u8, Failure> {
    let (old, new) = (load(&args.old)?, load(&args.new)?);
    let setup = args.flags.setup();
    let new_setup = Setup {
        algorithm: args
            .new_algorithm
            .map(AlgorithmArg::into)
            .or(setup.algorithm),
        replication_factor: args
            .new_replication_factor
            .map(usize::from)
            .or(setup.replication_factor),
        version: args.new_thanos_version.or(setup.version),
    };
    let before = Router::new(&old, &setup).map_err(|e| found(&args.old, &e))?;
    let after = Router::new(&new, &new_setup).map_err(|e| found(&args.new, &e))?;
    let answer = ring::diff(&before, &after, &args.series.load())
        .map_err(|error| Failure::Told(UNREADABLE, error.to_string()))?;
    match format {
        Format::Text => out.write_all(ring::diff_text(&answer, &setup, &new_setup).as_bytes())?,
        format => print(&answer, format, out)?,
    }
    Ok(if answer.same { FINE } else { FOUND })
}

fn locate(args: &Locate, format: Format, out: &mut dyn Write) -> Result<u8, Failure> {
    let labels = ring::parse_series(&args.series)
        .map_err(|error| Failure::Told(USAGE, format!("--series: {error}")))?;
    let rings = load(&args.file)?;
    let setup = args.flags.setup();
    let placement = ring::place(&rings, &setup, &args.tenant, &labels)
        .map_err(|error| found(&args.file, &error))?;
    let replicas: Vec<Value> = placement
        .replicas
        .iter()
        .map(|endpoint| match endpoint.az.as_str() {
            "" => json!({ "endpoint": endpoint.address }),
            az => json!({ "endpoint": endpoint.address, "az": az }),
        })
        .collect();
    if format == Format::Text {
        let label = rings.rings[placement.index].label(placement.index);
        writeln!(out, "hashring {label} · hash {:016x}", placement.hash)?;
        for (number, endpoint) in placement.replicas.iter().enumerate() {
            let zone = if endpoint.az.is_empty() { "" } else { "  " };
            writeln!(out, "{number}  {}{zone}{}", endpoint.address, endpoint.az)?;
        }
        writeln!(out, "{}", ring::assumptions(&setup))?;
    } else {
        let answer = json!({
            "hashring": placement.hashring,
            "algorithm": placement.algorithm,
            "tenant": args.tenant,
            "hash": format!("{:016x}", placement.hash),
            "replicas": replicas,
        });
        print(&answer, format, out)?;
    }
    Ok(FINE)
}

fn simulate(args: &Simulate, format: Format, out: &mut dyn Write) -> Result<u8, Failure> {
    let rings = load(&args.file)?;
    let setup = args.flags.setup();
    let router = Router::new(&rings, &setup).map_err(|error| found(&args.file, &error))?;
    let answer = ring::simulate(&router, &setup, &args.series.load())
        .map_err(|error| Failure::Told(UNREADABLE, error.to_string()))?;
    match format {
        Format::Text => {
            out.write_all(ring::simulation_text(&answer, &setup, args.batch).as_bytes())?;
        }
        format => print(&answer, format, out)?,
    }
    Ok(FINE)
}

fn plan(args: &Plan, format: Format, out: &mut dyn Write) -> Result<u8, Failure> {
    let text = read(&args.file)?;
    let rings = parse(&args.file, &text)?;
    let setup = args.flags.setup();
    let request = PlanRequest {
        to: args.to,
        memory: args.memory.clone(),
        cpu: args.cpu.clone(),
        hashring: args.hashring.clone(),
        statefulsets: args.statefulset.clone(),
        namespace: args.namespace.clone(),
        configmap: args.configmap.clone(),
        key: args.key.clone(),
        container: args.container.clone(),
        file_name: if args.file == Path::new("-") {
            args.key.clone()
        } else {
            args.file.display().to_string()
        },
        load: args.series.load(),
        bytes_per_series: args.bytes_per_series,
    };
    let answer = ring::plan(&text, &rings, &setup, &request).map_err(|error| match error {
        ring::PlanError::Request(reason) => Failure::Told(USAGE, reason),
        ring::PlanError::Ring(error) => found(&args.file, &error),
    })?;
    match format {
        Format::Text => out.write_all(ring::plan_text(&answer).as_bytes())?,
        Format::Markdown => out.write_all(ring::plan_markdown(&answer).as_bytes())?,
        format => print(&answer, format, out)?,
    }
    if !answer.blocked.is_empty() {
        return Ok(FOUND);
    }
    if let (Some(path), Some(file)) = (&args.write, &answer.file) {
        crate::whole::bytes(path, file.as_bytes())
            .map_err(|error| Failure::Told(UNREADABLE, format!("{}: {error}", path.display())))?;
    }
    Ok(FINE)
}

/// Both values of the hash metric, under the versions that show them.
fn hashes_json([md5, sha256]: [u64; 2]) -> Value {
    json!({ "until_0.40": md5, "since_0.41": sha256 })
}

fn print(answer: &impl Serialize, format: Format, out: &mut dyn Write) -> Result<(), Failure> {
    let text = match format {
        Format::Json => serde_json::to_string_pretty(answer).map_err(io::Error::from)?,
        Format::Yaml => serde_saphyr::to_string(answer).map_err(io::Error::other)?,
        Format::Text | Format::Markdown => {
            let message = "-o markdown is for `hashring plan` only".to_owned();
            return Err(Failure::Told(USAGE, message));
        }
    };
    writeln!(out, "{}", text.trim_end())?;
    Ok(())
}

fn read(path: &Path) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let result = if path == Path::new("-") {
        io::stdin().lock().read_to_end(&mut bytes).map(drop)
    } else {
        std::fs::read(path).map(|content| bytes = content)
    };
    result.map_err(|error| Failure::Told(UNREADABLE, format!("{}: {error}", path.display())))?;
    // Broken characters become U+FFFD, as they do in Go.
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
}

fn load(path: &Path) -> Result<Rings, Failure> {
    parse(path, &read(path)?)
}

fn parse(path: &Path, text: &str) -> Result<Rings, Failure> {
    Rings::parse(text).map_err(|faults| {
        let shown: Vec<String> = faults
            .iter()
            .map(|Fault { place, what, .. }| format!("{}:{place}: {what}", path.display()))
            .collect();
        Failure::Told(UNREADABLE, shown.join("\n       "))
    })
}

/// Thanos would have no placement.
fn found(path: &Path, error: &ring::RingError) -> Failure {
    Failure::Told(FOUND, format!("{}: {error}", path.display()))
}

impl Format {
    fn of(output: Output) -> Option<Self> {
        match output {
            Output::Text => Some(Self::Text),
            Output::Json => Some(Self::Json),
            Output::Yaml => Some(Self::Yaml),
            Output::Markdown => Some(Self::Markdown),
            Output::Html | Output::Slack | Output::Junit | Output::File(_) => None,
        }
    }
}

impl Flags {
    fn setup(&self) -> Setup {
        Setup {
            algorithm: self.algorithm.map(AlgorithmArg::into),
            replication_factor: self.replication_factor.map(usize::from),
            version: self.thanos_version,
        }
    }
}

impl From<AlgorithmArg> for Algorithm {
    fn from(arg: AlgorithmArg) -> Self {
        match arg {
            AlgorithmArg::Hashmod => Self::Hashmod,
            AlgorithmArg::Ketama => Self::Ketama,
        }
    }
}

impl Series {
    fn load(&self) -> Load {
        let tenants: BTreeMap<String, f64> = self.tenant_series.iter().cloned().collect();
        Load {
            series: self.series,
            tenants,
        }
    }
}

fn version(text: &str) -> Result<Version, String> {
    ring::parse_version(text).ok_or_else(|| "expected a version such as 0.38.0 or main".to_owned())
}

/// A count: `2500000`, `2.5e6`, `2_500_000`, `2.5M`.
fn number(text: &str) -> Result<f64, String> {
    let plain = text.replace(['_', ','], "");
    let (digits, factor) = match plain.char_indices().last() {
        Some((at, 'k' | 'K')) => (&plain[..at], 1e3),
        Some((at, 'm' | 'M')) => (&plain[..at], 1e6),
        Some((at, 'g' | 'G')) => (&plain[..at], 1e9),
        _ => (plain.as_str(), 1.0),
    };
    match digits.parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Ok(value * factor),
        _ => Err("expected a number such as 2500000 or 2.5M".to_owned()),
    }
}

fn tenant_series(text: &str) -> Result<(String, f64), String> {
    let (tenant, count) = text.rsplit_once('=').ok_or("expected TENANT=N")?;
    Ok((tenant.to_owned(), number(count)?))
}

/// A Kubernetes quantity; it ends up in commands.
fn quantity(text: &str) -> Result<String, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = &text[digits.len()..];
    let units = ["", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti"];
    if digits.parse::<f64>().is_ok_and(|value| value > 0.0) && units.contains(&unit) {
        Ok(text.to_owned())
    } else {
        Err("expected a quantity such as 6Gi, 2 or 500m".to_owned())
    }
}
