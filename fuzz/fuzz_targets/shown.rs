#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| rdiag_fuzz::shown(data));
