//! macOS, Windows and others: nothing, because it would take a library that costs more than the figures are worth.

use super::Process;

pub(super) fn look() -> Process {
    Process::default()
}
