//! A real llama.cpp server with a tiny model, and the scripts that use the official SDKs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use crate::wait::PATIENCE;

/// llama.cpp serving three models, each at an address of its own: it ends with this value.
pub struct LlamaCpp {
    /// Base address of each model's server.
    pub urls: HashMap<String, String>,
    _input: ChildStdin,
    _child: Child,
}

/// The folder of this crate.
pub fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A Python with everything that `e2e/setup` brings.
///
/// # Panics
/// If `e2e/setup` has not been run.
pub fn python() -> PathBuf {
    let python = folder().join(".cache/venv/bin/python");
    assert!(python.exists(), "{} is missing: run `e2e/setup` first", python.display());
    python
}

impl LlamaCpp {
    /// Starts it and waits until it listens.
    pub async fn start() -> Self {
        let mut command = Command::new(python());
        command.arg(folder().join("python/llama_server.py")).arg(folder().join(".cache/tiny.gguf"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("python starts");
        let input = child.stdin.take().expect("stdin is piped");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("llama.cpp comes up");
        let line = line.expect("python speaks UTF-8").expect("llama.cpp says where it listens");
        let urls = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line}"));
        Self { urls, _input: input, _child: child }
    }
}
