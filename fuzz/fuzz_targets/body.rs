//! The body of a client's request: the model is found or the request refused, and giving the model another name changes nothing else.
//!
//! The first line of the input is the content type.

#![no_main]

use libfuzzer_sys::fuzz_target;
use llamapool_server::flow::fuzzing::Found;

const OTHER: &str = "another/model:7b-q4";

fuzz_target!(|input: &[u8]| {
    let Some(line) = input.iter().position(|byte| *byte == b'\n') else { return };
    let (content_type, body) = (&input[..line], &input[line + 1..]);
    let Some(found) = Found::find(content_type, body) else { return };
    assert_eq!(found.body_for(found.model()), body, "nothing changes");
    let renamed = found.body_for(OTHER);
    let again = Found::find(content_type, &renamed).expect("another name is as good");
    assert_eq!(again.model(), OTHER);
    let restored = again.body_for(found.model());
    assert_eq!(Found::find(content_type, &restored).expect("as before").model(), found.model());
});
