//! The flags of a program, made from its settings.

use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::super::{
    Config, build,
    kind::Form,
    load::{FILE_ENV, FILE_FLAG, Flags},
    setting::{About, Name, Retired},
};

pub(super) const VERSION: &str = "version";
pub(super) const CHECK: &str = "check-config";

/// Where the flags that are no settings are listed in the help.
const PROGRAM_HEADING: &str = "Program";

/// The command line of `C`, whose settings these are, and its commands.
pub(super) fn of<C: Config>(settings: &[About], commands: Vec<Command>) -> Command {
    let named: Vec<_> =
        settings.iter().flat_map(|about| about.names.iter().map(move |name| (about, name))).collect();
    let flags = || named.iter().flat_map(|(about, name)| flags_of(about, name));
    let retired = || C::RETIRED.iter().flat_map(|retired| retired.keys).map(|key| retired_flag(key));
    let commands = commands.into_iter().map(|command| {
        let hidden = flags().chain(retired()).chain([file_flag()]).map(|arg| arg.hide(true));
        command
            .disable_help_flag(true)
            .arg(help_flag())
            .args(hidden)
            .args_override_self(true)
            .after_help("It also takes the flags of all settings, see the program's --help.")
    });
    let command = Command::new(C::PROGRAM)
        .about(C::ABOUT)
        .before_help(build::line(C::PROGRAM).trim_end().to_owned())
        .after_help(
            "Every flag is also a key of the configuration file (--log-level: log_level) and a variable of the\n\
             environment (LOG_LEVEL); flags win over the environment, the environment over the file. A key can\n\
             also stand in a file of its own (--client-key-file). All of it is explained in docs/config.md.",
        )
        .disable_version_flag(true)
        .disable_help_flag(true)
        .args_override_self(true)
        .arg(file_flag())
        .arg(ours(CHECK, "Say what is wrong with the configuration, if anything, and exit"))
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
pub(super) fn flags(settings: &[About], retired: &[Retired], matches: &ArgMatches) -> Flags {
    let keys = settings.iter().flat_map(About::keys).map(|key| key.replace('_', "-"));
    let retired = retired.iter().flat_map(|retired| retired.keys).map(|key| key.replace('_', "-"));
    let all = keys.chain(retired).chain([FILE_FLAG.to_owned()]);
    all.filter_map(|flag| value(&flag, matches).map(|value| (flag, value))).collect()
}

/// Older versions also took long flags with a single dash (`-port 8080`); so do we, where it cannot mean anything else.
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

/// The flags under which one name of a setting can be given.
fn flags_of(about: &About, name: &Name) -> Vec<Arg> {
    let is_current = about.names.first() == Some(name);
    let flag = name.flag();
    let arg = Arg::new(flag.clone())
        .long(flag.clone())
        .short(about.short.filter(|_| is_current))
        .help_heading(about.concern)
        .help(help(about))
        .hide(!is_current && name.means.is_none());
    if about.form == Form::Switch || name.means.is_some() {
        let off = Arg::new(off_name(&flag)).long(off_name(&flag)).hide(true).action(ArgAction::SetTrue);
        let arg = match name.means {
            Some(means) => arg.help(format!("The same as --{} {means}", about.names[0].flag())),
            None => arg,
        };
        let arg = arg.num_args(0..=1).require_equals(true).default_missing_value("true").value_name("BOOL");
        return vec![arg.overrides_with(off_name(&flag)), off.overrides_with(flag)];
    }
    let arg = arg
        .value_name(about.called)
        .allow_hyphen_values(about.form == Form::Signed)
        .action(if about.form == Form::List { ArgAction::Append } else { ArgAction::Set });
    if !about.secret {
        return vec![arg];
    }
    let file = name.file_key().replace('_', "-");
    vec![arg, Arg::new(file.clone()).long(file).hide(true)]
}

fn off_name(flag: &str) -> String {
    format!("no-{flag}")
}

/// The first sentence of the doc, and the default.
fn help(about: &About) -> String {
    let doc = about.doc.trim();
    let sentence = doc.split_once(". ").map_or(doc, |(first, _)| first).trim_end_matches('.');
    let help = match about.default_in_words() {
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
        .help(format!("The configuration file [{FILE_ENV}, else where the system keeps such files]"))
}

fn ours(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).help(help).help_heading(PROGRAM_HEADING).action(ArgAction::SetTrue)
}

/// Any value, or none.
fn retired_flag(key: &str) -> Arg {
    let flag = key.replace('_', "-");
    Arg::new(flag.clone()).long(flag).hide(true).num_args(0..=1).default_missing_value("true")
}
