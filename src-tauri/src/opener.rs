//! Opens folders and pages with the user's default programs.

use std::ffi::OsStr;
use std::io;

/// Opens a folder or an address.
///
/// # Errors
/// There is no program for it, or the program fails immediately.
#[cfg(not(target_os = "linux"))]
pub fn open(what: impl AsRef<OsStr>) -> io::Result<()> {
    open::that_detached(what)
}

/// Opens a folder or an address.
///
/// # Errors
/// There is no program for it, or the program fails immediately.
#[cfg(target_os = "linux")]
pub fn open(what: impl AsRef<OsStr>) -> io::Result<()> {
    linux::open(open::commands(what))
}

#[cfg(target_os = "linux")]
mod linux {
    use std::process::{Command, Stdio};
    use std::sync::mpsc::{RecvTimeoutError, sync_channel};
    use std::time::Duration;
    use std::{io, thread};

    use crate::graphics;

    /// A program that fails does so within this time. One that succeeds may run for as long as the page is open.
    const FAILURE_TIMEOUT: Duration = Duration::from_millis(500);

    /// Tries the commands in order. Unlike with `open::that`, they do not inherit the graphics settings of our own windows.
    pub(super) fn open(commands: Vec<Command>) -> io::Result<()> {
        let (sender, result) = sync_channel(1);
        // The thread ends when the command does.
        thread::Builder::new().name("opener".to_owned()).spawn(move || {
            let _ = sender.send(first_success(commands));
        })?;
        match result.recv_timeout(FAILURE_TIMEOUT) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Ok(()),
        }
    }

    fn first_success(commands: Vec<Command>) -> io::Result<()> {
        let mut failed = io::Error::new(io::ErrorKind::NotFound, "no program can open it");
        for command in commands {
            match run(command) {
                Ok(()) => return Ok(()),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    fn run(mut command: Command) -> io::Result<()> {
        graphics::reset_for(&mut command);
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        if status.success() {
            Ok(())
        } else {
            Err(io::Error::other(format!("{}: {status}", command.get_program().display())))
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn shell(script: &str) -> Command {
            let mut shell = Command::new("sh");
            shell.args(["-c", script]);
            shell
        }

        #[test]
        fn commands_are_tried_in_order() {
            assert!(open(vec![Command::new("no-such-opener"), shell("exit 3"), shell("exit 0")]).is_ok());
            let error = open(vec![shell("exit 3"), Command::new("no-such-opener")]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
            assert!(open(vec![shell("exit 3")]).unwrap_err().to_string().contains("sh: exit status: 3"));
            assert!(open(Vec::new()).is_err());
        }

        #[test]
        fn a_command_that_keeps_running_has_succeeded() {
            let folder = tempfile::tempdir().unwrap();
            let fifo = folder.path().join("fifo");
            assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
            assert!(open(vec![shell(&format!("read -r _ < {}", fifo.display()))]).is_ok());
            std::fs::write(fifo, "you may go\n").unwrap();
        }
    }
}
