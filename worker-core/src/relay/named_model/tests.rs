use http::HeaderValue;
use proptest::prelude::*;

use super::*;
use crate::runtime::{HiddenModels, Kind, Model, NamePattern, mark};

/// `open` is offered, `secret` is not.
fn offered() -> Offered {
    let hidden = HiddenModels::new(vec![NamePattern::read("secret").unwrap()]);
    let mut models =
        ["open", "secret"].map(|name| Model { name: name.to_owned(), ..Model::default() }).to_vec();
    mark(&mut models, &hidden, false);
    Offered::new(Kind::OpenAi, hidden, false, &models)
}

fn scan(target: &str, content_type: Option<&str>, pieces: &[&[u8]]) -> Result<(), Refusal> {
    let mut headers = HeaderMap::new();
    headers.extend(content_type.map(|value| (CONTENT_TYPE, HeaderValue::from_str(value).unwrap())));
    let mut scanner = Scanner::new(target, &headers, offered())?;
    pieces.iter().try_for_each(|piece| scanner.pass(piece))
}

fn json(body: &str) -> Result<(), Refusal> {
    scan("/v1/chat/completions", Some("application/json"), &[body.as_bytes()])
}

/// Bodies that both ends of the tunnel parse in different ways: the server as a whole, the worker as they pass. The server's tests use this table
/// too.
#[derive(serde::Deserialize)]
struct Case {
    content_type: Option<String>,
    body: String,
    /// The model that each end reads; `None` if it refuses the body.
    server: Option<String>,
    worker: Option<String>,
}

#[test]
fn both_ends_read_the_same_model_or_one_of_them_refuses_the_body() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("cases.json")).unwrap();
    for Case { content_type, body, server, worker } in cases {
        let read = match scan("/v1/x", content_type.as_deref(), &[body.as_bytes()]) {
            Ok(()) => Some("open".to_owned()),
            Err(Refusal::NotOffered(name)) => Some(name),
            Err(_) => None,
        };
        assert_eq!(read, worker, "{content_type:?} {body}");
        assert!(server.is_none() || worker.is_none() || server == worker, "{content_type:?} {body}");
    }
}

fn hidden() -> Result<(), Refusal> {
    Err(Refusal::NotOffered("secret".to_owned()))
}

fn is_ambiguous(result: &Result<(), Refusal>) -> bool {
    matches!(result, Err(Refusal::Ambiguous(_)))
}

#[test]
fn a_model_is_found_wherever_it_stands_in_an_object() {
    for body in [
        r#"{"model":"open"}"#,
        r#" { "messages" : [ {"model":"secret", "x":"]}\"" } ], "n":-1.5e+3, "t":true , "model" : "open" } "#,
        "\u{feff}{\"model\":\"open\"}\r\n",
        r#"{"model":"op\u0065n","metadata":{"model":"secret"}}"#,
        r#"{"a\"model":"secret","m\u006fdel":"open","x":NaN}"#,
    ] {
        assert_eq!(json(body), Ok(()), "{body}");
    }
    for body in [
        r#"{"model":"secret"}"#,
        r#"{"x":[[{}],"}"],"model":"s\u0065cret"}"#,
        r#"{"MODEL":"secret"}"#,
        r#"{"mod\u0065l":"secret"}"#,
    ] {
        assert_eq!(json(body), hidden(), "{body}");
    }
}

#[test]
fn a_body_that_can_be_read_in_two_ways_is_refused() {
    for body in [
        r#"{"model":"open","model":"open"}"#,
        r#"{"model":"open","Model":"open"}"#,
        r#"{"model":"open","mod\u0065l":"open"}"#,
        r#"{}"#,
        r#"{"x":1}"#,
        r#"{"model":null}"#,
        r#"{"model":["open"]}"#,
        r#"{"model":"open"}{"model":"open"}"#,
        r#"{"model":"open"} x"#,
        r#"[{"model":"open"}]"#,
        r#"{"model":"open",/* */"x":1}"#,
        "{\u{0}",
        "model=open",
    ] {
        let scanned = json(body);
        assert!(is_ambiguous(&scanned), "{body}: {scanned:?}");
    }
    let utf16: Vec<u8> = r#"{"model":"secret"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(is_ambiguous(&scan("/v1/x", None, &[&utf16])));
    for content_type in
        ["application/x-www-form-urlencoded", "multipart/mixed; boundary=x", "multipart/form-data"]
    {
        assert!(
            is_ambiguous(&scan("/v1/x", Some(content_type), &[br#"{"model":"open"}"#])),
            "{content_type}"
        );
    }
    for query in ["model=open", "a=1&Model=open", "m%6fdel=x"] {
        assert!(is_ambiguous(&scan(&format!("/v1/x?{query}"), None, &[br#"{"model":"open"}"#])), "{query}");
    }
    assert_eq!(scan("/v1/x?stream=model", None, &[br#"{"model":"open"}"#]), Ok(()));
}

/// A form of these fields: head lines and value.
fn form(fields: &[(&str, &str)]) -> String {
    let fields = fields.iter().map(|(head, value)| format!("--b0\r\n{head}\r\n\r\n{value}\r\n"));
    format!("{}--b0--\r\n", fields.collect::<String>())
}

const FILE: (&str, &str) = (
    "Content-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav",
    "RIFF\r\n--b \r\n\r\n--b\r\n",
);

fn scan_form(fields: &[(&str, &str)]) -> Result<(), Refusal> {
    scan("/v1/audio/transcriptions", Some("multipart/form-data; boundary=b0"), &[form(fields).as_bytes()])
}

#[test]
fn a_model_is_found_in_a_form() {
    let named = |name: &'static str| ("Content-Disposition: form-data; name=\"model\"", name);
    assert_eq!(scan_form(&[FILE, named("open")]), Ok(()));
    assert_eq!(scan_form(&[named("open"), FILE]), Ok(()));
    assert_eq!(scan_form(&[named("secret"), FILE]), hidden());
    assert_eq!(scan_form(&[FILE, ("content-disposition:form-data;name=model", "secret")]), hidden());
    assert!(is_ambiguous(&scan_form(&[named("open"), named("open")])));
    assert!(is_ambiguous(&scan_form(&[FILE])));
    assert!(is_ambiguous(&scan_form(&[named("\u{0}".repeat(MAX_SPELLING + 100).leak())])));
}

#[test]
fn a_field_that_can_be_read_in_two_ways_is_refused() {
    for head in [
        "Content-Disposition: form-data; name=\"x\"; name=\"model\"",
        "Content-Disposition: form-data; name=\"x\"; name*=utf-8''model",
        "Content-Disposition: form-data; name=\"x\"\r\nContent-Disposition: form-data; name=\"model\"",
        "Content-Disposition: form-data;\r\n name=\"model\"",
        "Content-Disposition: form-data; filename=\"a\\\"; name=\"model\"",
        "Content-Disposition: form-data; filename=\"; name=model\"",
        "Content-Disposition: form-data; name=\"model\"; filename=\"a\"",
        "Content-Disposition: form-data; name=\"model\"\r\nContent-Transfer-Encoding: base64",
        "Content-Disposition : form-data; name=\"x\"",
        "Content-Disposition: form-data; name=\"x\"\nContent-Disposition: form-data; name=\"model\"",
        "Content-Type: text/plain",
    ] {
        let scanned =
            scan_form(&[("Content-Disposition: form-data; name=\"model\"", "open"), (head, "secret")]);
        assert!(is_ambiguous(&scanned), "{head}: {scanned:?}");
    }
    let content_type = Some("multipart/form-data; boundary=b0");
    for body in ["x\r\n--b0\r\n", "--b0\nxx", "--b0 \r\n", "--b0--\r\nx"] {
        assert!(is_ambiguous(&scan("/v1/x", content_type, &[body.as_bytes()])), "{body:?}");
    }
    for boundary in
        ["boundary=a; boundary=b", "boundary*=a", "boundary=\"a\\\"b\"", "boundary=", "boundary=\"a b\""]
    {
        let content_type = format!("multipart/form-data; {boundary}");
        assert!(is_ambiguous(&scan("/v1/x", Some(&content_type), &[])), "{boundary}");
    }
}

proptest! {
    /// However a body is split, the result is the same.
    #[test]
    fn cuts_make_no_difference(
        is_form in any::<bool>(), name in "(open|secret|\"|x{1,9})", twice in any::<bool>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let named = ("Content-Disposition: form-data; name=\"model\"", name.as_str());
        let quoted = serde_json::to_string(&name).unwrap();
        let (content_type, body) = if is_form {
            (Some("multipart/form-data; boundary=b0"), if twice { form(&[named, FILE, named]) } else { form(&[FILE, named]) })
        } else if twice {
            (None, format!(r#"{{"model":{quoted},"x":[1,"a\\"],"model":"open"}}"#))
        } else {
            (None, format!("\u{feff}{{\"x\":{{\"y\\\"\":[\"]\"]}},\"model\" : {quoted}}}\n"))
        };
        let whole = scan("/v1/x", content_type, &[body.as_bytes()]);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
        cuts.extend([0, body.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &body.as_bytes()[cut[0]..cut[1]]).collect();
        prop_assert_eq!(scan("/v1/x", content_type, &pieces), whole);
    }

    #[test]
    fn rubbish_never_panics(pieces in prop::collection::vec("(--b0|\r\n|name=|model|[{}\":,\\\\a]|\\PC){0,20}", 0..6)) {
        let pieces: Vec<&[u8]> = pieces.iter().map(|piece| piece.as_bytes()).collect();
        let _ = scan("/v1/x", None, &pieces);
        let _ = scan("/v1/x", Some("multipart/form-data; boundary=b0"), &pieces);
    }
}
