//! Static endpoints: HTTP servers that take part in the pool like workers.

use llamapool_settings::{Concern, ListOf, Reader, Setting, kind};
use url::Url;

/// One static endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointConfig {
    /// The name in logs, records and response headers.
    pub name: String,
    /// The base URL of its OpenAI-compatible API, with or without `/v1`.
    pub url: Url,
}

impl EndpointConfig {
    /// An endpoint for tests.
    ///
    /// # Panics
    /// The URL is invalid.
    pub fn for_testing(name: &str, url: &str) -> Self {
        Self { name: name.to_owned(), url: url.parse().expect("tests give valid URLs") }
    }
}

/// Not a `concern!`: the default name depends on the URL.
impl Concern for EndpointConfig {
    fn read(from: &mut Reader<'_>) -> Self {
        from.concern("Endpoints");
        let name = from.read(
            Setting::new("name", kind::name().optional())
                .example("gpu-box")
                .default_words("host and port of the URL")
                .doc("Unique name, shown in logs, metrics and response headers."),
        );
        let url = from.read(
            Setting::new("url", base_url())
                .example("http://gpu-box:8000/v1")
                .required()
                .doc("Base URL of its OpenAI-compatible API, with or without `/v1`."),
        );
        Self { name: name.unwrap_or_else(|| host_and_port(&url)), url }
    }
}

/// The setting `endpoints`.
pub(super) fn setting() -> ListOf<EndpointConfig> {
    ListOf::new("endpoints")
        .unique("name", |endpoint: &EndpointConfig| Some(endpoint.name.clone()))
        .doc("HTTP servers with an OpenAI-compatible API that take part in the pool, without a worker beside them.")
}

pub(super) fn read(from: &mut Reader<'_>) -> Vec<EndpointConfig> {
    from.concern("Endpoints").read(setting())
}

/// An address to which paths are appended.
fn base_url() -> kind::Kind<Url> {
    let expected = "an http:// or https:// address without user, password, query and fragment";
    kind::http_url().only(expected, |url| url.query().is_none() && url.fragment().is_none())
}

fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use llamapool_settings::{self as settings, Loaded};

    use crate::config::Config;

    fn load(text: &str) -> Result<Loaded<Config>, String> {
        settings::load_text(Path::new("server.yaml"), text, &|_| None)
            .map_err(|mistakes| mistakes.to_string())
    }

    fn endpoints(text: &str) -> Vec<(String, String)> {
        let endpoints = load(text).unwrap().config.endpoints;
        endpoints.into_iter().map(|endpoint| (endpoint.name, endpoint.url.to_string())).collect()
    }

    #[test]
    fn a_name_is_optional() {
        assert_eq!(endpoints("port: 1\n"), []);
        let text = "endpoints:\n  - name: gpu\n    url: https://gpu.example/openai\n  - url: http://192.0.2.1:8000\n  - {url: 'https://api.example'}\n";
        assert_eq!(
            endpoints(text),
            [
                ("gpu".to_owned(), "https://gpu.example/openai".to_owned()),
                ("192.0.2.1:8000".to_owned(), "http://192.0.2.1:8000/".to_owned()),
                ("api.example:443".to_owned(), "https://api.example/".to_owned()),
            ]
        );
    }

    #[test]
    fn every_mistake_is_reported_with_its_path() {
        let told = load(
            "port: many\nendpoints:\n  - name: a\n  - url: ftp://x\n  - url: http://me:hush@x\n  - url: http://x/?key=1\n  \
             - url: http://y\n    name: y\n  - url: http://z\n    name: y\n",
        );
        let told = told.unwrap_err();
        for part in [
            "server.yaml:1:7: port: ",
            "server.yaml:3:5: endpoints[0].url: a value is required, expected an http:// or https:// address",
            "server.yaml:4:10: endpoints[1].url: \"ftp://x\" is invalid",
            "server.yaml:5:10: endpoints[2].url: ",
            "server.yaml:6:10: endpoints[3].url: \"http://x/?key=1\" is invalid",
            "server.yaml:10:11: endpoints[5].name: \"y\" is already used by endpoints[4]",
        ] {
            assert!(told.contains(part), "{part} in\n{told}");
        }
        let same = load("endpoints: [{url: 'http://a'}, {url: 'http://a:80/v1'}]").unwrap_err();
        assert!(same.contains("endpoints[1].name: \"a:80\" is already used by endpoints[0]"), "{same}");
    }

    #[test]
    fn unknown_keys_are_reported() {
        let warnings = load("endpoints: [{url: 'http://a', ulr: x}]").unwrap().warnings;
        assert!(
            warnings[0].contains("\"endpoints[0].ulr\"") && warnings[0].contains("endpoints[0].url?"),
            "{warnings:?}"
        );
    }

    #[test]
    fn endpoints_make_configurations_differ() {
        let config = |text| load(text).unwrap().config;
        let changes = |old, new| settings::changes(&config(old), &config(new)).restart;
        assert_eq!(
            changes("endpoints: [{url: 'http://a'}]", "endpoints: [{url: 'http://b'}]"),
            ["endpoints"]
        );
        assert_eq!(
            changes("endpoints: [{url: 'http://a'}]", "endpoints:\n  - name: a:80\n    url: http://a/"),
            [""; 0]
        );
    }
}
