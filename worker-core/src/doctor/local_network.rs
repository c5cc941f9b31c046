//! macOS keeps programs without permission from the local network. Without a prompt, connecting fails immediately with "no route to host", as if the
//! host were switched off (Apple's TN3179).

use std::net::IpAddr;

/// What to do about it.
pub(super) const FIX: &str = "If it runs, and is in your own network: System Settings > Privacy & Security > \
                              Local Network: switch llamapool on.";

/// How such error messages end on macOS (`EHOSTUNREACH`). The text before may change.
const NO_ROUTE: &str = "(os error 65)";

/// Whether this explains why `host`, an address or a name, cannot be reached from a machine with this system (as in [`std::env::consts::OS`]).
pub(super) fn is_forbidden(os: &str, host: &str, why: &str) -> bool {
    os == "macos" && why.contains(NO_ROUTE) && may_be_near(host)
}

/// Whether the host is, or may be, on the local network.
fn may_be_near(host: &str) -> bool {
    match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(address)) => address.is_private() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => address.is_unique_local() || address.is_unicast_link_local(),
        Err(_) => !host.eq_ignore_ascii_case("localhost"),
    }
}
