//! A configuration file: it is read, or its mistakes are told, each with its place.

#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use llamapool_settings::{self, Sources};

/// One file for each process: the settings are read from a path.
static FILE: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("llamapool-fuzz-{}.yaml", std::process::id())));

fuzz_target!(|text: &[u8]| {
    // Names a file to read a key from: that would be an attack on the machine that fuzzes.
    if text.windows(5).any(|word| word.eq_ignore_ascii_case(b"_file") || word.eq_ignore_ascii_case(b"yfile"))
    {
        return;
    }
    std::fs::write(&*FILE, text).expect("write a file of our own");
    load::<llamapool_worker_core::config::Config>();
    load::<llamapool_server::config::Config>();
});

fn load<C: settings::Config>() {
    let sources = Sources { args: Vec::new(), env: Box::new(|_| None), default_file: Some(FILE.clone()) };
    match settings::load::<C>(&sources) {
        Ok(loaded) => drop(loaded.warnings),
        Err(mistakes) => assert!(!mistakes.to_string().is_empty()),
    }
}
