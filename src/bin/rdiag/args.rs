//! What was typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Says what is wrong with a Thanos Receive ring, from what it leaves behind.
#[derive(Debug, Parser)]
#[command(
    name = "rdiag",
    version,
    subcommand_precedence_over_arg = true,
    disable_help_subcommand = true,
    after_help = "Examples:\n  \
        kubectl logs -n monitoring -l app=thanos-receive --prefix --timestamps --tail=-1 --max-log-requests=50 | rdiag\n  \
        rdiag ./bundle            a folder, a bundle or an archive of one\n  \
        rdiag explain receiver-oom\n\n\
        Exit codes: 0 nothing to act on, 1 an incident or a failed check, 2 wrong usage, 3 the job could not be done."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) diagnose: Diagnose,
}

/// Options every subcommand takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct Common {
    /// Output format
    #[arg(short, long, global = true, default_value = "text", value_name = "FORMAT", value_parser = OutputParser)]
    pub(crate) output: Output,
    /// Colours: `auto` only on a terminal
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(crate) color: Color,
    /// More: all evidence, all coverage
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// A folder of patterns that adds to or overrides the built-in ones
    #[arg(long, global = true, value_name = "DIR", env = "RDIAG_PATTERNS")]
    pub(crate) patterns: Option<PathBuf>,
    /// Exit 0 even when there is an incident (2 and 3 stay)
    #[arg(long, global = true, env = "RDIAG_EXIT_ZERO")]
    pub(crate) exit_zero: bool,
    /// Take credentials out of the output even on a terminal (anywhere else they always are)
    #[arg(long, global = true, conflicts_with = "no_redact")]
    pub(crate) redact: bool,
    /// Leave credentials in the output
    #[arg(long, global = true)]
    pub(crate) no_redact: bool,
    /// Replace IP addresses, hosts and nodes by stable pseudonyms
    #[arg(long, global = true)]
    pub(crate) anonymize: bool,
}

/// Output formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For a terminal
    Text,
    /// `rdiag/report/v1`
    Json,
    /// The same value as YAML
    Yaml,
    /// For an issue or a chat
    Markdown,
    /// One self-contained page
    Html,
    /// Slack blocks
    Slack,
    /// For CI systems
    Junit,
    /// Of `collect`, `scan` and `merge`: where to write
    #[value(skip)]
    File(&'static std::path::Path),
}

/// Formats, and for `collect` a path: `-o` is where the answer goes.
#[derive(Clone)]
struct OutputParser;

impl clap::builder::TypedValueParser for OutputParser {
    type Value = Output;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Output, clap::Error> {
        if matches!(command.get_name(), "collect" | "scan" | "merge") && value != "text" {
            // Once per run, and small.
            let path: &'static std::path::Path = Box::leak(PathBuf::from(value).into_boxed_path());
            return Ok(Output::File(path));
        }
        clap::builder::EnumValueParser::<Output>::new().parse_ref(command, arg, value)
    }

    fn possible_values(
        &self,
    ) -> Option<Box<dyn Iterator<Item = clap::builder::PossibleValue> + '_>> {
        Some(Box::new(
            Output::value_variants()
                .iter()
                .filter_map(ValueEnum::to_possible_value),
        ))
    }
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Logs, folders, archives or bundles → report (the default)
    Diagnose(Diagnose),
    /// Collect through the Kubernetes API, then diagnose
    Cluster(Box<crate::cluster::ClusterArgs>),
    /// Collect only: a bundle at `-o PATH` (a folder, or a .tar.zst)
    Collect(Box<crate::collect::CollectArgs>),
    /// Follow all pods live; report again when the answer changes
    Watch(Box<crate::watch::WatchArgs>),
    /// What this identity may and may not see in the cluster
    Doctor(Box<crate::doctor::DoctorArgs>),
    /// The pack: signatures, states and causes
    Patterns(Patterns),
    /// The manual page of a signature, state or cause
    Explain(Explain),
    /// The runbook's checklists: daily, weekly, monthly
    Check(crate::check::Args),
    /// Hashring files: validate, diff, locate, simulate, plan
    Hashring(crate::hashring::Args),
    Serve(Box<crate::serve::Args>),
    Alerts(Box<crate::alerts::Args>),
    Mcp(crate::mcp::Args),
    /// Read a part of the input → a summary, for `merge` and `infer`
    Scan(crate::scan::ScanArgs),
    /// Join summaries: in any order and any number of times
    Merge(crate::scan::MergeArgs),
    /// Summaries → report, as if all of it had been read at once
    Infer(crate::scan::InferArgs),
    /// One line per ring, worst first, from reports, summaries or bundles of many
    Fleet(crate::fleet::FleetArgs),
    /// The JSON Schema of the report
    Schema,
    /// Shell completions
    Completions {
        /// Shell
        shell: clap_complete::Shell,
    },
    /// The manual page, as roff
    Man,
    /// Version of the program and of the pack
    Version,
}

/// Arguments of `diagnose`.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Diagnose {
    /// Files, folders, archives (.tar .tar.gz .tar.zst) or bundles; `-` is standard input
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Threads; 0 means one per core
    #[arg(long, default_value_t = 0, env = "RDIAG_THREADS")]
    pub(crate) threads: usize,
    /// Thanos version of pods whose own cannot be known
    #[arg(long, value_name = "VERSION")]
    pub(crate) thanos_version: Option<String>,
    #[command(flatten)]
    pub(crate) store: crate::store::StoreArgs,
    #[command(flatten)]
    pub(crate) window: crate::store::WindowArgs,
    /// Only how each receiver is, one line each; exit 1 when one is not ready
    #[arg(long)]
    pub(crate) status: bool,
}

/// Arguments of `patterns`.
#[derive(Args, Debug)]
pub(crate) struct Patterns {
    #[command(subcommand)]
    pub(crate) command: PatternsCommand,
}

/// Subcommands of `patterns`.
#[derive(Debug, Subcommand)]
pub(crate) enum PatternsCommand {
    /// One line per signature, state and cause
    List,
    /// One of them, as it was loaded
    Show(Explain),
    /// Proves the pack's claims about itself
    Check,
    /// A signature to start from, for a message that none takes
    New(New),
    /// Writes a browsable manual: a page per signature, state and cause
    Docs {
        /// Folder to write to
        dir: PathBuf,
    },
}

/// Arguments of `patterns new`.
#[derive(Args, Debug)]
pub(crate) struct New {
    /// A template from the report, with `<*>` for what varies
    #[arg(required_unless_present = "from")]
    pub(crate) template: Option<String>,
    /// Logs, or a bundle, to take it from: the most frequent one, or the one given
    #[arg(long, value_name = "PATH")]
    pub(crate) from: Option<PathBuf>,
}

/// Arguments of `explain`.
#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// Id of a signature, state or cause
    pub(crate) id: String,
}
