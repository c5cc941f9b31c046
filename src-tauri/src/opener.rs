//! Opens folders and pages with the programs that people use for them.

use std::ffi::OsStr;
use std::io;

/// Opens it.
///
/// # Errors
/// There is no program for it, or it says at once that it cannot.
#[cfg(not(target_os = "linux"))]
pub fn open(what: impl AsRef<OsStr>) -> io::Result<()> {
    open::that_detached(what)
}

/// Opens it.
///
/// # Errors
/// There is no program for it, or it says at once that it cannot.
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

    /// Who cannot open something says so within this time. Who can may take as long as it is open.
    const PATIENCE: Duration = Duration::from_millis(500);

    /// Tries these, one after the other. Unlike `open::that`, what is opened does not inherit how our own windows are drawn.
    pub(super) fn open(commands: Vec<Command>) -> io::Result<()> {
        let (tell, told) = sync_channel(1);
        // It waits for what it has started, and ends with it.
        thread::Builder::new().name("opener".to_owned()).spawn(move || {
            let _ = tell.send(first_that_can(commands));
        })?;
        match told.recv_timeout(PATIENCE) {
            Ok(opened) => opened,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Ok(()),
        }
    }

    fn first_that_can(commands: Vec<Command>) -> io::Result<()> {
        let mut failed = io::Error::new(io::ErrorKind::NotFound, "there is no program for it");
        for command in commands {
            match run(command) {
                Ok(()) => return Ok(()),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    fn run(mut command: Command) -> io::Result<()> {
        graphics::not_for(&mut command);
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
        fn the_next_one_is_tried_until_one_can() {
            assert!(open(vec![Command::new("no-such-opener"), shell("exit 3"), shell("exit 0")]).is_ok());
            let error = open(vec![shell("exit 3"), Command::new("no-such-opener")]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
            assert!(open(vec![shell("exit 3")]).unwrap_err().to_string().contains("sh: exit status: 3"));
            assert!(open(Vec::new()).is_err());
        }

        #[test]
        fn who_takes_its_time_has_opened_it() {
            let folder = tempfile::tempdir().unwrap();
            let fifo = folder.path().join("fifo");
            assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
            assert!(open(vec![shell(&format!("read -r _ < {}", fifo.display()))]).is_ok());
            std::fs::write(fifo, "you may go\n").unwrap();
        }
    }
}
