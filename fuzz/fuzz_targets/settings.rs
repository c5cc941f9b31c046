//! A configuration file: it is read, shown and edited, or its mistakes are reported, each with its place.

#![no_main]

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use llamapool_settings::edit::Edit;
use llamapool_settings::{self as settings, fields};

/// One file for each process: edits are made in a file.
static FILE: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("llamapool-fuzz-{}.yaml", std::process::id())));

fuzz_target!(|text: &[u8]| {
    // Names a file to read a key from: that would be an attack on the machine that fuzzes.
    if text.windows(5).any(|word| word.eq_ignore_ascii_case(b"_file") || word.eq_ignore_ascii_case(b"yfile"))
    {
        return;
    }
    std::fs::write(&*FILE, text).expect("write a file of our own");
    if let Ok(text) = std::str::from_utf8(text) {
        load::<llamapool_worker_core::config::Config>(text);
        load::<llamapool_server::config::Config>(text);
    }
    show::<llamapool_worker_core::config::Config>();
    show::<llamapool_server::config::Config>();
    edit();
});

fn load<C: settings::ProgramConfig>(text: &str) {
    match settings::load_text::<C>(Path::new("fuzz.yaml"), text, &|_| None) {
        Ok(loaded) => drop(loaded.warnings),
        Err(mistakes) => assert!(!mistakes.to_string().is_empty()),
    }
}

fn show<C: settings::ProgramConfig>() {
    let fields = fields::fields::<C>(&FILE, &|_| None).fields;
    assert!(fields.iter().all(|field| field.value.is_none() || field.is_set));
    drop((fields::lists::<C>(&FILE, &|_| None), fields::secrets::<C>(&FILE, &|_| None)));
    if let Ok(edit) = Edit::open::<C>(&FILE) {
        drop((edit.holds_secret(), edit.without_secrets("gone")));
    }
}

/// Each edit is kept as a whole, or nothing changes.
fn edit() {
    let Ok(mut edit) = Edit::open::<llamapool_server::config::Config>(&FILE) else { return };
    let new = [("name", "new"), ("url", "http://new:8000/v1")];
    for change in 0..5 {
        let before = edit.text().to_owned();
        let changed = match change {
            0 => edit.set("endpoints[0].name", "x y"),
            1 => edit.push("endpoints", &new),
            2 => edit.unset("endpoints[0].name"),
            3 => edit.remove_item("endpoints[0]"),
            _ => edit.set("queue_size", "7"),
        };
        assert!(changed.is_ok() || edit.text() == before);
    }
}
