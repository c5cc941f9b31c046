//! The command line of `bench`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgAction, Command, value_parser};

use crate::measure::Effort;
use crate::route::Path;
use crate::scenario::Scenario;

/// What to run and where to put it.
pub(crate) struct Options {
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) paths: Vec<Path>,
    pub(crate) effort: Effort,
    pub(crate) json: Option<PathBuf>,
    /// Where `llamapool-server` and `llamapool-worker` are; beside this program if `None`.
    pub(crate) binaries: Option<PathBuf>,
}

impl Options {
    /// Reads `args` (program name first); bad usage and `--help` end the process here.
    pub(crate) fn from_command_line(args: Vec<OsString>) -> Self {
        let found = command().get_matches_from(args);
        let chosen = |name: &str, id: &str| match found.get_many::<String>(id) {
            Some(mut names) => names.any(|wanted| wanted == name),
            None => true,
        };
        Self {
            scenarios: Scenario::ALL.into_iter().filter(|s| chosen(s.name(), "scenario")).collect(),
            paths: Path::ALL.into_iter().filter(|p| chosen(p.name(), "path")).collect(),
            effort: if found.get_flag("quick") { Effort::Quick } else { Effort::Full },
            json: found.get_one::<PathBuf>("json").cloned(),
            binaries: found.get_one::<PathBuf>("bin-dir").cloned(),
        }
    }
}

fn command() -> Command {
    Command::new("bench")
        .bin_name("bench")
        .about("What the relay costs, in ratios of one run on loopback")
        .arg(
            Arg::new("scenario")
                .help("Scenarios to run; all if none is named")
                .num_args(0..)
                .value_parser(Scenario::ALL.map(Scenario::name)),
        )
        .arg(
            Arg::new("quick")
                .long("quick")
                .action(ArgAction::SetTrue)
                .help("Short rounds: figures are rough"),
        )
        .arg(
            Arg::new("path")
                .long("path")
                .action(ArgAction::Append)
                .help("Paths to measure; all if none is named")
                .value_parser(Path::ALL.map(Path::name)),
        )
        .arg(file_arg("json").value_name("FILE").help("Write every figure of every round to FILE"))
        .arg(file_arg("bin-dir").value_name("DIR").help("Where llamapool-server and llamapool-worker are"))
}

fn file_arg(name: &'static str) -> Arg {
    Arg::new(name).long(name).value_parser(value_parser!(PathBuf))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Options {
        Options::from_command_line(line.split(' ').map(OsString::from).collect())
    }

    #[test]
    fn the_command_is_well_formed() {
        command().debug_assert();
    }

    #[test]
    fn nothing_named_means_everything() {
        let options = parse("bench");
        assert_eq!(options.scenarios.len(), Scenario::ALL.len());
        assert_eq!(options.paths.len(), Path::ALL.len());
    }

    #[test]
    fn named_scenarios_and_paths_only() {
        let options = parse("bench stream --path nginx --path relay --quick");
        assert_eq!(options.scenarios.iter().map(|s| s.name()).collect::<Vec<_>>(), ["stream"]);
        assert_eq!(options.paths.iter().map(|p| p.name()).collect::<Vec<_>>(), ["nginx", "relay"]);
        assert!(options.effort == Effort::Quick);
    }
}
