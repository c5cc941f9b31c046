//! The settings of traces.

use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use url::Url;

use llamapool_settings::kind::{self, Kind};
use llamapool_settings::{Setting, concern};

/// The path that OTLP over HTTP appends to a receiver's address for traces.
#[cfg(any(test, feature = "otlp"))]
const TRACES: &str = "/v1/traces";

concern! {
    /// Where traces of requests are sent. See docs/tracing.md.
    pub struct TraceConfig: "Traces" {
        /// URL of an OpenTelemetry receiver for OTLP over HTTP, usually on port 4318. `/v1/traces` is appended
        /// if it is missing.
        endpoint: Option<Url> = Setting::new("otlp_endpoint", kind::http_url().optional())
            .also("otel_exporter_otlp_endpoint").default_words("no traces").example("http://127.0.0.1:4318");

        /// Headers for the receiver, as `name=value`, percent-encoded. They may contain keys, so they are kept secret.
        headers: HeaderMap = Setting::new("otlp_headers", headers()).also("otel_exporter_otlp_headers");

        /// Service name in traces.
        service_name: Option<String> = Setting::new("otel_service_name", kind::name().optional())
            .default_words("the program's name");
    }
}

impl Default for TraceConfig {
    fn default() -> Self {
        llamapool_settings::defaults()
    }
}

impl TraceConfig {
    /// The URL that traces are sent to.
    #[cfg(any(test, feature = "otlp"))]
    pub(super) fn traces_url(&self) -> Option<Url> {
        let mut url = self.endpoint.clone()?;
        let path = url.path().trim_end_matches('/').to_owned();
        if !path.ends_with(TRACES) {
            url.set_path(&format!("{path}{TRACES}"));
        }
        Some(url)
    }
}

/// Comma-separated pairs. The values are marked as sensitive, so that they are not printed.
fn headers() -> Kind<HeaderMap> {
    let allowed = "name=value pairs separated by commas, values percent-encoded";
    Kind::new("HEADERS", allowed, |text| {
        text.split(',').map(str::trim).filter(|pair| !pair.is_empty()).map(header).collect()
    })
    .example("authorization=Basic%20dXNlcjpwYXNz")
    .private()
}

fn header(pair: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = pair.split_once('=')?;
    let value: Vec<u8> = percent_decode_str(value.trim()).collect();
    let mut value = HeaderValue::from_bytes(&value).ok().filter(|value| value.to_str().is_ok())?;
    value.set_sensitive(true);
    Some((HeaderName::from_bytes(name.trim().as_bytes()).ok()?, value))
}

#[cfg(test)]
mod tests {
    use llamapool_settings::{Concern, Reader, Retired, Sources};

    use super::*;

    /// A program with only these settings.
    struct Program(TraceConfig);

    impl Concern for Program {
        fn read(from: &mut Reader<'_>) -> Self {
            Self(TraceConfig::read(from))
        }
    }

    impl llamapool_settings::ProgramConfig for Program {
        const PROGRAM: &'static str = "test";
        const ABOUT: &'static str = "";
        const RETIRED: &'static [Retired] = &[];
    }

    fn configured(key: &'static str, value: &'static str) -> Result<TraceConfig, String> {
        let env = move |name: &str| (name == key).then(|| value.to_owned());
        let sources = Sources { args: Vec::new(), env: Box::new(env), default_file: None };
        let loaded = llamapool_settings::load::<Program>(&sources);
        loaded.map(|loaded| loaded.config.0).map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn the_receivers_address_is_completed() {
        let check = |key, given, expect: &str| {
            let url = configured(key, given).unwrap().traces_url().unwrap();
            assert_eq!(url.as_str(), expect, "{key}={given}");
        };
        check("OTLP_ENDPOINT", "http://localhost:4318", "http://localhost:4318/v1/traces");
        check("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:1/", "http://a:1/v1/traces");
        check("OTLP_ENDPOINT", "https://a/api/public/otel/", "https://a/api/public/otel/v1/traces");
        check("OTLP_ENDPOINT", "https://a/x/v1/traces", "https://a/x/v1/traces");
        assert_eq!(TraceConfig::default().traces_url(), None);
        assert!(configured("OTLP_ENDPOINT", "grpc://a").is_err());
    }

    #[test]
    fn headers_are_read_and_never_shown() {
        let check = |given, expect: &[(&str, &str)]| {
            let config = configured("OTEL_EXPORTER_OTLP_HEADERS", given).unwrap();
            let read: Vec<_> =
                config.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
            assert_eq!(read, expect, "{given}");
            assert!(expect.iter().all(|(_, value)| !format!("{config:?}").contains(value)), "{config:?}");
        };
        check("Authorization=Basic%20cGs6c2s+", &[("authorization", "Basic cGs6c2s+")]);
        check("x-one=first-value, x-two=b=c==", &[("x-one", "first-value"), ("x-two", "b=c==")]);
        for wrong in ["no-value", "a b=c", "a=%0A"] {
            let mistake = configured("OTLP_HEADERS", wrong).unwrap_err();
            assert!(!mistake.contains(wrong), "{mistake}");
        }
    }
}
