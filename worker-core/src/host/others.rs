//! macOS, Windows and others: uses a library, which runs nothing in the background.

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

pub(super) fn hostname() -> Option<String> {
    System::host_name().ok()
}

pub(super) fn version() -> Option<String> {
    System::long_os_version().ok()
}

pub(super) fn memory_bytes() -> Option<u64> {
    let memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    Some(System::new_with_specifics(memory).ok()?.total_memory()).filter(|bytes| *bytes > 0)
}
