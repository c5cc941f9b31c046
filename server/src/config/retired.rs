//! Settings of older versions that are accepted and change nothing.

use llamapool_worker_core::settings::Retired;

const fn retired(keys: &'static [&'static str], why: &'static str) -> Retired {
    Retired { keys, why }
}

pub(super) const RETIRED: &[Retired] = &[
    retired(&["broker_max_req_bytes"], "`max_body` limits every request body"),
    retired(&["broker_max_resp_bytes"], "replies are passed on as they come, whatever their size"),
    retired(&["broker_ws_heartbeat_ms"], "it follows from `keepalive_timeout`"),
    retired(&["broker_ws_dead_after_ms"], "`keepalive_timeout` says when a peer is lost"),
    retired(&["broker_max_concurrency_per_client"], "MCP relays are not served"),
    retired(&["broker_call_timeout_ms"], "`first_byte_timeout` and `request_timeout` limit every request"),
    retired(&["broker_relay_token"], "`client_key` lets peers in"),
    retired(&["broker_accepted_clients"], "`client_key` lets peers in"),
    retired(&["ws_path"], "workers connect at `/api/workers/connect`"),
    retired(&["max_parallel_embeddings"], "embeddings go to one worker as they are"),
    retired(&["redis_addr"], "servers share no state"),
];
