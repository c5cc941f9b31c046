//! Checks the connection to the server: proxy, DNS, TCP, TLS, WebSocket, key; then the clock and version of the server.

use std::env::consts::OS;
use std::time::{Duration, SystemTime};

use super::notes::{Finding, Notes, failed, ok, skipped, warning};
use super::{certificate, local_network};
use crate::config::Config;
use llamapool_settings::build;
use llamapool_tunnel::dial::{DialError, Dialed, Options, Steps, Wire};

const PROXY: (&str, &str) = ("proxy", "Proxy");
const DNS: (&str, &str) = ("dns", "Server name (DNS)");
const TCP: (&str, &str) = ("tcp", "Server connection");
const TLS: (&str, &str) = ("tls", "Encryption");
const WEBSOCKET: (&str, &str) = ("websocket", "WebSocket");
const KEY: (&str, &str) = ("key", "Key");
const CLOCK: (&str, &str) = ("clock", "Clock");
const SERVER: (&str, &str) = ("server_version", "Server version");

/// Runs all of them, in order.
pub(super) const CHECKS: [(&str, &str); 8] = [PROXY, DNS, TCP, TLS, WEBSOCKET, KEY, CLOCK, SERVER];

/// DNS either responds quickly or not at all.
const DNS_LIMIT: Duration = Duration::from_secs(4);
/// Limit of each later step. All checks together take less than half a minute.
const STEP_LIMIT: Duration = Duration::from_secs(5);
/// Larger differences make certificates and tokens look expired.
const MOST_SKEW: Duration = Duration::from_secs(30);

const NOTHING_THERE: &str = "not connected";

pub(super) async fn look(notes: &mut Notes<'_>, config: &Config, options: &Options) {
    let steps = match Steps::of(&config.server.url, options) {
        Ok(steps) => steps,
        Err(error) => {
            notes.note(TCP.0, TCP.1, failed(error.to_string(), "Correct server_url."));
            return;
        }
    };
    let reached = reach(notes, &steps).await;
    let secured = match reached {
        Some(wire) => encryption(notes, &steps, wire).await,
        None => {
            notes.skip(TLS.0, TLS.1, NOTHING_THERE);
            None
        }
    };
    let Some(wire) = secured else {
        for (id, title) in [WEBSOCKET, KEY, CLOCK, SERVER] {
            notes.skip(id, title, NOTHING_THERE);
        }
        return;
    };
    let dialed = shake(notes, config, &steps, wire).await;
    about(notes, dialed.as_ref());
    // Dropped before the hello message, so the server never sees a worker.
}

/// Proxy, DNS, TCP.
async fn reach(notes: &mut Notes<'_>, steps: &Steps<'_>) -> Option<Wire> {
    let (host, port) = steps.host();
    let proxy = steps.proxy().ok().flatten();
    let said = proxy.as_ref().map_or("none".to_owned(), |proxy| format!("using {proxy}"));
    notes.note(PROXY.0, PROXY.1, ok(said));
    let is_found = match (&proxy, host.parse::<std::net::IpAddr>()) {
        (Some(_), _) => {
            notes.skip(DNS.0, DNS.1, "the proxy resolves the name");
            true
        }
        (None, Ok(_)) => {
            notes.skip(DNS.0, DNS.1, "not needed: server_url has an IP address");
            true
        }
        (None, Err(_)) => notes.check(DNS, DNS_LIMIT, name(host, port)).await.is_some(),
    };
    if !is_found {
        notes.skip(TCP.0, TCP.1, "the server's name cannot be resolved");
        return None;
    }
    notes.check(TCP, STEP_LIMIT, connection(steps)).await
}

async fn name(host: &str, port: u16) -> (Finding, Option<()>) {
    let fix = "Check the host in server_url, and the DNS settings of this machine.";
    match tokio::net::lookup_host((host, port))
        .await
        .map(|found| found.map(|one| one.ip()).collect::<Vec<_>>())
    {
        Ok(found) if !found.is_empty() => {
            let found: Vec<_> = found.iter().map(ToString::to_string).collect();
            (ok(format!("{host} resolves to {}", found.join(", "))), Some(()))
        }
        Ok(_) => (failed(format!("{host} has no address"), fix), None),
        Err(error) => (failed(format!("{host}: {error}"), fix), None),
    }
}

async fn connection(steps: &Steps<'_>) -> (Finding, Option<Wire>) {
    let (host, port) = steps.host();
    match steps.open().await {
        Ok(wire) => (ok(format!("connected to {host}:{port}")), Some(wire)),
        Err(error) => {
            let fix = match &error {
                DialError::Proxy(_) => "Check HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY.",
                DialError::Unreachable(why) if local_network::is_forbidden(OS, host, why) => {
                    local_network::FIX
                }
                _ => "Check host and port in server_url, that the server is running, and firewalls.",
            };
            (failed(error.to_string(), fix), None)
        }
    }
}

async fn encryption(notes: &mut Notes<'_>, steps: &Steps<'_>, wire: Wire) -> Option<Wire> {
    if !steps.is_secure() {
        let finding = match steps.is_loopback() {
            true => ok("off; not needed on this machine"),
            false => warning(
                "off: others on the network can read the key and prompts",
                "Set up TLS in front of the server, and use wss:// in server_url.",
            ),
        };
        notes.note(TLS.0, TLS.1, finding);
        return Some(wire);
    }
    notes.check(TLS, STEP_LIMIT, certificate::check(steps, wire)).await
}

/// WebSocket and key: two checks, one request.
async fn shake(notes: &mut Notes<'_>, config: &Config, steps: &Steps<'_>, wire: Wire) -> Option<Dialed> {
    let key = config.server.client_key.as_ref();
    let mut key_finding = skipped("the server was not reached");
    let shaken = notes.check(WEBSOCKET, STEP_LIMIT, async {
        let shaken = match steps.request(key) {
            Ok(request) => steps.shake(wire, request).await,
            Err(error) => Err(error),
        };
        match shaken {
            Ok(dialed) => {
                key_finding =
                    ok(if key.is_some() { "accepted by the server" } else { "the server requires no key" });
                (ok("a llamapool server responded"), Some(dialed))
            }
            Err(error @ DialError::Unauthorized { .. }) => {
                key_finding = failed(error.to_string(), refused_key(key.is_some()));
                (ok("a llamapool server responded"), None)
            }
            Err(error) => (failed(error.to_string(), not_shaken(&error)), None),
        }
    });
    let dialed = shaken.await;
    notes.note(KEY.0, KEY.1, key_finding);
    dialed
}

fn refused_key(is_set: bool) -> &'static str {
    if is_set {
        "Set client_key to the CLIENT_KEY of the server, or ask whoever runs it for a new join link."
    } else {
        "The server requires a key: set client_key to the CLIENT_KEY of the server."
    }
}

fn not_shaken(error: &DialError) -> &'static str {
    match error {
        DialError::NotLlamapool(_) => {
            "Check server_url including its path, and that the reverse proxy in front of the server forwards WebSockets."
        }
        DialError::Refused { .. } => {
            "The server or the reverse proxy in front of it cannot accept workers now: see its logs."
        }
        DialError::Settings(_) => "Correct server_url and client_key.",
        _ => {
            "Check that the server is running, and that the reverse proxy in front of it forwards WebSockets."
        }
    }
}

/// Clock and version, as stated in the server's response.
fn about(notes: &mut Notes<'_>, dialed: Option<&Dialed>) {
    let clock = match dialed
        .map(|dialed| dialed.date.as_deref().and_then(|date| httpdate::parse_http_date(date).ok()))
    {
        None => skipped(NOTHING_THERE),
        Some(None) => skipped("the server sent no date"),
        Some(Some(there)) => clock(SystemTime::now(), there),
    };
    notes.note(CLOCK.0, CLOCK.1, clock);
    let version = match dialed.map(|dialed| dialed.server_version.as_deref()) {
        None => skipped(NOTHING_THERE),
        Some(None) => skipped("the server did not send it"),
        Some(Some(theirs)) => version(theirs),
    };
    notes.note(SERVER.0, SERVER.1, version);
}

pub(super) fn clock(here: SystemTime, there: SystemTime) -> Finding {
    let (skew, side) = match here.duration_since(there) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(error) => (error.duration(), "behind"),
    };
    match skew {
        _ if skew <= MOST_SKEW => ok("in sync with the server"),
        _ => warning(
            format!("{} {side} the server", humantime::format_duration(Duration::from_secs(skew.as_secs()))),
            "Enable time synchronization (NTP) on this machine.",
        ),
    }
}

/// Versions with the same minor number are compatible.
pub(super) fn version(theirs: &str) -> Finding {
    let minor = |version: &str| version.split('.').take(2).map(str::to_owned).collect::<Vec<_>>();
    if minor(theirs) == minor(build::VERSION) {
        return ok(theirs.to_owned());
    }
    let found = format!("{theirs}, while this worker is {}", build::VERSION);
    warning(found, "They are compatible, but new features require both to be new: update the older one.")
}
