//! The last lines of the log, for the Logs window and for telling why a worker failed.
//!
//! Logs come as JSON lines over the same short queue as those for files (`worker_core::logs`), so that nobody who logs ever waits for it.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};
use tokio::sync::watch;

use crate::ipc::{LogBatch, LogLevel, LogLine};

/// Lines that are kept. At some hundred bytes each they take about a megabyte when the book is full.
const LINES: usize = 5_000;

/// Longer messages are cut: a line is for reading.
const LONGEST: usize = 4_096;

/// The last lines. Clones are the same book.
#[derive(Clone, Default)]
pub struct Logbook {
    lines: Arc<Mutex<Lines>>,
    /// The number of the next line.
    news: Arc<watch::Sender<u64>>,
}

#[derive(Default)]
struct Lines {
    next: u64,
    kept: VecDeque<LogLine>,
}

impl Logbook {
    /// The lines after number `after`, or all that are kept.
    pub fn after(&self, after: Option<u64>) -> LogBatch {
        let book = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let first = book.kept.front().map_or(book.next, |line| line.seq);
        let skip = after.map_or(0, |after| after.saturating_sub(first)) as usize;
        LogBatch { lines: book.kept.iter().skip(skip).cloned().collect(), next: book.next }
    }

    /// The last `n` lines as text.
    pub fn tail(&self, n: usize) -> Vec<String> {
        let book = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let skip = book.kept.len().saturating_sub(n);
        book.kept.iter().skip(skip).map(text).collect()
    }

    /// The number of the next line, now and at every change.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// Where log lines go in.
    pub fn writer(&self) -> Writer {
        Writer(self.clone())
    }

    fn add(&self, line: LogLine) {
        let mut book = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let seq = book.next;
        book.next += 1;
        if book.kept.len() == LINES {
            book.kept.pop_front();
        }
        book.kept.push_back(LogLine { seq, ..line });
        drop(book);
        self.news.send_replace(seq + 1);
    }
}

/// Takes JSON lines, each in one piece.
pub struct Writer(Logbook);

impl Write for Writer {
    fn write(&mut self, written: &[u8]) -> io::Result<usize> {
        for line in written.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            self.0.add(parse(line));
        }
        Ok(written.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A line of JSON as `tracing-subscriber` writes it; anything else is a message.
fn parse(line: &[u8]) -> LogLine {
    let Ok(Value::Object(mut facts)) = serde_json::from_slice(line) else {
        let message = cut(String::from_utf8_lossy(line).into_owned());
        return LogLine {
            seq: 0,
            at: String::new(),
            level: LogLevel::Info,
            target: String::new(),
            message,
            fields: String::new(),
        };
    };
    let mut take = |name: &str| match facts.remove(name) {
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let (at, level, target, message) = (take("timestamp"), take("level"), take("target"), take("message"));
    LogLine {
        seq: 0,
        at,
        level: level_of(&level),
        target,
        message: cut(message),
        fields: cut(fields(&facts)),
    }
}

fn level_of(name: &str) -> LogLevel {
    match name {
        "ERROR" => LogLevel::Error,
        "WARN" => LogLevel::Warn,
        "DEBUG" => LogLevel::Debug,
        "TRACE" => LogLevel::Trace,
        _ => LogLevel::Info,
    }
}

fn fields(facts: &Map<String, Value>) -> String {
    let field = |(name, value): (&String, &Value)| match value {
        Value::String(text) => format!("{name}={text}"),
        other => format!("{name}={other}"),
    };
    facts.iter().map(field).collect::<Vec<_>>().join(" ")
}

fn cut(mut text: String) -> String {
    if text.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

fn text(line: &LogLine) -> String {
    let level = serde_json::to_value(line.level).ok().and_then(|level| level.as_str().map(str::to_owned));
    format!("{} {} {}", line.at, level.unwrap_or_default(), line.message).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(book: &Logbook, line: &str) {
        book.writer().write_all(line.as_bytes()).unwrap();
    }

    #[test]
    fn a_line_is_taken_apart() {
        let book = Logbook::default();
        write(
            &book,
            "{\"timestamp\":\"2026-11-21T08:00:00Z\",\"level\":\"WARN\",\"message\":\"No way\",\"worker.id\":\"w\",\"n\":3,\"target\":\"core\"}\n",
        );
        let batch = book.after(None);
        let line = &batch.lines[0];
        assert_eq!((line.seq, line.level, line.target.as_str()), (0, LogLevel::Warn, "core"));
        assert_eq!((line.message.as_str(), line.fields.as_str()), ("No way", "n=3 worker.id=w"));
        assert_eq!(book.tail(5), ["2026-11-21T08:00:00Z WARN No way"]);
    }

    #[test]
    fn what_is_not_json_is_a_message() {
        let book = Logbook::default();
        write(&book, "plain words\n{\"level\":7}\n[1]\n");
        let messages: Vec<_> = book.after(None).lines.into_iter().map(|line| line.message).collect();
        assert_eq!(messages, ["plain words", "", "[1]"]);
    }

    #[test]
    fn asked_again_it_goes_on_where_it_was() {
        let book = Logbook::default();
        write(&book, "a\nb\n");
        let first = book.after(None);
        assert_eq!((first.lines.len(), first.next), (2, 2));
        assert_eq!(book.after(Some(first.next)).lines, []);
        write(&book, "c\n");
        let more = book.after(Some(first.next));
        assert_eq!((more.lines[0].message.as_str(), more.lines.len(), more.next), ("c", 1, 3));
    }

    #[test]
    fn it_holds_the_last_lines_only() {
        let book = Logbook::default();
        (0..LINES + 10).for_each(|n| write(&book, &format!("{n}\n")));
        let all = book.after(None);
        assert_eq!((all.lines.len(), all.lines[0].message.as_str()), (LINES, "10"));
        assert_eq!(book.after(Some(3)).lines.len(), LINES, "what is gone is gone");
        assert_eq!(book.after(Some(all.next - 1)).lines[0].message, (LINES + 9).to_string());
        assert_eq!(*book.news().borrow(), LINES as u64 + 10);
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        let book = Logbook::default();
        write(&book, &"ä".repeat(LONGEST));
        let message = &book.after(None).lines[0].message;
        assert!(message.len() <= LONGEST + '…'.len_utf8() && message.ends_with('…'));
    }
}
