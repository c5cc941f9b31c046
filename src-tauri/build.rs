//! Prepares what becomes part of the program: the windows' files, if they have been built, Tauri's own tables, and the notices of what it is made of.

#[path = "build/notices.rs"]
mod notices;

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    const WINDOWS: &str = "../ui/dist/desktop";
    // A folder that is there can be embedded; an empty one is a tray without windows.
    std::fs::create_dir_all(WINDOWS)?;
    println!("cargo::rerun-if-changed={WINDOWS}");
    println!("cargo::rerun-if-changed=../Cargo.lock");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo says where to write")?);
    std::fs::write(out.join("third-party.txt"), notices::of("llamapool-desktop"))?;
    tauri_build::try_build(tauri_build::Attributes::new())?;
    Ok(())
}
