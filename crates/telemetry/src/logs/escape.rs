//! Escapes control characters in log lines. Peers choose some of the text that is logged: with a line break in it they could forge a line, and with
//! other control characters change what a terminal shows.

use std::io::{self, Write};

/// Starts the formatter's colour codes. The formatter itself escapes this character in messages.
const ESCAPE: char = '\u{1b}';

/// Writes whole lines, with control characters escaped.
pub(super) struct Escaped<W> {
    writer: W,
    /// Whether the lines contain colour codes, which are kept.
    has_colours: bool,
}

impl<W> Escaped<W> {
    pub(super) fn new(writer: W, has_colours: bool) -> Self {
        Self { writer, has_colours }
    }

    fn is_kept(&self, character: char) -> bool {
        let breaks_lines = matches!(character, '\u{2028}' | '\u{2029}');
        !(character.is_control() || breaks_lines) || (self.has_colours && character == ESCAPE)
    }

    /// Whether there is nothing to escape because everything is printable ASCII. Nearly all lines are; without an early return, the loop checks many
    /// bytes at once.
    fn is_plain(&self, line: &[u8]) -> bool {
        let is_kept = |byte: u8| (b' '..=b'~').contains(&byte) || (self.has_colours && byte == ESCAPE as u8);
        line.iter().fold(true, |plain, byte| plain & is_kept(*byte))
    }

    /// The line with control characters escaped as in Rust's string literals, if it contains any.
    fn escape(&self, line: &str) -> Option<String> {
        if line.chars().all(|character| self.is_kept(character)) {
            return None;
        }
        let mut escaped = String::with_capacity(line.len() + 16);
        for character in line.chars() {
            match character {
                _ if self.is_kept(character) => escaped.push(character),
                _ => escaped.extend(character.escape_default()),
            }
        }
        Some(escaped)
    }
}

/// Called with whole lines.
impl<W: Write> Write for Escaped<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if line.strip_suffix(b"\n").is_some_and(|line| self.is_plain(line)) {
            self.writer.write_all(line)?;
            return Ok(line.len());
        }
        let text = String::from_utf8_lossy(line);
        let escaped = text.strip_suffix('\n').and_then(|text| self.escape(text));
        match escaped {
            None => self.writer.write_all(line)?,
            Some(escaped) => self.writer.write_all(format!("{escaped}\n").as_bytes())?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(line: &str, has_colours: bool) -> String {
        let mut escaped = Escaped::new(Vec::new(), has_colours);
        escaped.write_all(line.as_bytes()).unwrap();
        String::from_utf8(escaped.writer).unwrap()
    }

    #[test]
    fn control_characters_are_escaped_and_the_end_of_the_line_is_not() {
        assert_eq!(written("left: a\n2026 ERROR forged\r\n", false), "left: a\\n2026 ERROR forged\\r\n");
        assert_eq!(
            written("\u{1b}[2Jgone \u{9b}31m\u{2028}\n", false),
            "\\u{1b}[2Jgone \\u{9b}31m\\u{2028}\n"
        );
        assert_eq!(written("küche 厨房\n", false), "küche 厨房\n");
    }

    #[test]
    fn colours_of_the_formatter_are_kept() {
        assert_eq!(written("\u{1b}[32m INFO\u{1b}[0m a\nb\n", true), "\u{1b}[32m INFO\u{1b}[0m a\\nb\n");
    }
}
