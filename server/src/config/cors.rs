//! Cross-origin requests: which sites may use the API from a browser.

use llamapool_settings::concern;
use llamapool_settings::{Setting, kind::Kind};

concern! {
    /// Which sites may use the API from a browser.
    pub struct Cors: "Cross-origin requests (CORS)" {
        /// Origins whose pages may use the API from a browser. Without any, browsers block pages of other sites. Clients that are not browsers are
        /// unaffected.
        allowed: Vec<Origin> = Setting::new("allowed_origins", origin().list()).default_words("none");
    }
}

/// The origin of a page (RFC 6454), or a pattern of origins, in lower case as browsers send them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `*`: any origin.
    Any,
    /// `https://app.example.com`: this origin only.
    Exact(String),
    /// `https://*.example.com`: every subdomain, but not the domain itself.
    Below {
        /// `https://`
        scheme: String,
        /// `.example.com`, and the port if there is one.
        domain: String,
    },
    /// `http://localhost:*`: every port of a host, including the scheme's default port.
    AnyPort(String),
    /// `chrome-extension://*`: every origin of a scheme other than http and https. Holds the scheme and `://`.
    AnyOf(String),
    /// `null`: pages without an origin of their own, such as local files and sandboxed frames. Any site can make one, so it is as wide as `*`.
    Null,
}

impl Origin {
    /// Whether the `Origin` header of a browser matches.
    pub fn matches(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(only) => origin == only,
            Self::Null => origin == "null",
            Self::AnyOf(scheme) => origin.strip_prefix(scheme.as_str()).is_some_and(is_host_and_port),
            Self::Below { scheme, domain } => {
                let name =
                    origin.strip_prefix(scheme.as_str()).and_then(|rest| rest.strip_suffix(domain.as_str()));
                name.is_some_and(|name| is_host(name) && !name.starts_with('.'))
            }
            Self::AnyPort(host) => match origin.strip_prefix(host.as_str()) {
                Some("") => true,
                Some(rest) => rest.strip_prefix(':').is_some_and(is_port),
                None => false,
            },
        }
    }
}

fn origin() -> Kind<Origin> {
    let allowed = "an origin such as https://app.example.com, https://*.example.com, http://localhost:*, chrome-extension://* or null, or * for any";
    Kind::new("ORIGIN", allowed, |text| parse(&text.to_ascii_lowercase()))
}

fn parse(text: &str) -> Option<Origin> {
    if text == "*" {
        return Some(Origin::Any);
    }
    if text == "null" {
        return Some(Origin::Null);
    }
    let text = text.strip_suffix('/').unwrap_or(text); // as copied from the address bar
    let (scheme, host) = text.split_once("://")?;
    if scheme.is_empty() || !scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) {
        return None;
    }
    if let Some(host) = host.strip_suffix(":*") {
        return is_host_or_ipv6(host).then(|| Origin::AnyPort(format!("{scheme}://{host}")));
    }
    if host == "*" && !["http", "https"].contains(&scheme) {
        return Some(Origin::AnyOf(format!("{scheme}://")));
    }
    let host = host.strip_suffix(default_port(scheme)).unwrap_or(host);
    if let Some(domain) = host.strip_prefix('*') {
        let name = domain.strip_prefix('.')?;
        let scheme = format!("{scheme}://");
        return is_host_and_port(name).then(|| Origin::Below { scheme, domain: domain.to_owned() });
    }
    is_host_and_port(host).then(|| Origin::Exact(format!("{scheme}://{host}")))
}

/// The port that browsers omit.
fn default_port(scheme: &str) -> &'static str {
    match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => "\0",
    }
}

/// A host, with or without a port.
fn is_host_and_port(text: &str) -> bool {
    match text.rsplit_once(':') {
        Some((host, port)) if !text.ends_with(']') => is_host_or_ipv6(host) && is_port(port),
        _ => is_host_or_ipv6(text),
    }
}

fn is_host_or_ipv6(host: &str) -> bool {
    let ipv6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    ipv6.map_or_else(|| is_host(host), |ip| ip.parse::<std::net::Ipv6Addr>().is_ok())
}

fn is_host(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
}

fn is_port(port: &str) -> bool {
    port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, page: &str, expect: bool) {
        let origin = origin().read(pattern).unwrap_or_else(|| panic!("{pattern} is refused"));
        assert_eq!(origin.matches(page), expect, "{pattern} and {page}");
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        check("https://app.example.com", "https://app.example.com", true);
        check("https://App.Example.com:443/", "https://app.example.com", true);
        check("http://localhost:80", "http://localhost", true);
        check("https://app.example.com", "http://app.example.com", false);
        check("https://app.example.com", "https://app.example.com:8443", false);
        check("https://app.example.com", "https://app.example.com.evil.example", false);
        check("http://[::1]:3000", "http://[::1]:3000", true);
        check("tauri://localhost", "tauri://localhost", true);
        check("*", "https://anything.example", true);
        check("*", "null", true);
        check("null", "null", true);
        check("null", "https://null", false);
        check("https://null", "null", false);
    }

    #[test]
    fn a_star_stands_for_names_or_for_a_port() {
        check("https://*.example.com", "https://a.b.example.com", true);
        check("https://*.example.com", "https://example.com", false);
        check("https://*.example.com", "https://.example.com", false);
        check("https://*.example.com", "https://evil.example/.example.com", false);
        check("https://*.example.com:8443", "https://a.example.com:8443", true);
        check("https://*.example.com", "https://a.example.com:8443", false);
        check("http://localhost:*", "http://localhost:5173", true);
        check("http://localhost:*", "http://localhost", true);
        check("http://localhost:*", "http://localhost.evil.example", false);
        check("http://localhost:*", "http://localhost:1.evil.example", false);
        check("http://localhost:*", "http://localhost:", false);
        check("http://[::1]:*", "http://[::1]:5173", true);
    }

    #[test]
    fn pages_of_extensions_and_programs_have_origins_too() {
        let id = "chrome-extension://abcdefghijklmnopabcdefghijklmnop";
        check(id, id, true);
        check("chrome-extension://*", id, true);
        check("chrome-extension://*", "moz-extension://b1d7", false);
        check("chrome-extension://*", "chrome-extension://", false);
        check("vscode-webview://*", "vscode-webview://0k3hq7", true);
        check("app://obsidian.md", "app://obsidian.md", true);
        check("app://-", "app://-", true);
        check("capacitor://localhost", "capacitor://localhost", true);
    }

    #[test]
    fn what_no_browser_sends_is_refused() {
        for wrong in [
            "example.com",
            "https://",
            "https://a.example/path",
            "https://*",
            "https://a.*.example",
            "https://a b",
            "https://a:99999",
            "://a",
        ] {
            assert!(origin().read(wrong).is_none(), "{wrong}");
        }
    }
}
