//! Every target in one program, `RDIAG_FUZZ_TARGET` says which: one link instead of eighteen.
#![no_main]

use std::sync::LazyLock;

static CHECK: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("RDIAG_FUZZ_TARGET").expect("RDIAG_FUZZ_TARGET names a target");
    rdiag_fuzz::target(&name).expect("RDIAG_FUZZ_TARGET names one of the targets")
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| (*CHECK)(data));
