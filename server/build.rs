//! Looks for the dashboard again when it has been built since. It is embedded if it is there; see `src/http/dashboard.rs`.

use std::path::Path;

fn main() -> std::io::Result<()> {
    const DASHBOARD: &str = "../ui/dist/dashboard";
    // A folder that is there can be watched; an empty one is a server without a dashboard.
    std::fs::create_dir_all(DASHBOARD)?;
    println!("cargo::rerun-if-changed={DASHBOARD}");
    if !Path::new(DASHBOARD).join("index.html").exists() {
        println!(
            "cargo::warning=the server is built without its dashboard: run scripts/dashboard, then build it again"
        );
    }
    Ok(())
}
