//! The output of logs.

use std::{
    io,
    sync::{Arc, Mutex},
};

use super::*;

/// A terminal that records its output.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The output on the terminal after `log` ran.
fn shown(config: &LogConfig, log: impl FnOnce(&Guard)) -> String {
    let screen = Screen::default();
    let (subscriber, guard) = prepare(config, "worker", screen.clone(), None).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        log(&guard);
    });
    drop(guard);
    let bytes = screen.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn the_level_can_be_changed_while_running() {
    let shown = shown(&LogConfig::default(), |guard| {
        tracing::debug!("too much");
        let logs = guard.running();
        let level = logs.level();
        level.set("debug").unwrap();
        tracing::debug!("welcome");
        assert_eq!(level.set("a=b=c"), Err(LevelError::Unreadable));
        assert_eq!(guard.running().level().get(), "debug");
        tracing::info!("and on");
    });
    assert!(!shown.contains("too much"), "{shown}");
    assert!(shown.contains("welcome") && shown.contains("and on"), "{shown}");
}

#[test]
fn json_is_one_object_a_line() {
    let config = LogConfig { format: Format::Json, ..LogConfig::default() };
    let shown = shown(&config, |_| tracing::info!(worker.id = 7, "Worker 7 joined"));
    let line: serde_json::Value = serde_json::from_str(shown.trim()).unwrap();
    assert_eq!((&line["message"], &line["worker.id"]), (&"Worker 7 joined".into(), &7.into()));
}

#[test]
fn files_get_the_same_lines() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig { dir: Some(dir.path().join("logs")), ..LogConfig::default() };
    shown(&config, |_| tracing::info!("hello"));
    let file = std::fs::read_dir(dir.path().join("logs")).unwrap().next().unwrap().unwrap();
    assert!(std::fs::read_to_string(file.path()).unwrap().contains("hello"));
}

#[test]
fn a_folder_that_cannot_be_written_is_a_problem_until_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let config = LogConfig { dir: Some(file.clone()), ..LogConfig::default() };
    let mut logs = None;
    let shown = shown(&config, |guard| {
        tracing::info!("hello");
        let what = guard.running().problem().unwrap().what;
        assert!(what.starts_with(&format!("Logs cannot be written to {}: ", file.display())), "{what}");
        std::fs::remove_file(&file).unwrap();
        tracing::info!("and on");
        logs = Some(guard.running());
    });
    assert!(shown.contains("hello"), "{shown}");
    assert_eq!(logs.unwrap().problem(), None);
    let written = std::fs::read_dir(&file).unwrap().next().unwrap().unwrap().path();
    assert!(std::fs::read_to_string(written).unwrap().contains("and on"));
}
