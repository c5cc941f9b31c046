//! Where traces go.

use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use url::Url;

use crate::{
    concern,
    settings::{
        self, Setting,
        kind::{self, Kind},
    },
};

/// What OTLP over HTTP appends to a receiver's address for traces.
const TRACES: &str = "/v1/traces";

concern! {
    /// Where traces of requests go. See docs/tracing.md.
    pub struct Config: "Traces" {
        /// Address of an OpenTelemetry receiver that takes OTLP over HTTP. Usually port 4318; `/v1/traces` is appended
        /// if it is not there.
        endpoint: Option<Url> = Setting::new("otlp_endpoint", kind::http_url().optional())
            .also("otel_exporter_otlp_endpoint").default_words("no traces");

        /// Headers that the receiver wants, as `name=value`. Percent-encoded; they may be keys, so they are kept secret.
        headers: HeaderMap = Setting::new("otlp_headers", headers()).also("otel_exporter_otlp_headers");

        /// What this program is called in traces.
        service_name: Option<String> = Setting::new("otel_service_name", kind::name().optional())
            .default_words("the program's name");
    }
}

impl Default for Config {
    fn default() -> Self {
        settings::defaults()
    }
}

impl Config {
    /// The whole address.
    pub(super) fn traces_url(&self) -> Option<Url> {
        let mut url = self.endpoint.clone()?;
        let path = url.path().trim_end_matches('/').to_owned();
        if !path.ends_with(TRACES) {
            url.set_path(&format!("{path}{TRACES}"));
        }
        Some(url)
    }
}

/// Pairs with commas between. The values are marked, so that nothing prints them.
fn headers() -> Kind<HeaderMap> {
    let allowed = "name=value pairs with commas between, values percent-encoded";
    Kind::new("HEADERS", allowed, |text| {
        text.split(',').map(str::trim).filter(|pair| !pair.is_empty()).map(header).collect()
    })
    .private()
}

fn header(pair: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = pair.split_once('=')?;
    let value: Vec<u8> = percent_decode_str(value.trim()).collect();
    let mut value = HeaderValue::from_bytes(&value).ok().filter(|value| value.to_str().is_ok())?;
    value.set_sensitive(true);
    Some((HeaderName::from_bytes(name.trim().as_bytes()).ok()?, value))
}
