//! Values as YAML writes them.

use serde_saphyr::granit_parser::ScalarStyle;

/// A text as a scalar on one line: in the quotes that stood there if any did, else as it is, where YAML lets it.
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

/// Several texts on one line.
pub(super) fn list<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    let items: Vec<_> = items.into_iter().map(|item| scalar(item, ScalarStyle::Plain)).collect();
    format!("[{}]", items.join(", "))
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

/// Control characters, all that ends a line, and what YAML does not count as printable.
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
        assert_eq!(list(["a", "b, c", "*"]), "[a, 'b, c', '*']");
    }
}
