//! A binary message from a peer: whatever it holds, it is decoded or refused, and what was decoded survives another trip.

#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use llamapool_tunnel::frame::Frame;

fuzz_target!(|message: &[u8]| {
    let mut message = Bytes::copy_from_slice(message);
    while let Ok(Some(frame)) = Frame::decode(&mut message) {
        let mut wire = BytesMut::new();
        frame.encode(&mut wire);
        let mut wire = wire.freeze();
        let again = Frame::decode(&mut wire).expect("what we encode can be decoded").expect("a frame");
        assert!(wire.is_empty(), "one frame is one frame");
        match (&frame, &again) {
            // The text may grow when it is made UTF-8, and is cut then.
            (Frame::Reset { id, code, .. }, Frame::Reset { id: id_again, code: code_again, .. }) => {
                assert_eq!((id, code), (id_again, code_again));
            }
            _ => assert_eq!(frame, again),
        }
    }
});
