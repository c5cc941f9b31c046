//! What the system says of its battery, as far as it tells.
//!
//! On Linux UPower and the power profiles tell by themselves, over the system bus. Windows and macOS are asked again and again, but only while a rule
//! needs the answer. A system that does not tell counts as plugged in.

use tokio::sync::watch;

use super::verdict::Power;

/// Follows it as long as it is polled. `with_saver` also asks whether the battery is saved.
pub(super) async fn follow(power: &watch::Sender<Option<Power>>, with_saver: bool) {
    let told = |new: Power| {
        power.send_if_modified(|power| {
            let is_news = *power != Some(new);
            *power = Some(new);
            is_news
        });
    };
    if let Err(error) = system::follow(&told, with_saver).await {
        tracing::info!("Nothing is known of the battery, so it does not count: {error}");
    }
    told(Power::default());
}

#[cfg(target_os = "linux")]
mod upower;
#[cfg(target_os = "linux")]
use upower as system;

/// How often systems are asked that do not tell by themselves.
#[cfg(not(target_os = "linux"))]
const LOOK: std::time::Duration = std::time::Duration::from_secs(30);

#[cfg(windows)]
mod system {
    use std::io;

    use windows_sys::Win32::System::Power::{GetSystemPowerStatus, SYSTEM_POWER_STATUS};

    use super::{LOOK, Power};

    /// What Windows says of the plug when there is none in.
    const OFFLINE: u8 = 0;

    /// More percent than there are: nothing is known.
    const UNKNOWN: u8 = 255;

    /// The battery is saved.
    const SAVER: u8 = 1;

    pub(super) async fn follow(told: &impl Fn(Power), _with_saver: bool) -> io::Result<()> {
        loop {
            told(look()?);
            tokio::time::sleep(LOOK).await;
        }
    }

    #[expect(unsafe_code, reason = "the system tells in no other way")]
    fn look() -> io::Result<Power> {
        let mut status = SYSTEM_POWER_STATUS::default();
        // SAFETY: it writes into the structure, which lives longer than the call.
        if unsafe { GetSystemPowerStatus(&mut status) } == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Power {
            on_battery: status.ACLineStatus == OFFLINE,
            percent: Some(status.BatteryLifePercent).filter(|percent| *percent != UNKNOWN),
            saver: status.SystemStatusFlag == SAVER,
        })
    }
}

#[cfg(target_os = "macos")]
mod system {
    use objc2_foundation::NSProcessInfo;
    use starship_battery::units::ratio::percent;
    use starship_battery::{Error, Manager, State};

    use super::{LOOK, Power};

    pub(super) async fn follow(told: &impl Fn(Power), _with_saver: bool) -> Result<(), Error> {
        loop {
            told(look()?);
            tokio::time::sleep(LOOK).await;
        }
    }

    fn look() -> Result<Power, Error> {
        let saver = NSProcessInfo::processInfo().isLowPowerModeEnabled();
        // A Mac has one or none.
        let Some(battery) = Manager::new()?.batteries()?.next().transpose()? else {
            return Ok(Power { saver, ..Power::default() });
        };
        Ok(Power {
            on_battery: battery.state() == State::Discharging,
            percent: Some(battery.state_of_charge().get::<percent>().round() as u8),
            saver,
        })
    }
}
