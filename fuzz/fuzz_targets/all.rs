//! Every target in one program, `RDIAG_FUZZ_TARGET` says which: one link instead of eighteen.
#![no_main]

use std::sync::LazyLock;

static CHECK: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("RDIAG_FUZZ_TARGET").expect("RDIAG_FUZZ_TARGET names a target");
    target(&name).expect("RDIAG_FUZZ_TARGET names one of the targets")
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| (*CHECK)(data));

/// The check of that name.
fn target(name: &str) -> Option<fn(&[u8])> {
    Some(match name {
        "lines" => rdiag_fuzz::lines,
        "logfmt" => rdiag_fuzz::logfmt,
        "json" => rdiag_fuzz::json,
        "errors" => rdiag_fuzz::errors,
        "panics" => rdiag_fuzz::panics,
        "pack" => rdiag_fuzz::pack,
        "archive" => rdiag_fuzz::archive,
        "objects" => rdiag_fuzz::objects,
        "hashring" => rdiag_fuzz::hashring,
        "metrics" => rdiag_fuzz::metrics,
        "render" => rdiag_fuzz::render,
        "escape" => rdiag_fuzz::escape,
        "engine" => rdiag_fuzz::engine,
        "redact" => rdiag_fuzz::redact,
        "novelty" => rdiag_fuzz::novelty,
        "webhook" => rdiag_fuzz::webhook,
        "mcp" => rdiag_fuzz::mcp,
        "shown" => rdiag_fuzz::shown,
        _ => return None,
    })
}
