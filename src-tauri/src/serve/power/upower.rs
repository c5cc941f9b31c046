//! UPower and the power profiles of Linux. One that comes later, or again, is noticed; one that is not there does not count.

use futures_util::stream::{BoxStream, SelectAll};
use futures_util::{StreamExt as _, TryFutureExt as _};
use zbus::fdo::PropertiesProxy;
use zbus::names::InterfaceName;
use zbus::zvariant::OwnedValue;
use zbus::{Connection, Result};

use super::Power;

/// Something on the system bus that has properties.
struct Place {
    name: &'static str,
    path: &'static str,
    interface: &'static str,
}

const UPOWER: Place = Place {
    name: "org.freedesktop.UPower",
    path: "/org/freedesktop/UPower",
    interface: "org.freedesktop.UPower",
};

/// All batteries together, as panels show them.
const DISPLAY: Place = Place {
    name: "org.freedesktop.UPower",
    path: "/org/freedesktop/UPower/devices/DisplayDevice",
    interface: "org.freedesktop.UPower.Device",
};

/// Under its name of today, and under the one before.
const PROFILES: [Place; 2] = [
    Place {
        name: "org.freedesktop.UPower.PowerProfiles",
        path: "/org/freedesktop/UPower/PowerProfiles",
        interface: "org.freedesktop.UPower.PowerProfiles",
    },
    Place {
        name: "net.hadess.PowerProfiles",
        path: "/net/hadess/PowerProfiles",
        interface: "net.hadess.PowerProfiles",
    },
];

/// The profile in which the battery is saved.
const SAVER: &str = "power-saver";

pub(super) async fn follow(told: &impl Fn(Power), with_saver: bool) -> Result<()> {
    let bus = Connection::system().await?;
    let upower = Source::new(&bus, UPOWER).await?;
    let display = Source::new(&bus, DISPLAY).await?;
    let mut profiles = Vec::new();
    if with_saver {
        for place in PROFILES {
            profiles.push(Source::new(&bus, place).await?);
        }
    }
    // Listened for before the first question, so that nothing is missed.
    let mut changes = SelectAll::new();
    for source in [&upower, &display].into_iter().chain(&profiles) {
        changes.extend(source.changes().await?);
    }
    loop {
        told(Power {
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

/// A [`Place`] that is listened to.
struct Source {
    properties: PropertiesProxy<'static>,
    interface: InterfaceName<'static>,
}

impl Source {
    async fn new(bus: &Connection, place: Place) -> Result<Self> {
        let properties = PropertiesProxy::builder(bus).destination(place.name)?.path(place.path)?;
        let interface = InterfaceName::from_static_str(place.interface)?;
        Ok(Self { properties: properties.build().await?, interface })
    }

    /// That something has changed there, or that it has come or gone.
    async fn changes(&self) -> Result<[BoxStream<'static, ()>; 2]> {
        let properties = self.properties.receive_properties_changed().await?;
        let owner = self.properties.inner().receive_owner_changed().await?;
        Ok([properties.map(drop).boxed(), owner.map(drop).boxed()])
    }

    /// What a property is; nothing if it is not there, or nobody is.
    async fn get<T: TryFrom<OwnedValue>>(&self, property: &'static str) -> Option<T> {
        let value = self.properties.get(self.interface.clone(), property);
        value.map_ok(|value| T::try_from(value).ok()).await.ok().flatten()
    }
}
