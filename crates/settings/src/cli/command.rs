//! The flags of a program, generated from its settings.

use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::super::{
    Flags, ProgramConfig, build,
    declaration::{Declaration, Name},
    kind::Syntax,
    load::{FILE_ENV, FILE_FLAG},
    setting::Retired,
};

pub(super) const VERSION: &str = "version";
pub(super) const CHECK: &str = "check-config";
pub(super) const PRINT: &str = "print-config";

/// The heading in the help for flags that are not settings.
const PROGRAM_HEADING: &str = "Program";

/// The command line of `C`, with its settings, and its commands.
pub(super) fn of<C: ProgramConfig>(settings: &[Declaration], commands: Vec<Command>) -> Command {
    let named = settings.iter().flat_map(|declared| declared.names.iter().map(move |name| (declared, name)));
    let named: Vec<_> = named.collect();
    let flags = || named.iter().flat_map(|(declared, name)| flags_of(declared, name));
    let retired = || C::RETIRED.iter().flat_map(|retired| retired.keys).map(|key| retired_flag(key));
    let commands = commands.into_iter().map(|command| {
        let hidden = flags().chain(retired()).chain([file_flag()]).map(|arg| arg.hide(true));
        command
            .disable_help_flag(true)
            .arg(help_flag())
            .args(hidden)
            .args_override_self(true)
            .after_help("The flags of all settings are accepted too; see the program's --help.")
    });
    let command = Command::new(C::PROGRAM)
        .about(C::ABOUT)
        .before_help(build::line(C::PROGRAM).trim_end().to_owned())
        .after_help(
            "Every flag can also be set in the configuration file (--log-level: log_level) and in the environment\n\
             (LOG_LEVEL). Flags override the environment, the environment overrides the file. A secret can be read\n\
             from a file of its own (--client-key-file). See docs/config.md for every setting.",
        )
        .disable_version_flag(true)
        .disable_help_flag(true)
        .args_override_self(true)
        .arg(file_flag())
        .arg(ours(CHECK, "Check the configuration and exit"))
        .arg(ours(PRINT, "Print every setting and where it comes from, without secrets, and exit"))
        .arg(ours(VERSION, "Print the version and exit"))
        .arg(help_flag())
        .disable_help_subcommand(true)
        .args(retired());
    command.args(flags()).subcommands(commands)
}

fn help_flag() -> Arg {
    ours("help", "Print this help and exit").short('h').action(ArgAction::Help)
}

/// The given flags, by name.
pub(super) fn flags(settings: &[Declaration], retired: &[Retired], matches: &ArgMatches) -> Flags {
    let keys = settings.iter().flat_map(|declared| declared.keys().filter_map(|key| declared.flag(&key)));
    let retired = retired.iter().flat_map(|retired| retired.keys).map(|key| key.replace('_', "-"));
    let all = keys.chain(retired).chain([FILE_FLAG.to_owned()]);
    all.filter_map(|flag| value(&flag, matches).map(|value| (flag, value))).collect()
}

/// Older versions also accepted long flags with a single dash (`-port 8080`), and so does this one where it is unambiguous.
pub(super) fn with_two_dashes(command: &Command, args: &[OsString]) -> Vec<OsString> {
    let is_flag = |name: &str| command.get_arguments().any(|arg| arg.get_long() == Some(name));
    let program = OsString::from(command.get_name());
    let args = args.iter().map(|arg| match arg.to_str().and_then(|arg| arg.strip_prefix('-')) {
        Some(rest) if is_flag(rest.split('=').next().unwrap_or_default()) => format!("--{rest}").into(),
        _ => arg.clone(),
    });
    [program].into_iter().chain(args).collect()
}

fn value(flag: &str, matches: &ArgMatches) -> Option<String> {
    let is_off = matches.try_get_one::<bool>(&off_name(flag)).ok().flatten();
    if is_off == Some(&true) {
        return Some("false".to_owned());
    }
    let values = matches.try_get_many::<String>(flag).ok().flatten()?;
    Some(values.cloned().collect::<Vec<_>>().join(","))
}

/// The flags for one name of a setting; none for settings in lists.
fn flags_of(declared: &Declaration, name: &Name) -> Vec<Arg> {
    let Some(flag) = declared.flag(name.key) else { return Vec::new() };
    let is_current = declared.names.first() == Some(name);
    let arg = Arg::new(flag.clone())
        .long(flag.clone())
        .short(declared.short.filter(|_| is_current))
        .help_heading(declared.concern)
        .help(help(declared))
        .hide(!is_current && name.means.is_none());
    if declared.format.syntax == Syntax::Switch || name.means.is_some() {
        let off = Arg::new(off_name(&flag)).long(off_name(&flag)).hide(true).action(ArgAction::SetTrue);
        let arg = match (name.means, declared.flag(declared.key())) {
            (Some(means), Some(current)) => arg.help(format!("The same as --{current} {means}")),
            _ => arg,
        };
        let arg = arg.num_args(0..=1).require_equals(true).default_missing_value("true").value_name("BOOL");
        return vec![arg.overrides_with(off_name(&flag)), off.overrides_with(flag)];
    }
    let syntax = declared.format.syntax;
    let arg = arg
        .value_name(declared.format.value_name)
        .allow_hyphen_values(syntax == Syntax::Signed)
        .action(if syntax == Syntax::List { ArgAction::Append } else { ArgAction::Set });
    let file = declared.flag(&name.file_key()).filter(|_| declared.is_secret());
    let file = file.map(|file| Arg::new(file.clone()).long(file).hide(true));
    [arg].into_iter().chain(file).collect()
}

fn off_name(flag: &str) -> String {
    format!("no-{flag}")
}

/// The first sentence of the documentation, and the default.
fn help(declared: &Declaration) -> String {
    let doc = declared.doc.trim();
    let sentence = doc.split_once(". ").map_or(doc, |(first, _)| first).trim_end_matches('.');
    let help = match declared.default_in_words() {
        "" | "false" => sentence.to_owned(),
        default => format!("{sentence} [{default}]"),
    };
    help.replace('`', "")
}

fn file_flag() -> Arg {
    Arg::new(FILE_FLAG)
        .long(FILE_FLAG)
        .value_name("FILE")
        .help_heading(PROGRAM_HEADING)
        .help(format!("The configuration file [{FILE_ENV}, else the system's default path]"))
}

fn ours(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).help(help).help_heading(PROGRAM_HEADING).action(ArgAction::SetTrue)
}

/// Any value, even an empty one.
fn retired_flag(key: &str) -> Arg {
    let flag = key.replace('_', "-");
    Arg::new(flag.clone()).long(flag).hide(true).num_args(0..=1).default_missing_value("true")
}
