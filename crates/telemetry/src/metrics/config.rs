//! The setting of the metrics port.

use std::net::{Ipv4Addr, SocketAddr};

use llamapool_settings::kind::{self, Kind};
use llamapool_settings::{Setting, concern};

concern! {
    /// Where metrics are served.
    pub struct MetricsConfig: "Metrics" {
        /// Separate port that serves only `/metrics`, for Prometheus. A bare port listens on loopback; `0.0.0.0:9090` listens on all
        /// interfaces. The port requires no key.
        addr: Option<SocketAddr> =
            Setting::new("metrics_port", addr().optional()).formerly("metrics_addr").default_words("off");
    }
}

impl Default for MetricsConfig {
    fn default() -> Self {
        llamapool_settings::defaults()
    }
}

/// A port on loopback, or an address with a port.
fn addr() -> Kind<SocketAddr> {
    Kind::new("PORT", "a port, or an IP address with a port", |text| {
        let port = kind::port().read(text).map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        port.or_else(|| kind::socket_addr().read(text))
    })
    .example("9090")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_port_is_loopback() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(addr().read(text).map(|addr| addr.to_string()).as_deref(), expect, "{text}");
        };
        check("9090", Some("127.0.0.1:9090"));
        check(":9090", Some("127.0.0.1:9090"));
        check("0", Some("127.0.0.1:0"));
        check("localhost:9090", Some("127.0.0.1:9090"));
        check("0.0.0.0:9090", Some("0.0.0.0:9090"));
        check("[::]:9090", Some("[::]:9090"));
        check("65536", None);
        check("host:9090", None);
        check("0.0.0.0", None);
        assert_eq!(MetricsConfig::default().addr, None);
    }
}
