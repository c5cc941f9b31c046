//! UPower and power-profiles-daemon on Linux. Services that start later or restart are noticed; missing ones are ignored.

use futures_util::stream::{BoxStream, SelectAll};
use futures_util::{StreamExt as _, TryFutureExt as _};
use zbus::fdo::PropertiesProxy;
use zbus::names::InterfaceName;
use zbus::zvariant::OwnedValue;
use zbus::{Connection, Result};

use super::Power;

/// An object on the system bus.
struct BusObject {
    name: &'static str,
    path: &'static str,
    interface: &'static str,
}

const UPOWER: BusObject = BusObject {
    name: "org.freedesktop.UPower",
    path: "/org/freedesktop/UPower",
    interface: "org.freedesktop.UPower",
};

/// All batteries combined, as desktop panels show them.
const DISPLAY: BusObject = BusObject {
    name: "org.freedesktop.UPower",
    path: "/org/freedesktop/UPower/devices/DisplayDevice",
    interface: "org.freedesktop.UPower.Device",
};

/// Its current and its former name.
const PROFILES: [BusObject; 2] = [
    BusObject {
        name: "org.freedesktop.UPower.PowerProfiles",
        path: "/org/freedesktop/UPower/PowerProfiles",
        interface: "org.freedesktop.UPower.PowerProfiles",
    },
    BusObject {
        name: "net.hadess.PowerProfiles",
        path: "/net/hadess/PowerProfiles",
        interface: "net.hadess.PowerProfiles",
    },
];

/// The profile that counts as battery saver.
const SAVER: &str = "power-saver";

pub(super) async fn run(report: &impl Fn(Power), with_saver: bool) -> Result<()> {
    let bus = Connection::system().await?;
    let upower = Source::new(&bus, UPOWER).await?;
    let display = Source::new(&bus, DISPLAY).await?;
    let mut profiles = Vec::new();
    if with_saver {
        for object in PROFILES {
            profiles.push(Source::new(&bus, object).await?);
        }
    }
    // Subscribed before the first read, so that no change is missed.
    let mut changes = SelectAll::new();
    for source in [&upower, &display].into_iter().chain(&profiles) {
        changes.extend(source.changes().await?);
    }
    loop {
        report(Power {
            on_battery: upower.get("OnBattery").await.unwrap_or_default(),
            percent: display.get("Percentage").await.map(|percent: f64| percent.round() as u8),
            saver: is_saved(&profiles).await,
        });
        if changes.next().await.is_none() {
            return Ok(());
        }
    }
}

async fn is_saved(profiles: &[Source]) -> bool {
    for source in profiles {
        if let Some(profile) = source.get::<String>("ActiveProfile").await {
            return profile == SAVER;
        }
    }
    false
}

/// A [`BusObject`] whose properties are watched.
struct Source {
    properties: PropertiesProxy<'static>,
    interface: InterfaceName<'static>,
}

impl Source {
    async fn new(bus: &Connection, object: BusObject) -> Result<Self> {
        let properties = PropertiesProxy::builder(bus).destination(object.name)?.path(object.path)?;
        let interface = InterfaceName::from_static_str(object.interface)?;
        Ok(Self { properties: properties.build().await?, interface })
    }

    /// Changes of its properties, and of whether the service runs.
    async fn changes(&self) -> Result<[BoxStream<'static, ()>; 2]> {
        let properties = self.properties.receive_properties_changed().await?;
        let owner = self.properties.inner().receive_owner_changed().await?;
        Ok([properties.map(drop).boxed(), owner.map(drop).boxed()])
    }

    /// The value of a property, if the object and the property exist.
    async fn get<T: TryFrom<OwnedValue>>(&self, property: &'static str) -> Option<T> {
        let value = self.properties.get(self.interface.clone(), property);
        value.map_ok(|value| T::try_from(value).ok()).await.ok().flatten()
    }
}
