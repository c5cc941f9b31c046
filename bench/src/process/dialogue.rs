//! A process that is spoken to in lines: a cue in, an answer out.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};

use super::Process;

/// Lines that may wait to be heard: our own parts say one or two in their life.
const LINES: usize = 16;

/// A process with its standard input and output in our hands; ends when dropped.
pub(crate) struct Dialogue {
    name: String,
    input: ChildStdin,
    lines: Receiver<String>,
    _process: Process,
}

impl Dialogue {
    pub(crate) fn spawn(name: &str, command: &mut Command) -> Result<Self> {
        let mut process = Process::spawn(name, command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        let input = process.child.stdin.take().expect("asked for above");
        let output = process.child.stdout.take().expect("asked for above");
        let (sender, lines) = sync_channel(LINES);
        // Ends with the process, which closes its output, or with us, who close the channel.
        thread::spawn(move || read(output, &sender));
        Ok(Self { name: name.to_owned(), input, lines, _process: process })
    }

    pub(crate) fn say(&mut self, line: &str) -> Result<()> {
        writeln!(self.input, "{line}").with_context(|| format!("speak to {}", self.name))
    }

    /// The next line, which must come within `limit`.
    pub(crate) fn hear(&self, limit: Duration) -> Result<String> {
        self.lines
            .recv_timeout(limit)
            .map_err(|error| anyhow!("{} said nothing within {limit:?} ({error})", self.name))
    }
}

fn read(output: ChildStdout, lines: &SyncSender<String>) {
    for line in BufReader::new(output).lines() {
        let Ok(line) = line else { return };
        if lines.send(line).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_and_hears() {
        let mut cat = Dialogue::spawn("cat", &mut Command::new("cat")).unwrap();
        cat.say("hello").unwrap();
        assert_eq!(cat.hear(Duration::from_secs(10)).unwrap(), "hello");
    }

    #[test]
    fn an_end_is_noticed_at_once() {
        let gone = Dialogue::spawn("true", &mut Command::new("true")).unwrap();
        assert!(gone.hear(Duration::from_secs(10)).is_err());
    }
}
