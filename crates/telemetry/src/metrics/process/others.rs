//! macOS, Windows and the rest: nothing is found out without a library that costs more than the figures are worth.

use super::Process;

pub(super) fn look() -> Process {
    Process::default()
}
