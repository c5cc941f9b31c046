//! Settings of older versions, which are accepted and ignored.

use llamapool_settings::Retired;

const fn retired(keys: &'static [&'static str], why: &'static str) -> Retired {
    Retired { keys, why }
}

pub(super) const RETIRED: &[Retired] = &[
    retired(&["broker_max_req_bytes"], "`max_body` limits every request body"),
    retired(&["broker_max_resp_bytes"], "responses are passed on as they arrive, whatever their size"),
    retired(&["broker_ws_heartbeat_ms"], "it follows from `keepalive_timeout`"),
    retired(&["broker_ws_dead_after_ms"], "`keepalive_timeout` determines when a peer is lost"),
    retired(&["broker_max_concurrency_per_client"], "MCP relays are not served"),
    retired(&["broker_call_timeout_ms"], "`first_byte_timeout` and `request_timeout` limit every request"),
    retired(&["broker_relay_token"], "workers authenticate with `client_key`"),
    retired(&["broker_accepted_clients"], "workers authenticate with `client_key`"),
    retired(&["ws_path"], "workers connect at `/api/workers/connect`"),
    retired(&["max_parallel_embeddings"], "embeddings are sent to one worker as they are"),
    retired(&["redis_addr"], "servers share no state"),
];
