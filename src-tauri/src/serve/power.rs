//! Watches the power state of the system.
//!
//! On Linux, UPower and power-profiles-daemon signal changes on the system bus. Windows and macOS are polled, but only while a rule needs it. If nothing is
//! known, the computer counts as plugged in.

use tokio::sync::watch;

use super::decision::Power;

/// Watches it as long as it is polled. `with_saver` includes battery saver.
pub(super) async fn run(power: &watch::Sender<Option<Power>>, with_saver: bool) {
    let report = |new: Power| {
        power.send_if_modified(|power| {
            let is_news = *power != Some(new);
            *power = Some(new);
            is_news
        });
    };
    if let Err(error) = system::run(&report, with_saver).await {
        tracing::info!("Battery rules have no effect: {error}");
    }
    report(Power::default());
}

#[cfg(target_os = "linux")]
mod upower;
#[cfg(target_os = "linux")]
use upower as system;

/// The polling interval.
#[cfg(not(target_os = "linux"))]
const INTERVAL: std::time::Duration = std::time::Duration::from_secs(30);

#[cfg(windows)]
mod system {
    use std::io;

    use windows_sys::Win32::System::Power::{GetSystemPowerStatus, SYSTEM_POWER_STATUS};

    use super::{INTERVAL, Power};

    /// `ACLineStatus` when running on battery.
    const OFFLINE: u8 = 0;

    /// `BatteryLifePercent` when it is unknown.
    const UNKNOWN: u8 = 255;

    /// `SystemStatusFlag` when battery saver is on.
    const SAVER: u8 = 1;

    pub(super) async fn run(report: &impl Fn(Power), _with_saver: bool) -> io::Result<()> {
        loop {
            report(read()?);
            tokio::time::sleep(INTERVAL).await;
        }
    }

    #[expect(unsafe_code, reason = "a Windows API")]
    fn read() -> io::Result<Power> {
        let mut status = SYSTEM_POWER_STATUS::default();
        // SAFETY: the call writes into the structure, which outlives it.
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

    use super::{INTERVAL, Power};

    pub(super) async fn run(report: &impl Fn(Power), _with_saver: bool) -> Result<(), Error> {
        loop {
            report(read()?);
            tokio::time::sleep(INTERVAL).await;
        }
    }

    fn read() -> Result<Power, Error> {
        let saver = NSProcessInfo::processInfo().isLowPowerModeEnabled();
        // A Mac has one battery or none.
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
