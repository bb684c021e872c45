//! `rdiag mcp`: a read-only Model Context Protocol server on standard input and output.
//!
//! One JSON-RPC message a line.

use std::io::{self, BufRead, Read as _, Write};
use std::path::PathBuf;
use std::sync::Arc;

use rdiag::engine::Engine;
use rdiag::limits;
use rdiag::mcp::{self, Tools};

use crate::args::Common;
use crate::output::Failure;

/// Read-only Model Context Protocol server on standard input and output
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Tools: diagnose, cluster_report, explain, search_manual, hashring_locate, incidents_list, incidents_show.\n\
    Files outside of --root are not read."
)]
pub(crate) struct Args {
    /// Folders that may be read; the current one when absent
    #[arg(long, value_name = "DIR")]
    root: Vec<PathBuf>,
    /// Folder of the store of `rdiag serve`, for the incidents
    #[arg(long, value_name = "DIR", env = "RDIAG_DATA_DIR")]
    data_dir: Option<PathBuf>,
}

pub(crate) fn run(common: &Common, args: &Args) -> Result<bool, Failure> {
    let engine = Engine::new(Arc::new(crate::diagnose::pack(common)?));
    let tools = Tools::new(engine, &args.root, args.data_dir.clone()).map_err(Failure::Usage)?;
    let mut input = io::stdin().lock();
    let mut output = io::stdout().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        let most = limits::MCP_LINE_BYTES as u64;
        let read = input.by_ref().take(most + 1).read_until(b'\n', &mut line);
        if read.map_err(|e| Failure::Job(format!("reading requests: {e}")))? == 0 {
            return Ok(false);
        }
        let answer = if line.len() as u64 > most {
            skip_line(&mut input)?;
            Some(mcp::too_long())
        } else if line.trim_ascii().is_empty() {
            None
        } else {
            mcp::answer(&tools, &line)
        };
        if let Some(answer) = answer {
            writeln!(output, "{answer}")?;
            output.flush()?;
        }
    }
}

/// Reads on to the end of a line that is too long to be kept.
fn skip_line(input: &mut impl BufRead) -> Result<(), Failure> {
    loop {
        let buffer = input
            .fill_buf()
            .map_err(|e| Failure::Job(format!("reading requests: {e}")))?;
        let end = buffer.iter().position(|b| *b == b'\n');
        let used = end.map_or(buffer.len(), |at| at + 1);
        let over = end.is_some() || buffer.is_empty();
        input.consume(used);
        if over {
            return Ok(());
        }
    }
}
