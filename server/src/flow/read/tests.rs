use proptest::prelude::*;

use super::*;

const FORM: &str = "--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a \\\"b.wav\"\r\nContent-Type: audio/wav\r\n\r\n\
     RIFF\r\n--xy not a boundary\r\n--xyz\r\ncontent-disposition: form-data; name=model\r\n\r\nwhisper-1\r\n--xyz--\r\n";

struct Found {
    body: Bytes,
    model: Model,
    stream: bool,
}

impl Found {
    fn body_for(&self, model: &str) -> Bytes {
        self.model.rewritten_in(&self.body, model)
    }
}

fn find(content_type: &str, body: &[u8]) -> Result<Found, ApiError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
    let body = Bytes::copy_from_slice(body);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let Peek { model, stream } = runtime.block_on(peek(&headers, body.clone()))?;
    Ok(Found { body, model, stream })
}

#[test]
fn the_model_is_found_and_rewritten_in_place() {
    let check = |content_type: &str, body: &str, model: &str, rewritten: &str| {
        let found = find(content_type, body.as_bytes()).unwrap();
        assert_eq!(found.model.name, model);
        assert_eq!(found.body_for(model), body, "nothing changes");
        assert_eq!(found.body_for("new"), rewritten);
    };
    let json = "application/json";
    check(json, r#"{"model":"old"}"#, "old", r#"{"model":"new"}"#);
    check(
        json,
        " {\n\"messages\": [{\"model\": \"not me\"}], \"model\" : \"o\\u006cd\" , \"x\":1.0}",
        "old",
        " {\n\"messages\": [{\"model\": \"not me\"}], \"model\" : \"new\" , \"x\":1.0}",
    );
    check("text/plain", r#"{"stream":true,"model":"old"}"#, "old", r#"{"stream":true,"model":"new"}"#);
    let form = "multipart/form-data; boundary=xyz";
    check(form, FORM, "whisper-1", &FORM.replace("whisper-1", "new"));
    for name in [r#"name="file\""#, r#"name="\"; x="#, r#"name="a\"b\""#] {
        let odd = FORM.replace("name=\"file\"", name);
        check(form, &odd, "whisper-1", &odd.replace("whisper-1", "new"));
    }
    check(
        "Multipart/Form-Data; charset=utf-8; boundary=\"xyz\"",
        FORM,
        "whisper-1",
        &FORM.replace("whisper-1", "new"),
    );
}

/// The same table has the worker's results for these bodies; its tests use it too.
#[derive(serde::Deserialize)]
struct Case {
    content_type: Option<String>,
    body: String,
    /// The model, or `None` if the body is refused.
    server: Option<String>,
}

#[test]
fn both_ends_of_the_tunnel_read_the_same_model() {
    let table = include_str!("../../../../worker-core/src/relay/named_model/cases.json");
    let cases: Vec<Case> = serde_json::from_str(table).unwrap();
    for Case { content_type, body, server } in cases {
        let found = find(content_type.as_deref().unwrap_or("application/json"), body.as_bytes());
        assert_eq!(found.ok().map(|found| found.model.name), server, "{content_type:?} {body}");
    }
}

#[test]
fn a_stream_is_recognised() {
    let check = |content_type: &str, body: &str, expect| {
        assert_eq!(find(content_type, body.as_bytes()).unwrap().stream, expect, "{body}");
    };
    check("application/json", r#"{"model":"m","stream":true}"#, true);
    check("application/json", r#"{"model":"m","stream":false}"#, false);
    check("application/json", r#"{"model":"m","stream":null}"#, false);
    check("application/json", r#"{"model":"m","stream":"true"}"#, true);
    check("application/json", r#"{"model":"m","stream":"False"}"#, false);
    check("application/json", r#"{"model":"m","stream":1}"#, true);
    check("application/json", r#"{"model":"m"}"#, false);
    let form = "multipart/form-data; boundary=xyz";
    check(form, FORM, false);
    check(
        form,
        &FORM.replace("name=\"file\"", "name=\"stream\"").replace("RIFF\r\n--xy not a boundary", "true"),
        true,
    );
}

#[test]
fn a_session_is_taken_from_its_header() {
    let check = |value: &str, expect: Option<&str>| {
        let headers = [(SESSION, HeaderValue::from_bytes(value.as_bytes()).unwrap())].into_iter().collect();
        assert_eq!(session(&headers).as_deref(), expect, "{value}");
    };
    check("chat-1", Some("chat-1"));
    check("", None);
    check("é", None);
    check(&"x".repeat(MAX_SESSION + 1), None);
    assert_eq!(session(&HeaderMap::new()), None);
}

#[test]
fn a_large_body_is_searched_as_well() {
    let body = format!(r#"{{"input":"{}","model":"m"}}"#, "x".repeat(INLINE_PEEK));
    assert_eq!(find("application/json", body.as_bytes()).unwrap().model.name, "m");
}

#[test]
fn what_names_no_model_is_refused_with_the_reason() {
    let check = |content_type: &str, body: &[u8], expect: &str| match find(content_type, body) {
        Ok(_) => panic!("{body:?} was taken"),
        Err(refusal) => {
            assert_eq!(refusal.status(), 400);
            assert!(refusal.to_string().contains(expect), "{refusal}");
        }
    };
    let json = "application/json";
    check(json, b"", "no body");
    check(json, b"{", "EOF");
    check(json, b"{\"model\":\"a\"} x", "trailing");
    check(json, b"[\"model\"]", "JSON object");
    check(json, b"\"model\"", "JSON object");
    check(json, b"{}", "must provide a `model`");
    check(json, b"{\"model\":null}", "must provide a `model`");
    check(json, b"{\"model\":7}", "must be a string");
    check(json, b"{\"model\":\"\"}", "must not be empty");
    check(json, b"{\"model\":\"a\",\"model\":\"b\"}", "duplicate");
    check(json, b"{\"model\":\"a\",\"mod\\u0065l\":\"b\"}", "duplicate");
    check(json, b"{\"model\":\"a\",\"Model\":\"b\"}", "another spelling of the key `model`");
    check(json, b"{\"MODEL\":\"b\"}", "another spelling of the key `model`");
    check(json, b"{\"model\":\"a\",\"stream\":true,\"stream\":false}", "duplicate");
    check(json, "{\"model\":\"a\",\"\u{17f}tream\":true}".as_bytes(), "another spelling of the key `stream`");
    check(json, b"{\"model\":\"a\",\"stream\":\"maybe\"}", "`stream`");
    check(json, b"{\"model\":\"\xff\"}", "UTF-8");
    check(json, format!("{{\"model\":\"{}\"}}", "x".repeat(600)).as_bytes(), "longer");
    check("multipart/form-data", FORM.as_bytes(), "boundary");
    let form = "multipart/form-data; boundary=xyz";
    check(form, b"--xyz\r\n", "complete");
    check(form, FORM.replace("name=model", "name=other").as_bytes(), "must provide a `model`");
    check(form, FORM.replace("name=\"file\"", "name=\"model\"").as_bytes(), "more than one");
    check(form, FORM.replace("--xyz--", "").as_bytes(), "complete");
    for ambiguous in [
        r#"form-data; name="x"; name="model""#,
        r#"form-data; name=x; flag; name=model"#,
        r#"form-data; name="x"; NAME=model"#,
        r#"form-data; name="x"; name*=utf-8''model"#,
        r#"form-data; name="x"; name*0=mo; name*1=del"#,
        "form-data; name=x\r\nContent-Disposition: form-data; name=model",
    ] {
        let body = FORM.replace("form-data; name=\"file\"; filename=\"a \\\"b.wav\"", ambiguous);
        assert_ne!(body, FORM);
        check(form, body.as_bytes(), "more than one name");
    }
    let two_streams = "--xyz\r\nContent-Disposition: form-data; name=stream\r\n\r\ntrue\r\n".repeat(2) + FORM;
    check(form, two_streams.as_bytes(), "more than one `stream`");
}

proptest! {
    #[test]
    fn rubbish_is_refused_without_a_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let body = Bytes::from(body);
        let _ = json::peek(&body);
        let _ = form::peek(&body, "b");
    }

    /// Pieces of a form in any order: never a panic, never a range outside the body.
    #[test]
    fn broken_forms_are_refused_without_a_panic(
        pieces in prop::collection::vec(
            prop::sample::select(vec!["--b", "\r\n", "--", "Content-Disposition: form-data; name=\"model\"", "x", "\"", ";"]),
            0..20,
        ),
    ) {
        let body = Bytes::from(pieces.concat());
        if let Ok(Peek { model, .. }) = form::peek(&body, "b") {
            prop_assert_eq!(model.name.as_bytes(), &body[model.at]);
        }
    }

    /// Any JSON object with a model: what the rewritten body says is the same but for the model.
    #[test]
    fn rewriting_changes_the_model_only(name in "\\PC{1,20}", other in "\\PC{1,20}", extra in "\\PC{0,20}") {
        let body = serde_json::json!({ "a": extra, "model": name, "z": [1, null] }).to_string();
        let found = find("application/json", body.as_bytes()).unwrap();
        let rewritten: serde_json::Value = serde_json::from_slice(&found.body_for(&other)).unwrap();
        prop_assert_eq!(rewritten, serde_json::json!({ "a": extra, "model": other, "z": [1, null] }));
    }
}
