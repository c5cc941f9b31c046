//! `llamapool-worker join LINK`: writes server and key to the configuration file.

use std::io::{IsTerminal as _, Read as _};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Arg, Command};
use llamapool_settings::cli::Called;
use llamapool_settings::edit::Edit;
use llamapool_settings::fields::{Origin, fields};
use llamapool_settings::{paths, text_file};
use llamapool_worker_core::config::{Config, plaintext_warning};
use llamapool_worker_core::invitation::{Invitation, MAX_LINK};

use super::{remark, say};

pub(super) const NAME: &str = "join";

const LINK: &str = "LINK";

/// Stands for standard input.
const STDIN: &str = "-";

/// Most bytes read from standard input: the longest link in UTF-16, with a byte order mark and a line break.
const MAX_INPUT: u64 = 2 * (MAX_LINK as u64 + 3);

pub(super) fn command() -> Command {
    let link = Arg::new(LINK).required(true).allow_hyphen_values(true).help(
        "A link such as llamapool://join?server=wss://HOST&key=KEY, or the address of a server. Other users of this machine can see \
         the command line while the command runs; with `-`, the link is read from standard input",
    );
    Command::new(NAME).about("Join a pool: write its server and key to the configuration file").arg(link)
}

pub(super) fn run(called: &Called<Config>) -> anyhow::Result<ExitCode> {
    let given = called.args.get_one::<String>(LINK).context("no link")?;
    let link = if given == STDIN { from_stdin()? } else { given.clone() };
    let join = Invitation::read(&link)?;
    let file = called.file.clone().unwrap_or_else(|| paths::config_file("worker"));
    let mut edit = Edit::open::<Config>(&file)?;
    join.write(&mut edit)?;
    edit.save()?;
    let key = if join.key.is_some() { " and its key" } else { "" };
    say(format_args!("Saved the server {}{key} to {}.", join.server, file.display()));
    let env = |name: &str| std::env::var(name).ok();
    let mut sends_key = false;
    for field in fields::<Config>(&file, &env).fields {
        if matches!(field.key, "server_url" | "client_key") && field.origin == Origin::Environment {
            let name = field.key.to_ascii_uppercase();
            remark(format_args!("{name} is set in the environment and overrides the file."));
        }
        sends_key |= field.key == "client_key" && field.origin != Origin::Default;
    }
    if let Some(warning) = plaintext_warning(&join.server).filter(|_| sends_key) {
        remark(format_args!("Warning: {warning}."));
    }
    say("Restart the worker if it is running.");
    Ok(ExitCode::SUCCESS)
}

/// Reads standard input, up to the length of a link.
fn from_stdin() -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        remark("Paste the link, then press Enter and Ctrl-D.");
    }
    let mut bytes = Vec::new();
    std::io::stdin().take(MAX_INPUT).read_to_end(&mut bytes).context("read the link from standard input")?;
    text_file::decode(&bytes).context("standard input is not UTF-8 text")
}
