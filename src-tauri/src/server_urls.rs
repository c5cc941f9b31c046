//! Addresses of a server, derived from the one that workers connect to.

use url::Url;

/// The path of the OpenAI-compatible API.
const API_PATH: &str = "/api/v1";

/// The path of the dashboard.
const DASHBOARD_PATH: &str = "/state";

/// The path that workers connect to.
const CONNECT_PATH: &str = "/api/workers/connect";

/// The address of the OpenAI-compatible API of the server that workers reach at `url`.
pub fn endpoint(url: &str) -> Option<String> {
    with_path(url, API_PATH)
}

/// The address of the dashboard of the server that workers reach at `url`.
pub fn dashboard(url: &str) -> Option<String> {
    with_path(url, DASHBOARD_PATH)
}

fn with_path(url: &str, path: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let scheme = match url.scheme() {
        "wss" | "https" => "https",
        _ => "http",
    };
    let host = url.host_str()?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    // A reverse proxy may serve the whole server below a path prefix.
    let prefix = url.path().strip_suffix(CONNECT_PATH).unwrap_or_default();
    Some(format!("{scheme}://{host}{port}{prefix}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_server() {
        let check = |url: &str, expect: Option<&str>| assert_eq!(endpoint(url).as_deref(), expect, "{url}");
        check("ws://pool:8080/api/workers/connect", Some("http://pool:8080/api/v1"));
        check("wss://pool.example/api/workers/connect", Some("https://pool.example/api/v1"));
        check("wss://pool.example/llm/api/workers/connect", Some("https://pool.example/llm/api/v1"));
        check("ws://[::1]:1/api/workers/connect", Some("http://[::1]:1/api/v1"));
        check("ws://pool/other", Some("http://pool/api/v1"));
        check("nonsense", None);
        assert_eq!(dashboard("ws://pool/").as_deref(), Some("http://pool/state"));
    }
}
