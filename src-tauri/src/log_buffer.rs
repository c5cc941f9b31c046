//! The most recent log lines, for the Logs window and for reports of a failed worker.
//!
//! Records arrive as JSON lines through the same bounded queue as those for files (`worker_core::logs`), so logging never blocks on it.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};
use tokio::sync::watch;

use crate::ipc::{LogBatch, LogLevel, LogLine};

/// The number of lines kept. At a few hundred bytes each, a full buffer takes about a megabyte.
const CAPACITY: usize = 5_000;

/// Longer messages are truncated. Bytes.
const MAX_MESSAGE_LEN: usize = 4_096;

/// The most recent lines. Clones share the buffer.
#[derive(Clone, Default)]
pub struct LogBuffer {
    lines: Arc<Mutex<Lines>>,
    /// The number of the next line.
    next_seq: Arc<watch::Sender<u64>>,
}

#[derive(Default)]
struct Lines {
    next: u64,
    kept: VecDeque<LogLine>,
}

impl LogBuffer {
    /// The lines from number `after` on, or all.
    pub fn after(&self, after: Option<u64>) -> LogBatch {
        let buffer = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let first = buffer.kept.front().map_or(buffer.next, |line| line.seq);
        let skip = after.map_or(0, |after| after.saturating_sub(first)) as usize;
        LogBatch { lines: buffer.kept.iter().skip(skip).cloned().collect(), next: buffer.next }
    }

    /// The last `n` lines as text.
    pub fn tail(&self, n: usize) -> Vec<String> {
        let buffer = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let skip = buffer.kept.len().saturating_sub(n);
        buffer.kept.iter().skip(skip).map(text).collect()
    }

    /// The number of the next line, now and after each change.
    pub fn next_seq(&self) -> watch::Receiver<u64> {
        self.next_seq.subscribe()
    }

    /// A writer that adds lines.
    pub fn writer(&self) -> Writer {
        Writer(self.clone())
    }

    fn add(&self, line: LogLine) {
        let mut buffer = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let seq = buffer.next;
        buffer.next += 1;
        if buffer.kept.len() == CAPACITY {
            buffer.kept.pop_front();
        }
        buffer.kept.push_back(LogLine { seq, ..line });
        drop(buffer);
        self.next_seq.send_replace(seq + 1);
    }
}

/// Accepts JSON lines, each in one piece.
pub struct Writer(LogBuffer);

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

/// Parses a line of JSON as `tracing-subscriber` writes it. Anything else becomes a message.
fn parse(line: &[u8]) -> LogLine {
    let Ok(Value::Object(mut record)) = serde_json::from_slice(line) else {
        let message = truncated(String::from_utf8_lossy(line).into_owned());
        return LogLine {
            seq: 0,
            at: String::new(),
            level: LogLevel::Info,
            target: String::new(),
            message,
            fields: String::new(),
        };
    };
    let mut take = |name: &str| match record.remove(name) {
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
        message: truncated(message),
        fields: truncated(fields(&record)),
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

fn fields(record: &Map<String, Value>) -> String {
    let field = |(name, value): (&String, &Value)| match value {
        Value::String(text) => format!("{name}={text}"),
        other => format!("{name}={other}"),
    };
    record.iter().map(field).collect::<Vec<_>>().join(" ")
}

fn truncated(mut text: String) -> String {
    if text.len() > MAX_MESSAGE_LEN {
        let end = (0..=MAX_MESSAGE_LEN).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
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

    fn write(buffer: &LogBuffer, line: &str) {
        buffer.writer().write_all(line.as_bytes()).unwrap();
    }

    #[test]
    fn a_line_is_parsed() {
        let buffer = LogBuffer::default();
        write(
            &buffer,
            "{\"timestamp\":\"2026-11-21T08:00:00Z\",\"level\":\"WARN\",\"message\":\"No way\",\"worker.id\":\"w\",\"n\":3,\"target\":\"core\"}\n",
        );
        let batch = buffer.after(None);
        let line = &batch.lines[0];
        assert_eq!((line.seq, line.level, line.target.as_str()), (0, LogLevel::Warn, "core"));
        assert_eq!((line.message.as_str(), line.fields.as_str()), ("No way", "n=3 worker.id=w"));
        assert_eq!(buffer.tail(5), ["2026-11-21T08:00:00Z WARN No way"]);
    }

    #[test]
    fn other_text_is_a_message() {
        let buffer = LogBuffer::default();
        write(&buffer, "plain words\n{\"level\":7}\n[1]\n");
        let messages: Vec<_> = buffer.after(None).lines.into_iter().map(|line| line.message).collect();
        assert_eq!(messages, ["plain words", "", "[1]"]);
    }

    #[test]
    fn later_batches_continue_where_the_last_ended() {
        let buffer = LogBuffer::default();
        write(&buffer, "a\nb\n");
        let first = buffer.after(None);
        assert_eq!((first.lines.len(), first.next), (2, 2));
        assert_eq!(buffer.after(Some(first.next)).lines, []);
        write(&buffer, "c\n");
        let more = buffer.after(Some(first.next));
        assert_eq!((more.lines[0].message.as_str(), more.lines.len(), more.next), ("c", 1, 3));
    }

    #[test]
    fn only_the_last_lines_are_kept() {
        let buffer = LogBuffer::default();
        (0..CAPACITY + 10).for_each(|n| write(&buffer, &format!("{n}\n")));
        let all = buffer.after(None);
        assert_eq!((all.lines.len(), all.lines[0].message.as_str()), (CAPACITY, "10"));
        assert_eq!(buffer.after(Some(3)).lines.len(), CAPACITY, "dropped lines are skipped");
        assert_eq!(buffer.after(Some(all.next - 1)).lines[0].message, (CAPACITY + 9).to_string());
        assert_eq!(*buffer.next_seq().borrow(), CAPACITY as u64 + 10);
    }

    #[test]
    fn long_messages_are_truncated_between_characters() {
        let buffer = LogBuffer::default();
        write(&buffer, &"ä".repeat(MAX_MESSAGE_LEN));
        let message = &buffer.after(None).lines[0].message;
        assert!(message.len() <= MAX_MESSAGE_LEN + '…'.len_utf8() && message.ends_with('…'));
    }
}
