//! macOS and Windows: what they have against falling asleep by themselves. Both leave lids and menus to their owner.

use super::{WHO, WHY_AWAKE};
use crate::supervisor::Supervisor;

/// Nobody says there when the machine sleeps.
pub(super) async fn follow(_supervisor: &Supervisor) -> std::io::Result<()> {
    Ok(())
}

/// Keeps the machine awake until it is dropped. On Windows that is a matter of the thread, and all tasks of the app are on one.
pub(super) async fn stay_awake() -> Option<keepawake::KeepAwake> {
    let awake = keepawake::Builder::default().idle(true).reason(WHY_AWAKE).app_name(WHO).create();
    awake.inspect_err(|error| tracing::warn!("The machine may sleep while requests run: {error}")).ok()
}
