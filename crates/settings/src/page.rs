//! The reference page of all settings, made from their declarations.

use std::fmt::{self, Write};

use super::{Config, Retired, kind::Form, load::settings_of, setting::About};

/// The part of the page about one program.
pub struct Chapter {
    program: &'static str,
    about: &'static str,
    settings: Vec<About>,
    retired: &'static [Retired],
}

impl Chapter {
    /// The chapter about the program of `C`.
    pub fn of<C: Config>() -> Self {
        Self { program: C::PROGRAM, about: C::ABOUT, settings: settings_of::<C>(), retired: C::RETIRED }
    }
}

/// The page in Markdown: `introduction`, a chapter for each program, and what has no effect any more.
pub fn markdown(introduction: &str, chapters: &[Chapter]) -> String {
    let mut page = introduction.to_owned();
    let written = chapters
        .iter()
        .try_for_each(|chapter| write_chapter(&mut page, chapter))
        .and_then(|()| write_retired(&mut page, chapters));
    written.expect("writing to a string cannot fail");
    page
}

fn write_chapter(page: &mut String, chapter: &Chapter) -> fmt::Result {
    writeln!(page, "\n## {}\n\n{}", chapter.program, chapter.about)?;
    let mut concern = "";
    for about in &chapter.settings {
        if about.concern != concern {
            concern = about.concern;
            writeln!(page, "\n### {concern}\n\n| setting | default | what it is for |\n|---|---|---|")?;
        }
        writeln!(page, "| {} | {} | {} |", names(about), default(about), purpose(about))?;
    }
    Ok(())
}

fn write_retired(page: &mut String, chapters: &[Chapter]) -> fmt::Result {
    writeln!(
        page,
        "\n## Without effect\n\nSettings of older versions. They are accepted with a warning, so that old files and \
         scripts still start, and they change nothing.\n\n| program | setting | why |\n|---|---|---|"
    )?;
    for chapter in chapters {
        for retired in chapter.retired {
            let keys: Vec<_> = retired.keys.iter().map(|key| code(&key.to_ascii_uppercase())).collect();
            writeln!(page, "| {} | {} | {} |", chapter.program, keys.join(", "), retired.why)?;
        }
    }
    Ok(())
}

/// The current name as key, variable and flag.
fn names(about: &About) -> String {
    let name = &about.names[0];
    let short = about.short.map(|letter| format!(", `-{letter}`")).unwrap_or_default();
    format!("{}<br>{}<br>{}{short}", code(name.key), code(&name.env()), code(&format!("--{}", name.flag())))
}

fn default(about: &About) -> String {
    match (about.default_words, about.default) {
        ("", "") => "none".to_owned(),
        ("", text) => code(text),
        (words, _) => words.to_owned(),
    }
}

fn purpose(about: &About) -> String {
    let mut purpose = about.doc.trim().to_owned();
    if about.form != Form::Switch {
        let allowed = about.allowed.replace('*', "\\*"); // two of them would set in italics what is between
        purpose += &format!("<br>Wanted: {allowed}.");
    }
    if about.secret {
        let file = about.names[0].file_key();
        purpose += &format!("<br>Or in a file: {}, {}.", code(&file), code(&file.to_ascii_uppercase()));
    }
    for (is_older, words) in [(false, "Also"), (true, "Older names")] {
        let others =
            about.names.iter().skip(1).filter(|name| name.means.is_none() && name.is_older == is_older);
        let others: Vec<_> = others.map(|name| code(&name.env())).collect();
        if !others.is_empty() {
            purpose += &format!("<br>{words}: {}.", others.join(", "));
        }
    }
    purpose
}

fn code(text: &str) -> String {
    format!("`{text}`")
}
