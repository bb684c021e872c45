//! The program: arguments, output stream, exit code. One file per subcommand.

mod alerts;
mod anew;
mod args;
mod check;
mod cluster;
mod collect;
mod diagnose;
mod doctor;
mod fleet;
mod hashring;
mod mcp;
mod output;
mod patterns;
mod plugin;
mod remote;
mod scan;
mod serve;
mod store;
mod trap;
mod watch;
mod whole;

use std::process::ExitCode;

use args::{Cli, Command};
use output::Failure;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // One TLS for whatever speaks HTTP from here on; a second call changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = match plugin::parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, not mistakes.
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let exit_zero = cli.common.exit_zero;
    match run(cli) {
        Ok(found) => ExitCode::from(u8::from(found && !exit_zero)),
        Err(Failure::ClosedPipe) => ExitCode::SUCCESS,
        Err(Failure::Said(code)) => ExitCode::from(code),
        Err(failure) => {
            anstream::eprintln!("rdiag: {failure}");
            ExitCode::from(failure.code())
        }
    }
}

/// Runs the command; `true` when there is something to act on.
fn run(cli: Cli) -> Result<bool, Failure> {
    let common = &cli.common;
    match cli.command {
        None => diagnose::run(common, &cli.diagnose),
        Some(Command::Diagnose(args)) => diagnose::run(common, &args),
        Some(Command::Cluster(args)) => cluster::run(common, &args),
        Some(Command::Collect(args)) => collect::run(common, &args),
        Some(Command::Watch(args)) => watch::run(common, &args),
        Some(Command::Doctor(args)) => doctor::run(common, &args),
        Some(Command::Patterns(args)) => patterns::run(common, &args),
        Some(Command::Explain(args)) => patterns::explain(common, &args),
        Some(Command::Check(args)) => check::run(common, &args),
        Some(Command::Hashring(args)) => hashring_command(common, &args),
        Some(Command::Alerts(args)) => alerts::run(common, &args),
        Some(Command::Mcp(args)) => mcp::run(common, &args),
        Some(Command::Serve(args)) => serve::run(common, &args),
        Some(Command::Scan(args)) => scan::run(common, &args),
        Some(Command::Merge(args)) => scan::merge(common, &args),
        Some(Command::Infer(args)) => scan::infer(common, &args),
        Some(Command::Fleet(args)) => fleet::run(common, &args),
        Some(Command::Schema) => output::print_json(&rdiag::report::schema()).map(|()| false),
        Some(Command::Completions { shell }) => output::completions(shell).map(|()| false),
        Some(Command::Man) => output::man().map(|()| false),
        Some(Command::Version) => output::version().map(|()| false),
    }
}

/// `rdiag hashring`, which sets its own exit codes.
fn hashring_command(common: &args::Common, args: &hashring::Args) -> Result<bool, Failure> {
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
    let code = hashring::run(args, common.output, &mut out, &mut err)?;
    match code {
        0 => Ok(false),
        1 => Ok(true),
        code => Err(Failure::Said(code)),
    }
}
