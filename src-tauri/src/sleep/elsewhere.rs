//! macOS and Windows: keeping the computer awake. Closing the lid or choosing sleep still works.

use super::{WHO, WHY_AWAKE};
use crate::supervisor::Supervisor;

/// Does nothing: sleep is not announced here.
pub(super) async fn run(_supervisor: &Supervisor) -> std::io::Result<()> {
    Ok(())
}

/// Keeps the computer awake until it is dropped. On Windows this is bound to the thread, and all tasks of the app share one.
pub(super) async fn stay_awake() -> Option<keepawake::KeepAwake> {
    let awake = keepawake::Builder::default().idle(true).reason(WHY_AWAKE).app_name(WHO).create();
    awake.inspect_err(|error| tracing::warn!("Couldn't keep the computer awake: {error}")).ok()
}
