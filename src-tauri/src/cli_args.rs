//! Command-line arguments, of the first launch and of each later one.

use std::path::PathBuf;

use crate::autostart;

/// The scheme of join links.
const SCHEME: &str = "llamapool://";

/// The prefix of the argument that Finder adds on macOS.
const FINDER: &str = "-psn_";

/// Parsed arguments.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct CliArgs {
    /// Open no window: the system starts the app like this at login.
    pub hidden: bool,
    /// The worker's configuration file.
    pub config: Option<PathBuf>,
    /// A link that was opened. It may contain a key.
    pub link: Option<String>,
    /// Quit the running app.
    pub quit: bool,
}

/// Arguments with which the app does not start.
#[derive(Debug, PartialEq, Eq)]
pub enum EarlyExit {
    /// Print the version.
    Version,
    /// Print this help.
    Help(String),
    /// Invalid arguments, with the error message.
    Invalid(String),
}

const HELP: &str = "\
llamapool: share this computer's LLM models with your pool

Usage: llamapool [OPTIONS] [LINK]

  LINK              Join link, llamapool://join?server=...&key=...
  --hidden          Start without opening a window
  --config FILE     Worker configuration file
  --quit            Quit the running app; current requests get up to 30 seconds to finish
  --version         Print the version
  --help            Print this help
";

impl CliArgs {
    /// Parses arguments, without the program's name.
    ///
    /// # Errors
    /// The app is not to start with these arguments.
    pub fn parse(args: impl IntoIterator<Item = String>) -> Result<Self, EarlyExit> {
        let (mut parsed, mut args) = (Self::default(), args.into_iter());
        while let Some(arg) = args.next() {
            match arg.as_str() {
                autostart::HIDDEN => parsed.hidden = true,
                "--quit" => parsed.quit = true,
                "--version" | "-V" => return Err(EarlyExit::Version),
                "--help" | "-h" => return Err(EarlyExit::Help(HELP.to_owned())),
                "--config" => {
                    let file = args.next().filter(|file| !file.is_empty());
                    let missing = || EarlyExit::Invalid("--config requires a file".to_owned());
                    parsed.config = Some(file.ok_or_else(missing)?.into());
                }
                _ if arg.starts_with("--config=") => parsed.config = Some(arg["--config=".len()..].into()),
                _ if is_link(&arg) => parsed.link = Some(arg),
                _ if arg.starts_with(FINDER) => {}
                // Not repeated: it may be a mistyped link with a key in it.
                _ => {
                    let message = "an argument is neither an option nor a join link";
                    return Err(EarlyExit::Invalid(message.to_owned()));
                }
            }
        }
        Ok(parsed)
    }
}

/// Whether this has the scheme of a join link. It may still be invalid.
pub fn is_link(text: &str) -> bool {
    text.get(..SCHEME.len()).is_some_and(|start| start.eq_ignore_ascii_case(SCHEME))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<CliArgs, EarlyExit> {
        CliArgs::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn valid_arguments() {
        let check = |line: &str, expect: CliArgs| assert_eq!(parse(line), Ok(expect), "{line}");
        check("", CliArgs::default());
        check("--hidden", CliArgs { hidden: true, ..CliArgs::default() });
        check("--config a.yaml", CliArgs { config: Some("a.yaml".into()), ..CliArgs::default() });
        check(
            "--config=a.yaml --hidden",
            CliArgs { config: Some("a.yaml".into()), hidden: true, ..CliArgs::default() },
        );
        check("--quit", CliArgs { quit: true, ..CliArgs::default() });
        check(
            "llamapool://join?x=1",
            CliArgs { link: Some("llamapool://join?x=1".into()), ..CliArgs::default() },
        );
        check("LlamaPool://join", CliArgs { link: Some("LlamaPool://join".into()), ..CliArgs::default() });
        check("-psn_0_12345", CliArgs::default());
    }

    #[test]
    fn early_exits() {
        assert_eq!(parse("--version"), Err(EarlyExit::Version));
        assert!(matches!(parse("--help"), Err(EarlyExit::Help(help)) if help.contains("--hidden")));
        for line in ["--config", "--hiden", "http://pool", "llamapool:/join?key=hush", "é"] {
            let Err(EarlyExit::Invalid(message)) = parse(line) else { panic!("{line} was accepted") };
            assert!(!message.contains("hush"));
        }
    }
}
