//! `docs/tunnel.md` says what the code does: its limits, frame types, codes and JSON are compared with the code here.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bytes::{Bytes, BytesMut};
use llamapool_tunnel::control::{self, FromServer, FromWorker};
use llamapool_tunnel::frame::{self, Code, Frame};
use llamapool_tunnel::head;

/// Files all of whose limits the page has to name.
const PROTOCOL: [&str; 7] = [
    "crates/tunnel/src/frame.rs",
    "crates/tunnel/src/control.rs",
    "crates/tunnel/src/mux.rs",
    "crates/tunnel/src/mux/out.rs",
    "crates/tunnel/src/mux/stream.rs",
    "crates/tunnel/src/driver.rs",
    "crates/tunnel/src/link.rs",
];

/// Constants that are no limits: the numbers of frame types, and the END bit. They have a table of their own.
const TYPES: [&str; 7] = ["HEAD", "DATA", "RESET", "CREDIT", "PING", "PONG", "END"];

fn read(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn page() -> String {
    read("docs/tunnel.md")
}

/// The cells of every row of the tables under a heading.
fn rows(page: &str, heading: &str) -> Vec<Vec<String>> {
    let section = page.split(&format!("\n## {heading}\n")).nth(1).expect("the heading is there");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| "));
    rows.map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// What a constant or a cell is worth: a number (bytes, or milliseconds of a time), or a text.
#[derive(Debug, PartialEq, Eq)]
enum Worth {
    Number(u128),
    Time(u128),
    Text(String),
}

impl Worth {
    /// `64 KiB`, `10 s`, `4096`, `` `text` ``.
    fn of_cell(cell: &str) -> Self {
        if let Some(text) = cell.strip_prefix('`') {
            return Self::Text(text.trim_end_matches('`').to_owned());
        }
        let (number, unit) = cell.split_once(' ').unwrap_or((cell, ""));
        let number: u128 = number.parse().unwrap_or_else(|_| panic!("`{cell}` begins with a number"));
        match unit {
            "" | "bytes" => Self::Number(number),
            "KiB" => Self::Number(number << 10),
            "MiB" => Self::Number(number << 20),
            "GiB" => Self::Number(number << 30),
            "ms" => Self::Time(number),
            "s" => Self::Time(number * 1000),
            other => panic!("`{other}` is no unit"),
        }
    }

    /// What stands behind the `=` of a constant; `None` for what is no plain value.
    fn of_code(code: &str) -> Option<Self> {
        if let Some(text) = code.strip_prefix('"') {
            return Some(Self::Text(text.strip_suffix('"')?.to_owned()));
        }
        let inner = |prefix| code.rsplit_once(prefix)?.1.strip_suffix(')');
        if let Some(seconds) = inner("Duration::from_secs(") {
            return Some(Self::Time(product(seconds)? * 1000));
        }
        if let Some(milliseconds) = inner("Duration::from_millis(") {
            return Some(Self::Time(product(milliseconds)?));
        }
        product(code).map(Self::Number)
    }
}

fn product(code: &str) -> Option<u128> {
    let number = |text: &str| text.trim().replace('_', "").parse::<u128>().ok();
    match code.split_once("<<") {
        Some((number_, by)) => Some(number(number_)? << number(by)?),
        None => code.split('*').try_fold(1, |product, factor| Some(product * number(factor)?)),
    }
}

/// The constants of a file.
fn constants(path: &str) -> BTreeMap<String, Worth> {
    let text = read(path);
    let lines = text.split("#[cfg(test)]").next().unwrap_or_default().lines().map(str::trim);
    let constant = |line: &str| {
        let visibility = ["pub(crate) ", "pub(super) ", "pub "];
        let line = visibility.iter().find_map(|word| line.strip_prefix(word)).unwrap_or(line);
        let (name, rest) = line.strip_prefix("const ")?.split_once(':')?;
        let value = rest.split_once(" = ")?.1.strip_suffix(';')?;
        Some((name.to_owned(), Worth::of_code(value)?))
    };
    lines.filter_map(constant).collect()
}

#[test]
fn every_limit_of_the_table_has_the_value_it_says() {
    let rows = rows(&page(), "Limits");
    assert!(rows.len() > 20, "the table was found");
    for row in rows.iter().skip(1) {
        let [name, value, file, _reason] = &row[..] else { panic!("{row:?} has four cells") };
        let (name, file) = (name.trim_matches('`'), file.trim_matches('`'));
        let constants = constants(file);
        let found = constants.get(name).unwrap_or_else(|| panic!("{file} has no constant {name}"));
        assert_eq!(found, &Worth::of_cell(value), "{name} in {file}");
    }
}

#[test]
fn every_limit_of_the_protocol_is_in_the_table() {
    let rows = rows(&page(), "Limits");
    for file in PROTOCOL {
        for name in constants(file).keys().filter(|name| !TYPES.contains(&name.as_str())) {
            let named = |row: &Vec<String>| row[0] == format!("`{name}`") && row[2] == format!("`{file}`");
            assert!(rows.iter().any(named), "{name} in {file} is not in the table");
        }
    }
}

/// What is read from the text of a file is what the compiler makes of it.
#[test]
fn public_limits_are_read_as_the_compiler_reads_them() {
    let check = |file, name: &str, value: u128| {
        assert_eq!(constants(file).get(name), Some(&Worth::Number(value)), "{name}");
    };
    let frames = PROTOCOL[0];
    check(frames, "FRAME_HEADER", frame::FRAME_HEADER as u128);
    check(frames, "MAX_DATA", frame::MAX_DATA as u128);
    check(frames, "MAX_FIRST_DATA", frame::MAX_FIRST_DATA as u128);
    check(frames, "MAX_HEAD", frame::MAX_HEAD as u128);
    check(frames, "MAX_RESET_TEXT", frame::MAX_RESET_TEXT as u128);
    let controls = PROTOCOL[1];
    check(controls, "REQUEST_WINDOW", control::REQUEST_WINDOW.into());
    check(controls, "RESPONSE_WINDOW", control::RESPONSE_WINDOW.into());
    check(controls, "MAX_STREAMS", control::MAX_STREAMS as u128);
    let times = constants(controls);
    assert_eq!(times["HELLO_TIMEOUT"], Worth::Time(control::HELLO_TIMEOUT.as_millis()));
    assert_eq!(times["REPORT_INTERVAL"], Worth::Time(control::REPORT_INTERVAL.as_millis()));
    assert_eq!(times["SUBPROTOCOL"], Worth::Text(control::SUBPROTOCOL.to_owned()));
    assert_eq!(times["CONNECT_PATH"], Worth::Text(control::CONNECT_PATH.to_owned()));
}

#[test]
fn the_windows_are_those_of_the_table_of_limits() {
    let page = page();
    let limits = rows(&page, "Limits");
    let limit = |name: &str, file: &str| {
        let row = limits.iter().find(|row| row[0] == format!("`{name}`") && row[2] == format!("`{file}`"));
        row.map(|row| row[1].clone()).expect("the limit is in the table")
    };
    let (control, session, hub) =
        ("crates/tunnel/src/control.rs", "worker-core/src/worker/session.rs", "server/src/workers.rs");
    let windows: Vec<Vec<String>> = rows(&page, "Flow control").into_iter().skip(1).collect();
    let expect = |first: &str, growing: &str, file| [limit(first, control), limit(growing, file)];
    assert_eq!(windows[0][1..], expect("RESPONSE_WINDOW", "MAX_WINDOW", hub));
    assert_eq!(windows[1][1..], expect("REQUEST_WINDOW", "MAX_WINDOW", session));
}

#[test]
fn frames_have_the_types_of_the_table() {
    let table = rows(&page(), "Frames");
    let check = |frame: Frame, name: &str| {
        let mut wire = BytesMut::new();
        frame.encode(&mut wire);
        let row = table.iter().find(|row| row[1] == name).unwrap_or_else(|| panic!("{name} is in the table"));
        assert_eq!((wire[0] & 0x7f).to_string(), row[0], "{name}");
        assert_eq!(wire[0] & 0x80 != 0, matches!(name, "HEAD" | "DATA"), "END of {name}");
        assert_eq!(wire[1..4], [wire.len() as u8 - frame::FRAME_HEADER as u8, 0, 0], "length of {name}");
        assert_eq!(wire[4..8], if matches!(name, "PING" | "PONG") { [0; 4] } else { [7, 0, 0, 0] });
    };
    let bytes = || Bytes::from_static(b"abc");
    check(Frame::Head { id: 7, end: true, block: bytes() }, "HEAD");
    check(Frame::Data { id: 7, end: true, body: bytes() }, "DATA");
    check(Frame::Reset { id: 7, code: Code::Cancel, text: "why".into() }, "RESET");
    check(Frame::Credit { id: 7, bytes: 1 }, "CREDIT");
    check(Frame::Ping, "PING");
    check(Frame::Pong, "PONG");
    // Every type there is: the rows of frames, the heading, and the rows of codes.
    let types = table.iter().filter(|row| row[0].parse::<u8>().is_ok() && row.len() == 5);
    let codes = ["STOP", "CANCEL", "BACKEND", "PROTOCOL", "REFUSED", "TIMEOUT", "UNREACHABLE"];
    assert_eq!(types.filter(|row| !codes.contains(&row[1].as_str())).count(), 6);
}

#[test]
fn resets_have_the_codes_of_the_table() {
    let table = rows(&page(), "Frames");
    let check = |code: Code, name: &str| {
        let row = table.iter().find(|row| row[1] == name).unwrap_or_else(|| panic!("{name} is in the table"));
        assert_eq!((code as u32).to_string(), row[0], "{name}");
    };
    check(Code::Stop, "STOP");
    check(Code::Cancel, "CANCEL");
    check(Code::Backend, "BACKEND");
    check(Code::Protocol, "PROTOCOL");
    check(Code::Refused, "REFUSED");
    check(Code::Timeout, "TIMEOUT");
    check(Code::Unreachable, "UNREACHABLE");
}

#[test]
fn the_messages_shown_are_understood_whole() {
    let page = page();
    let (worker, server) = page.split_once("\nFrom the server:\n").expect("the sections are there");
    assert!(json(worker).count() >= 3 && json(server).count() >= 3);
    for shown in json(worker) {
        let message: FromWorker = serde_json::from_value(shown.clone()).expect("a worker's message");
        assert_eq!(serde_json::to_value(message).unwrap(), shown, "nothing of it is unknown");
    }
    for shown in json(server) {
        let message: FromServer = serde_json::from_value(shown.clone()).expect("a server's message");
        assert_eq!(serde_json::to_value(message).unwrap(), shown, "nothing of it is unknown");
    }
}

#[test]
fn the_header_that_names_the_model_is_the_one_of_the_page() {
    let heads = page();
    let heads = heads.split("\n### Heads\n").nth(1).and_then(|rest| rest.split("\n### ").next());
    assert!(heads.is_some_and(|heads| heads.contains(&format!("`{}`", head::MODEL))), "{heads:?}");
}

fn json(text: &str) -> impl Iterator<Item = serde_json::Value> {
    let blocks = text.split("\n```json\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    blocks.map(|block| serde_json::from_str(block).expect("JSON"))
}
