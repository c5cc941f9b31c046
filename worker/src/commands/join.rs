//! `llamapool-worker join LINK`: writes server and key into the configuration file.

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

/// Stands for the standard input.
const STDIN: &str = "-";

/// What is read of the standard input: the longest link in UTF-16, with a byte order mark and a line end.
const MAX_INPUT: u64 = 2 * (MAX_LINK as u64 + 3);

pub(super) fn command() -> Command {
    let link = Arg::new(LINK).required(true).allow_hyphen_values(true).help(
        "A link such as llamapool://join?server=wss://HOST&key=KEY, or the address of a server. While the command \
         runs, other users of this machine can see what stands here: `-` reads the link from the standard input",
    );
    Command::new(NAME).about("Join a pool: write its server and key into the configuration file").arg(link)
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
    say(format_args!(
        "The server {}{key} stand{} in {}.",
        join.server,
        if key.is_empty() { "s" } else { "" },
        file.display()
    ));
    let env = |name: &str| std::env::var(name).ok();
    let mut sends_key = false;
    for field in fields::<Config>(&file, &env).fields {
        if matches!(field.key, "server_url" | "client_key") && field.origin == Origin::Environment {
            let name = field.key.to_ascii_uppercase();
            remark(format_args!("But {name} is set in the environment, which wins over the file."));
        }
        sends_key |= field.key == "client_key" && field.origin != Origin::Default;
    }
    if let Some(warning) = plaintext_warning(&join.server).filter(|_| sends_key) {
        remark(format_args!("Warning: {warning}."));
    }
    say("A worker that runs already has to be started again to follow it.");
    Ok(ExitCode::SUCCESS)
}

/// Everything on the standard input, as far as a link can go.
fn from_stdin() -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        remark("Paste the link, then press Enter and Ctrl-D.");
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(MAX_INPUT)
        .read_to_end(&mut bytes)
        .context("read the link from the standard input")?;
    text_file::decode(&bytes).context("the standard input is not text in UTF-8")
}
