//! Resources used by the process, under the names that all Prometheus client libraries use. On Linux, two small files are read for each scrape; other
//! systems report less.

#[cfg_attr(target_os = "linux", path = "process/linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "process/others.rs")]
mod system;

use super::figures::Figures;
use super::series::Series;

/// Resources of the process. Each is `None` where the system does not report it.
#[derive(Debug, Default)]
struct Process {
    /// CPU time, seconds.
    cpu: Option<f64>,
    /// Start time, Unix seconds.
    started: Option<f64>,
    /// Resident memory, bytes.
    resident: Option<u64>,
    /// Virtual memory, bytes.
    virtual_memory: Option<u64>,
    /// Open files and sockets.
    open_files: Option<u64>,
    /// The limit on open files and sockets.
    max_files: Option<u64>,
}

pub(super) static CPU: Series = Series::counter("process_cpu_seconds_total", &[], "CPU time of the process.");
pub(super) static STARTED: Series =
    Series::gauge("process_start_time_seconds", &[], "When the process started, in Unix time.");
pub(super) static RESIDENT: Series =
    Series::gauge("process_resident_memory_bytes", &[], "Resident memory of the process.");
pub(super) static VIRTUAL: Series =
    Series::gauge("process_virtual_memory_bytes", &[], "Virtual memory of the process.");
pub(super) static OPEN_FILES: Series =
    Series::gauge("process_open_fds", &[], "Files and connections that the process has open.");
pub(super) static MAX_FILES: Series =
    Series::gauge("process_max_fds", &[], "Limit on files and connections that the process has open.");

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
