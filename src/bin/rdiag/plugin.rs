//! The same program under the name `kubectl-rdiag` is a kubectl plugin.

use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::path::Path;

use clap::{CommandFactory, FromArgMatches};

use crate::args::Cli;

/// Parses the command line, in the words of whoever called: `rdiag …` or `kubectl rdiag …`.
pub(crate) fn parse() -> Result<Cli, clap::Error> {
    let args: Vec<OsString> = std::env::args_os().collect();
    let mut command = Cli::command();
    let args = if is_plugin(args.first()) {
        command = command.bin_name("kubectl rdiag");
        as_plugin(args, std::io::stdin().is_terminal())
    } else {
        args
    };
    let matches = command.try_get_matches_from_mut(args)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

fn is_plugin(program: Option<&OsString>) -> bool {
    let stem = program.and_then(|p| Path::new(p).file_stem());
    stem.is_some_and(|stem| stem.to_string_lossy().starts_with("kubectl-rdiag") || stem == OsStr::new("kubectl_rdiag"))
}

/// A bare `kubectl rdiag -n NS` means the cluster that kubectl talks to, unless something is piped in.
fn as_plugin(mut args: Vec<OsString>, terminal: bool) -> Vec<OsString> {
    let asked = |arg: &OsString| ["-h", "--help", "-V", "--version"].iter().any(|known| arg == known);
    let bare = args.get(1).is_none_or(|first| first.to_string_lossy().starts_with('-') && !asked(first));
    let names_namespace = args.iter().any(|arg| {
        let arg = arg.to_string_lossy();
        arg == "-A" || arg == "--all-namespaces" || arg.starts_with("-n") || arg.starts_with("--namespace")
    });
    if bare && (terminal || names_namespace) {
        args.insert(1, "cluster".into());
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_call_looks_at_the_cluster() {
        let check = |given: &str, terminal: bool, expected: &str| {
            let args = given.split(' ').map(OsString::from).collect();
            let got: Vec<String> =
                as_plugin(args, terminal).iter().map(|a| a.to_string_lossy().into_owned()).collect();
            assert_eq!(got.join(" "), expected);
        };
        check("kubectl-rdiag", true, "kubectl-rdiag cluster");
        check("kubectl-rdiag -n monitoring", false, "kubectl-rdiag cluster -n monitoring");
        check("kubectl-rdiag -o json", false, "kubectl-rdiag -o json");
        check("kubectl-rdiag --help", true, "kubectl-rdiag --help");
        check("kubectl-rdiag doctor -A", true, "kubectl-rdiag doctor -A");
    }
}
