//! What a system says of its power, on the system bus of a test: UPower and the power profiles, which do what the test says.

use tokio::sync::watch;
use zbus::message::Header;
use zbus::object_server::InterfaceRef;
use zbus::{Connection, connection, interface};

use crate::wait::PATIENCE;

const UPOWER: &str = "/org/freedesktop/UPower";
const DISPLAY: &str = "/org/freedesktop/UPower/devices/DisplayDevice";
const PROFILES: &str = "/org/freedesktop/UPower/PowerProfiles";

/// A machine with a battery, plugged in and full at first. It is gone from the bus when this is dropped.
pub struct UPower {
    connection: Connection,
    /// Whether it was on battery when somebody asked last.
    told: watch::Sender<bool>,
}

impl UPower {
    /// Takes its names on this bus.
    ///
    /// # Panics
    /// If somebody has them.
    pub async fn start(bus: &str) -> Self {
        let told = watch::Sender::new(false);
        let machine = Machine { on_battery: false, told: told.clone() };
        let started = async {
            connection::Builder::address(bus)?
                .serve_at(UPOWER, machine)?
                .serve_at(DISPLAY, Battery { percentage: 100.0 })?
                .serve_at(PROFILES, Profiles { active: "balanced" })?
                .name("org.freedesktop.UPower")?
                .name("org.freedesktop.UPower.PowerProfiles")?
                .build()
                .await
        };
        Self { connection: started.await.expect("the bus is ours"), told }
    }

    /// Somebody pulls the plug, and the app sees it.
    pub async fn unplug(&self) {
        self.set_on_battery(true).await;
    }

    /// Somebody puts it back in, and the app sees it.
    pub async fn plug(&self) {
        self.set_on_battery(false).await;
    }

    /// The battery is so full, in percent.
    pub async fn charge(&self, percent: f64) {
        let battery = self.object::<Battery>(DISPLAY).await;
        battery.get_mut().await.percentage = percent;
        let told = battery.get().await.percentage_changed(battery.signal_emitter()).await;
        told.expect("the bus is ours");
    }

    /// Power is saved, or not.
    pub async fn save(&self, on: bool) {
        let profiles = self.object::<Profiles>(PROFILES).await;
        profiles.get_mut().await.active = if on { "power-saver" } else { "balanced" };
        let told = profiles.get().await.active_profile_changed(profiles.signal_emitter()).await;
        told.expect("the bus is ours");
    }

    async fn set_on_battery(&self, on_battery: bool) {
        let machine = self.object::<Machine>(UPOWER).await;
        machine.get_mut().await.on_battery = on_battery;
        let told = machine.get().await.on_battery_changed(machine.signal_emitter()).await;
        told.expect("the bus is ours");
        let mut seen = self.told.subscribe();
        let seen = tokio::time::timeout(PATIENCE, seen.wait_for(|told| *told == on_battery)).await;
        seen.expect("somebody asks whether it is on battery").expect("the machine lives as long as this");
    }

    async fn object<I: zbus::object_server::Interface>(&self, path: &str) -> InterfaceRef<I> {
        self.connection.object_server().interface(path).await.expect("it is served")
    }
}

struct Machine {
    on_battery: bool,
    told: watch::Sender<bool>,
}

#[interface(name = "org.freedesktop.UPower")]
impl Machine {
    #[zbus(property)]
    async fn on_battery(&self, #[zbus(header)] asked: Option<Header<'_>>) -> bool {
        // Without a message it is looked up for the signal that tells of a change.
        if asked.is_some() {
            self.told.send_replace(self.on_battery);
        }
        self.on_battery
    }
}

struct Battery {
    percentage: f64,
}

#[interface(name = "org.freedesktop.UPower.Device")]
impl Battery {
    #[zbus(property)]
    async fn percentage(&self) -> f64 {
        self.percentage
    }
}

struct Profiles {
    active: &'static str,
}

#[interface(name = "org.freedesktop.UPower.PowerProfiles")]
impl Profiles {
    #[zbus(property)]
    async fn active_profile(&self) -> &str {
        self.active
    }
}
