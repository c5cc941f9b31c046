//! A text message from a peer: whatever it says, it is understood or not, and what was understood can be said again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use llamapool_tunnel::control::{FromServer, FromWorker};

fuzz_target!(|text: &str| {
    if let Ok(message) = serde_json::from_str::<FromWorker>(text) {
        let again = serde_json::to_string(&message).expect("plain data");
        assert_eq!(serde_json::from_str::<FromWorker>(&again).expect("our own words"), message);
    }
    if let Ok(message) = serde_json::from_str::<FromServer>(text) {
        let again = serde_json::to_string(&message).expect("plain data");
        assert_eq!(serde_json::from_str::<FromServer>(&again).expect("our own words"), message);
    }
});
