//! A known secret is removed in any encoding, and so is anything that looks like one.

use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use proptest::prelude::*;

use super::*;

fn scrub(secrets: &[&str]) -> Scrub {
    Scrub::new(secrets.iter().map(|secret| SecretString::from(*secret)).collect())
}

#[test]
fn what_looks_like_a_secret() {
    let check = |text, expect| assert_eq!(scrub(&[]).all(text), expect);
    check("Authorization: Bearer abc.def\n", "Authorization: [removed] [removed]\n");
    check("sent bearer abc, twice", "sent bearer [removed], twice");
    check("# client_key: old-one # from May", "# client_key: [removed] # from May");
    check("{\"api_key\":\"a b\",\"x\":1}", "{\"api_key\":\"[removed]\",\"x\":1}");
    check("GET /x?key=abc&y=1 now", "GET /x?key=[removed] now");
    check("see llamapool://join?server=wss://h&key=k.", "see llamapool://[removed]");
    check("proxy http://me:pw@proxy:80/x and ws://h/", "proxy http://[removed]@proxy:80/x and ws://h/");
    check("3 keys, a token ring, and monkeys", "3 keys, a token ring, and monkeys");
    check("# old: sk-proj-Ab_12.cd-34, no more", "# old: [removed], no more");
    check("# mine is (hf_AbCdEfGhIj)", "# mine is ([removed])");
    check("# 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig'", "# '[removed]'");
    check(
        "the task-force's sk-learn model, disk-encryption",
        "the task-force's sk-learn model, disk-encryption",
    );
    check("nothing", "nothing");
}

#[test]
fn known_ones() {
    let scrub = scrub(&["sk-one", "sk-one-two", "abc", "p/q+r=s%t\"u\\v"]);
    let check = |text: &str, expect| assert_eq!(scrub.known(text), expect);
    check("sk-one-two, then sk-one", "[removed], then [removed]");
    check("abc and abcd and xabc", "[removed] and abcd and xabc");
    check("p%2fq%2Br%3ds%25t%22u%5Cv", "[removed]");
    check("p%252fq%252Br%253ds%2525t%2522u%255Cv", "[removed]");
    check("{\"k\":\"p\\/q+r=s%t\\\"u\\\\v\"}", "{\"k\":\"[removed]\"}");
    check("p\\u002fq+r=s%t\"u\\v", "[removed]");
}

/// Encodings of a secret by well-behaved programs.
fn spellings(secret: &str, before: &str, after: &str) -> Vec<String> {
    let whole = format!("{before}{secret}{after}");
    let percent: String = whole.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let some: String = whole
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("%{:02x}", u32::from(c)) })
        .collect();
    let unicode: String = whole.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    let hex: String = whole.bytes().map(|byte| format!("{byte:02X}")).collect();
    let json = serde_json::to_string(&whole).unwrap();
    vec![STANDARD.encode(&whole), URL_SAFE.encode(&whole), percent, some, unicode, hex, json, whole.clone()]
}

proptest! {
    #[test]
    fn no_spelling_of_a_secret_is_left(
        secret in "[!-+\\--~]{8,40}",
        before in "[ -~]{0,5}",
        after in "[ -~]{0,5}",
        around in "\\PC{0,8}",
    ) {
        let scrub = scrub(&[&secret]);
        for spelling in spellings(&secret, &before, &after) {
            let text = scrub.known(&format!("{around}{spelling}{around}"));
            prop_assert!(text.contains(REMOVED), "{} left in {}", spelling, text);
            prop_assert!(starts_anywhere(&text, &secret).is_none(), "{} in {}", secret, text);
            for encoding in encodings(&secret) {
                prop_assert!(!text.contains(&encoding), "{} in {}", encoding, text);
            }
        }
    }

    #[test]
    fn any_text_is_survived(text in "(key|token|bearer |://|@|[:='\"\\\\% ]|\\PC|\n){0,30}", secret in "\\PC{1,8}") {
        let once = scrub(&[&secret]).all(&text);
        prop_assert!(once.lines().count() <= text.lines().count());
    }
}

fn starts_anywhere(text: &str, secret: &str) -> Option<usize> {
    text.char_indices().find_map(|(at, _)| starts_with(&text[at..], secret))
}
