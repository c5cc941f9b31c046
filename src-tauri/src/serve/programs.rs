//! Which of the named programs run. Nobody tells when programs start and end, so it is looked, but only while any is named.

use std::collections::HashSet;
use std::time::Duration;

use tokio::sync::watch;

/// How often. A look takes some milliseconds; a game takes longer than this to be played.
const LOOK: Duration = Duration::from_secs(15);

/// Looks for these, as long as it is polled; without any it does nothing.
pub(super) async fn follow(running: &watch::Sender<Option<Vec<String>>>, names: &[String]) {
    if names.is_empty() {
        return;
    }
    loop {
        // Many small files are read: not by the thread that has other things to do.
        let all = tokio::task::spawn_blocking(system::programs).await.unwrap_or_default();
        let found = those(names, &all);
        running.send_if_modified(|running| {
            let is_news = running.as_ref() != Some(&found);
            *running = Some(found);
            is_news
        });
        tokio::time::sleep(LOOK).await;
    }
}

/// The names of which there is a program.
fn those(names: &[String], programs: &HashSet<String>) -> Vec<String> {
    names.iter().filter(|name| programs.contains(&canonical(name))).cloned().collect()
}

/// As names are compared: neither case nor `.exe` matter.
fn canonical(name: &str) -> String {
    let name = name.trim().to_lowercase();
    name.strip_suffix(".exe").map(str::to_owned).unwrap_or(name)
}

#[cfg(target_os = "linux")]
mod system {
    use std::collections::HashSet;
    use std::fs;

    use super::canonical;

    /// The names of everything that runs. Linux needs no library for this.
    pub(super) fn programs() -> HashSet<String> {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let processes = processes.filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok());
        processes.flat_map(|process| names(&process.path())).map(|name| canonical(&name)).collect()
    }

    /// The name that a process has, which is cut off after 15 bytes, and the one that it was started by: that of a Windows program in Wine, for one.
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

    use super::canonical;

    /// The names of everything that runs.
    pub(super) fn programs() -> HashSet<String> {
        let Ok(mut system) = System::new() else {
            return HashSet::new(); // it does not tell
        };
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, ProcessRefreshKind::nothing());
        system.processes().values().map(|process| canonical(&process.name().to_string_lossy())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_people_write_them() {
        let programs: HashSet<_> = ["steam", "Blender.EXE", "x"].map(canonical).into();
        let check = |name: &str, wanted: bool| {
            let found = those(&[name.to_owned()], &programs);
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
    fn what_runs_is_found() {
        let here = std::env::current_exe().unwrap();
        let name = here.file_name().unwrap().to_string_lossy().into_owned();
        let missing = format!("{name}-is-not-there");
        let programs = system::programs();
        assert_eq!(those(&[missing, name.clone()], &programs), [name]);
    }
}
