//! Watches which of the named programs are running. Systems do not report it, so it is polled, but only while a program is named.

use std::collections::HashSet;
use std::time::Duration;

use tokio::sync::watch;

/// The polling interval. Listing the processes takes a few milliseconds.
const INTERVAL: Duration = Duration::from_secs(15);

/// Watches these programs as long as it is polled. Without any, it returns at once.
pub(super) async fn run(running: &watch::Sender<Option<Vec<String>>>, names: &[String]) {
    if names.is_empty() {
        return;
    }
    loop {
        // On a blocking thread, since it reads many small files.
        let all = tokio::task::spawn_blocking(system::programs).await.unwrap_or_default();
        let found = running_among(names, &all);
        running.send_if_modified(|running| {
            let is_news = running.as_ref() != Some(&found);
            *running = Some(found);
            is_news
        });
        tokio::time::sleep(INTERVAL).await;
    }
}

/// The names that are among the running programs.
fn running_among(names: &[String], programs: &HashSet<String>) -> Vec<String> {
    names.iter().filter(|name| programs.contains(&normalized(name))).cloned().collect()
}

/// The name for comparison: neither case nor `.exe` matter.
fn normalized(name: &str) -> String {
    let name = name.trim().to_lowercase();
    name.strip_suffix(".exe").map(str::to_owned).unwrap_or(name)
}

#[cfg(target_os = "linux")]
mod system {
    use std::collections::HashSet;
    use std::fs;

    use super::normalized;

    /// The names of all processes.
    pub(super) fn programs() -> HashSet<String> {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let processes = processes.filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok());
        processes.flat_map(|process| names(&process.path())).map(|name| normalized(&name)).collect()
    }

    /// The name of a process, which Linux truncates to 15 bytes, and the file name in its command line, such as that of a Windows program in Wine.
    fn names(process: &std::path::Path) -> Vec<String> {
        let read = |file| fs::read(process.join(file)).unwrap_or_default();
        let (own, started) = (read("comm"), read("cmdline"));
        let started = started.split(|byte| *byte == 0).next().unwrap_or_default();
        let started = started.rsplit(|byte| matches!(byte, b'/' | b'\\')).next().unwrap_or_default();
        [own.as_slice(), started].map(|name| String::from_utf8_lossy(name).into_owned()).into()
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::collections::HashSet;

    use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

    use super::normalized;

    /// The names of all processes.
    pub(super) fn programs() -> HashSet<String> {
        let Ok(mut system) = System::new() else {
            return HashSet::new();
        };
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, ProcessRefreshKind::nothing());
        system.processes().values().map(|process| normalized(&process.name().to_string_lossy())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_regardless_of_case_and_extension() {
        let programs: HashSet<_> = ["steam", "Blender.EXE", "x"].map(normalized).into();
        let check = |name: &str, wanted: bool| {
            let found = running_among(&[name.to_owned()], &programs);
            assert_eq!(!found.is_empty(), wanted, "{name}");
        };
        for name in ["steam", "Steam", "STEAM.exe", " steam ", "blender", "blender.exe"] {
            check(name, true);
        }
        for name in ["stea", "steam2", "steam.ex", "exe", ""] {
            check(name, false);
        }
    }

    #[test]
    fn a_running_program_is_found() {
        let here = std::env::current_exe().unwrap();
        let name = here.file_name().unwrap().to_string_lossy().into_owned();
        let missing = format!("{name}-is-not-there");
        let programs = system::programs();
        assert_eq!(running_among(&[missing, name.clone()], &programs), [name]);
    }
}
