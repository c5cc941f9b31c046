//! What the process itself uses, under the names that every Prometheus library gives it. Two small files of Linux are read when somebody asks; other
//! systems tell less.

#[cfg_attr(target_os = "linux", path = "process/linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "process/others.rs")]
mod system;

use super::figures::Figures;
use super::series::Series;

/// What is known of the process. Each is `None` where the system does not tell.
#[derive(Debug, Default)]
struct Process {
    /// Time on processors, seconds.
    cpu: Option<f64>,
    /// Unix seconds.
    started: Option<f64>,
    /// Bytes in memory.
    resident: Option<u64>,
    /// Bytes of address space.
    virtual_memory: Option<u64>,
    /// Files and sockets open.
    open_files: Option<u64>,
    /// How many it may open.
    max_files: Option<u64>,
}

pub(super) static CPU: Series =
    Series::counter("process_cpu_seconds_total", &[], "Time the process has spent on processors.");
pub(super) static STARTED: Series =
    Series::gauge("process_start_time_seconds", &[], "When the process started, in Unix time.");
pub(super) static RESIDENT: Series =
    Series::gauge("process_resident_memory_bytes", &[], "Memory of the process that is in use.");
pub(super) static VIRTUAL: Series =
    Series::gauge("process_virtual_memory_bytes", &[], "Address space of the process.");
pub(super) static OPEN_FILES: Series =
    Series::gauge("process_open_fds", &[], "Files and connections the process has open.");
pub(super) static MAX_FILES: Series =
    Series::gauge("process_max_fds", &[], "Files and connections the process may have open.");

pub(super) fn gather(figures: &mut Figures) {
    let process = system::look();
    let reals = [(&CPU, process.cpu), (&STARTED, process.started)];
    for (series, value) in reals {
        value.into_iter().for_each(|value| figures.add(series, [], value));
    }
    let wholes = [
        (&RESIDENT, process.resident),
        (&VIRTUAL, process.virtual_memory),
        (&OPEN_FILES, process.open_files),
        (&MAX_FILES, process.max_files),
    ];
    for (series, value) in wholes {
        value.into_iter().for_each(|value| figures.add(series, [], value));
    }
}
