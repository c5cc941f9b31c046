//! Prepares what is embedded in the program: the windows' files if they have been built, Tauri's generated code, and the licences of dependencies.

#[path = "build/notices.rs"]
mod notices;

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    const WINDOWS: &str = "../ui/dist/desktop";
    // The folder must exist to be embedded. With an empty one the app has no windows.
    std::fs::create_dir_all(WINDOWS)?;
    println!("cargo::rerun-if-changed={WINDOWS}");
    println!("cargo::rerun-if-changed=../Cargo.lock");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    std::fs::write(out.join("third-party.txt"), notices::of("llamapool-desktop"))?;
    // Listed one by one, so that a command without a capability cannot be called.
    let commands = tauri_build::AppManifest::new().commands(commands(include_str!("src/commands.rs")));
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(commands))?;
    Ok(())
}

/// The names of the commands, read from the source that lists them.
fn commands(source: &'static str) -> &'static [&'static str] {
    let list = source.split_once("generate_handler![").and_then(|(_, rest)| rest.split_once(']'));
    let paths = list.map_or("", |(paths, _)| paths).split(',').map(str::trim).filter(|path| !path.is_empty());
    paths.filter_map(|path| path.rsplit("::").next()).collect::<Vec<_>>().leak()
}
