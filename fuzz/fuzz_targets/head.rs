//! The head of a request or response: whatever a peer sends, it is decoded or refused, and what was decoded survives another trip, but for
//! its hop-by-hop headers.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use llamapool_tunnel::head;

fuzz_target!(|block: &[u8]| {
    let block = Bytes::copy_from_slice(block);
    if let Ok(first) = head::decode_request(block.clone()) {
        let trip = |of: &head::RequestHead| {
            let block =
                head::encode_request(&of.method, &of.target, &of.headers).expect("it has been on a wire");
            head::decode_request(block).expect("what we encode can be decoded")
        };
        let second = trip(&first);
        assert_eq!((&first.method, &first.target), (&second.method, &second.target));
        assert!(!second.headers.keys().any(head::is_hop_by_hop));
        assert_eq!(trip(&second), second);
    }
    if let Ok(first) = head::decode_response(block) {
        let trip = |of: &head::ResponseHead| {
            let block = head::encode_response(of.status, &of.headers).expect("it has been on a wire");
            head::decode_response(block).expect("what we encode can be decoded")
        };
        let second = trip(&first);
        assert_eq!(first.status, second.status);
        assert!(!second.headers.keys().any(head::is_hop_by_hop));
        assert_eq!(trip(&second), second);
    }
});
