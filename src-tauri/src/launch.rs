//! What the app was started with, the first time and each time after that.

use std::path::PathBuf;

use crate::autostart;

/// What join links begin with.
const SCHEME: &str = "llamapool://";

/// What macOS adds when the app is started from the Finder.
const FINDER: &str = "-psn_";

/// A command line, understood.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Launch {
    /// Open no window: started by the system at login.
    pub hidden: bool,
    /// The worker's configuration file.
    pub config: Option<PathBuf>,
    /// A link that was opened. It may hold a key.
    pub link: Option<String>,
    /// End the app that runs.
    pub quit: bool,
}

/// What else a command line can be.
#[derive(Debug, PartialEq, Eq)]
pub enum Other {
    /// Print the version.
    Version,
    /// Print this help.
    Help(String),
    /// It makes no sense.
    Wrong(String),
}

const HELP: &str = "\
llamapool: the tray app that brings this machine into a pool

Usage: llamapool [OPTIONS] [LINK]

  LINK              A join link, llamapool://join?server=...&key=...
  --hidden          Open no window
  --config FILE     The worker's configuration file
  --quit            End the app that runs; its requests are finished first, for half a minute at most
  --version         Print the version
  --help            Print this
";

impl Launch {
    /// Reads a command line without the program's name.
    pub fn read(args: impl IntoIterator<Item = String>) -> Result<Self, Other> {
        let (mut launch, mut args) = (Self::default(), args.into_iter());
        while let Some(arg) = args.next() {
            match arg.as_str() {
                autostart::HIDDEN => launch.hidden = true,
                "--quit" => launch.quit = true,
                "--version" | "-V" => return Err(Other::Version),
                "--help" | "-h" => return Err(Other::Help(HELP.to_owned())),
                "--config" => {
                    let file = args.next().filter(|file| !file.is_empty());
                    launch.config =
                        Some(file.ok_or_else(|| Other::Wrong("--config wants a file".to_owned()))?.into());
                }
                _ if arg.starts_with("--config=") => launch.config = Some(arg["--config=".len()..].into()),
                _ if is_link(&arg) => launch.link = Some(arg),
                _ if arg.starts_with(FINDER) => {}
                // Not repeated: it may be a link with a key in it that was not written well.
                _ => {
                    return Err(Other::Wrong(
                        "an argument that is neither an option nor a join link".to_owned(),
                    ));
                }
            }
        }
        Ok(launch)
    }
}

/// Whether this is one of our links. Whether it is a good one is seen later.
pub fn is_link(text: &str) -> bool {
    text.get(..SCHEME.len()).is_some_and(|start| start.eq_ignore_ascii_case(SCHEME))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Launch, Other> {
        Launch::read(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn command_lines() {
        let check = |line: &str, wanted: Launch| assert_eq!(read(line), Ok(wanted), "{line}");
        check("", Launch::default());
        check("--hidden", Launch { hidden: true, ..Launch::default() });
        check("--config a.yaml", Launch { config: Some("a.yaml".into()), ..Launch::default() });
        check(
            "--config=a.yaml --hidden",
            Launch { config: Some("a.yaml".into()), hidden: true, ..Launch::default() },
        );
        check("--quit", Launch { quit: true, ..Launch::default() });
        check(
            "llamapool://join?x=1",
            Launch { link: Some("llamapool://join?x=1".into()), ..Launch::default() },
        );
        check("LlamaPool://join", Launch { link: Some("LlamaPool://join".into()), ..Launch::default() });
        check("-psn_0_12345", Launch::default());
    }

    #[test]
    fn others() {
        assert_eq!(read("--version"), Err(Other::Version));
        assert!(matches!(read("--help"), Err(Other::Help(help)) if help.contains("--hidden")));
        for wrong in ["--config", "--hiden", "http://pool", "llamapool:/join?key=hush", "é"] {
            let Err(Other::Wrong(why)) = read(wrong) else { panic!("{wrong} was taken") };
            assert!(!why.contains("hush"));
        }
    }
}
