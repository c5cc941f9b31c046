//! Values as YAML text.

use serde_saphyr::granit_parser::ScalarStyle;

use crate::yaml::Plain;

/// A value after its colon: a space and the value, or the lines below. `margin` is the indentation of the key.
pub(super) fn behind_key(value: &Plain, style: ScalarStyle, margin: &str, line_end: &str) -> String {
    let is_nested = |value: &Plain| !matches!(value, Plain::Scalar(_) | Plain::Other);
    let lines = match value {
        Plain::Mapping(entries) if !entries.is_empty() => entry_lines(entries, line_end),
        Plain::List(items) if items.iter().any(is_nested) => {
            items.iter().flat_map(|item| item_lines(item, line_end)).collect()
        }
        value => return format!(" {}", on_one_line(value, style)),
    };
    lines.iter().map(|line| format!("{line_end}{margin}  {line}")).collect()
}

/// The lines of a list item, the first with its dash.
pub(super) fn item_lines(item: &Plain, line_end: &str) -> Vec<String> {
    let lines = match item {
        Plain::Mapping(entries) if !entries.is_empty() => entry_lines(entries, line_end),
        item => vec![on_one_line(item, ScalarStyle::Plain)],
    };
    lines.iter().enumerate().map(|(n, line)| format!("{} {line}", if n == 0 { "-" } else { " " })).collect()
}

fn entry_lines(entries: &[(String, Plain)], line_end: &str) -> Vec<String> {
    let line = |(key, value): &(String, Plain)| {
        let text = format!("{key}:{}", behind_key(value, ScalarStyle::Plain, "", line_end));
        text.split(line_end).map(str::to_owned).collect::<Vec<_>>()
    };
    entries.iter().flat_map(line).collect()
}

/// A value on one line: `{a: b}` and `[c, d]`.
pub(super) fn on_one_line(value: &Plain, style: ScalarStyle) -> String {
    match value {
        Plain::Scalar(text) => scalar(text, style),
        Plain::List(items) => {
            let items: Vec<_> = items.iter().map(|item| on_one_line(item, ScalarStyle::Plain)).collect();
            format!("[{}]", items.join(", "))
        }
        Plain::Mapping(entries) => {
            let entry =
                |(key, value): &(String, Plain)| format!("{key}: {}", on_one_line(value, ScalarStyle::Plain));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        Plain::Other => String::new(),
    }
}

/// A text as a scalar on one line: in the same quotes as before if there were any, else unquoted if YAML allows it.
pub(super) fn scalar(text: &str, before: ScalarStyle) -> String {
    let fits_single = !text.chars().any(needs_escape);
    match before {
        ScalarStyle::DoubleQuoted => double(text),
        ScalarStyle::SingleQuoted if fits_single => single(text),
        _ if is_plain(text) => text.to_owned(),
        _ if fits_single => single(text),
        _ => double(text),
    }
}

/// Whether a text means itself without quotes, on any line and between brackets. Stricter than YAML: what people
/// would have to think about is quoted.
fn is_plain(text: &str) -> bool {
    let first = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '+');
    let inner = |c: char| first(c) || matches!(c, '-' | ':' | '@' | '=' | '~' | ' ' | '(' | ')' | ';' | '$');
    let is_word = matches!(text.to_ascii_lowercase().as_str(), "null" | "..." | "<<");
    text.starts_with(first)
        && text.chars().all(inner)
        && !text.contains(": ")
        && !text.ends_with([':', ' '])
        && !text.starts_with("...")
        && !is_word
}

fn single(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn double(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if needs_escape(c) => quoted.push_str(&format!("\\U{:08X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Control characters, line breaks, and what YAML does not count as printable.
fn needs_escape(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_where_they_are_needed() {
        let check = |text, expect| assert_eq!(scalar(text, ScalarStyle::Plain), expect);
        check("info", "info");
        check("wss://pool.example:8443/api/workers/connect", "wss://pool.example:8443/api/workers/connect");
        check("Mac Studio", "Mac Studio");
        check("[::1]:8080", "'[::1]:8080'");
        check("null", "'null'");
        check("~", "'~'");
        check("# no comment", "'# no comment'");
        check("a #b", "'a #b'");
        check("key: value", "'key: value'");
        check("it's", "'it''s'");
        check(r"C:\models", r"'C:\models'");
        check("tab\there", "\"tab\\U00000009here\"");
        check("-1s", "'-1s'");
        check("*", "'*'");
        check("", "''");
    }

    #[test]
    fn quotes_that_stood_there_stay() {
        assert_eq!(scalar("b", ScalarStyle::SingleQuoted), "'b'");
        assert_eq!(scalar("b\"", ScalarStyle::DoubleQuoted), "\"b\\\"\"");
        let list = Plain::texts(["a", "b, c", "*"]);
        assert_eq!(on_one_line(&list, ScalarStyle::Plain), "[a, 'b, c', '*']");
    }

    #[test]
    fn nested_values() {
        let scalar = |text: &str| Plain::Scalar(text.into());
        let item =
            |name: &str| Plain::Mapping(vec![("name".into(), scalar(name)), ("url".into(), scalar("u"))]);
        let value = Plain::List(vec![item("a"), item("b")]);
        let lines = behind_key(&value, ScalarStyle::Plain, "", "\n");
        assert_eq!(lines, "\n  - name: a\n    url: u\n  - name: b\n    url: u");
        assert_eq!(on_one_line(&value, ScalarStyle::Plain), "[{name: a, url: u}, {name: b, url: u}]");
        let section =
            Plain::Mapping(vec![("cache".into(), Plain::Mapping(vec![("size".into(), scalar("1"))]))]);
        assert_eq!(behind_key(&section, ScalarStyle::Plain, " ", "\n"), "\n   cache:\n     size: 1");
    }
}
