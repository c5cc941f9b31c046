//! The reference page of all settings, generated from their declarations.

use std::fmt::{self, Write};

use super::{
    Declaration, ProgramConfig, Retired,
    declaration::Group,
    kind::Syntax,
    load::declared,
    reader::{Notes, ReadSetting},
};

/// The part of the page about one program.
pub struct Chapter {
    program: &'static str,
    about: &'static str,
    settings: Vec<Declaration>,
    groups: Vec<Group>,
    retired: &'static [Retired],
}

impl Chapter {
    /// The chapter about the program of `C`.
    pub fn of<C: ProgramConfig>() -> Self {
        let Notes { read, groups, .. } = declared::<C>();
        let settings = read.into_iter().map(|ReadSetting { declared, .. }| declared).collect();
        Self { program: C::PROGRAM, about: C::ABOUT, settings, groups, retired: C::RETIRED }
    }
}

/// The page in Markdown: `introduction`, a chapter for each program, and the ignored legacy settings.
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
    let mut before: Option<&Declaration> = None;
    for declared in &chapter.settings {
        let same =
            |other: &Declaration| (other.concern, &other.parent) == (declared.concern, &declared.parent);
        if !before.is_some_and(same) {
            write_heading(page, chapter, declared, before)?;
        }
        before = Some(declared);
        writeln!(page, "| {} | {} | {} |", names(declared), default(declared), purpose(declared))?;
    }
    Ok(())
}

/// The heading of a concern, the text about its section or list, and the head of the table.
fn write_heading(
    page: &mut String,
    chapter: &Chapter,
    first: &Declaration,
    before: Option<&Declaration>,
) -> fmt::Result {
    if before.is_none_or(|before| before.concern != first.concern) {
        writeln!(page, "\n### {}", first.concern)?;
    }
    let of_item = chapter.groups.iter().find(|group| group.is_list && group.path.item(None) == first.parent);
    let of_section = chapter.groups.iter().find(|group| !group.is_list && group.path == first.parent);
    if let Some(group) = of_item.or(of_section) {
        let path = code(&group.path.to_string());
        let what = match group.is_list {
            true => format!(
                "{path} is a YAML list. It can be given in the configuration file only. Each item has these keys"
            ),
            false => format!("{path} is a section of the configuration file with these keys"),
        };
        let doc = group.doc.trim();
        writeln!(page, "\n{doc}{}{what}:", if doc.is_empty() { "" } else { " " })?;
    }
    if of_item.is_some() {
        write_example(page, chapter, first)?;
    }
    writeln!(page, "\n| setting | default | what it is for |\n|---|---|---|")
}

/// A list with one item, made of the examples of its settings.
fn write_example(page: &mut String, chapter: &Chapter, first: &Declaration) -> fmt::Result {
    let shown =
        |declared: &&Declaration| declared.parent == first.parent && !declared.format.example.is_empty();
    let settings: Vec<_> = chapter.settings.iter().filter(shown).collect();
    let list = first.parent.parent().filter(|list| !list.is_in_list());
    let Some(key) = list.as_ref().and_then(|list| list.last_key()).filter(|_| !settings.is_empty()) else {
        return Ok(());
    };
    writeln!(page, "\n```yaml\n{key}:")?;
    for (n, declared) in settings.iter().enumerate() {
        writeln!(
            page,
            "  {} {}: {}",
            if n == 0 { "-" } else { " " },
            declared.key(),
            declared.format.example
        )?;
    }
    writeln!(page, "```")
}

fn write_retired(page: &mut String, chapters: &[Chapter]) -> fmt::Result {
    writeln!(
        page,
        "\n## Ignored legacy settings\n\nSettings of older versions. They are accepted with a warning, so that old files \
         and scripts still work, but have no effect.\n\n| program | setting | why |\n|---|---|---|"
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
fn names(declared: &Declaration) -> String {
    let short = declared.short.map(|letter| format!(", `-{letter}`")).unwrap_or_default();
    let key = declared.parent_key(declared.key());
    let env = declared.env(declared.key()).map(|env| format!("<br>{}", code(&env)));
    let flag = declared.flag(declared.key()).map(|flag| format!("<br>{}{short}", code(&format!("--{flag}"))));
    format!("{}{}{}", code(&key), env.unwrap_or_default(), flag.unwrap_or_default())
}

fn default(declared: &Declaration) -> String {
    match (declared.default_words, declared.default) {
        _ if declared.required => "required".to_owned(),
        ("", "") => "none".to_owned(),
        ("", text) => code(text),
        (words, _) => words.to_owned(),
    }
}

fn purpose(declared: &Declaration) -> String {
    let mut purpose = declared.doc.trim().to_owned();
    if declared.format.syntax != Syntax::Switch {
        let expected = declared.format.expected.replace('*', "\\*"); // let expected = declared.format.expected.replace('*', "\\*"); // two of them would mean italics
        purpose += &format!("<br>Format: {expected}.");
        // A default also serves as an example.
        if declared.default.is_empty() && !declared.format.example.is_empty() {
            purpose += &format!("<br>Example: {}", code(declared.format.example));
        }
    }
    let name = |key: &str| code(&declared.env(key).unwrap_or_else(|| key.to_owned()));
    if declared.is_secret() {
        let file = declared.names[0].file_key();
        let env = declared.env(&file).map(|env| format!(", {}", code(&env))).unwrap_or_default();
        purpose += &format!("<br>Or in a file: {}{env}.", code(&declared.parent_key(&file)));
    }
    if declared.live {
        purpose += "<br>A change takes effect without a restart.";
    }
    for (is_older, words) in [(false, "Also"), (true, "Older names")] {
        let others = declared.names.iter().skip(1);
        let others = others.filter(|other| other.means.is_none() && other.is_older == is_older);
        let others: Vec<_> = others.map(|other| name(other.key)).collect();
        if !others.is_empty() {
            purpose += &format!("<br>{words}: {}.", others.join(", "));
        }
    }
    purpose
}

impl Declaration {
    /// One of its keys as the page shows it: with its section, but alone within an item of a list.
    fn parent_key(&self, key: &str) -> String {
        if self.parent.is_in_list() { key.to_owned() } else { self.parent.key(key).to_string() }
    }
}

fn code(text: &str) -> String {
    format!("`{text}`")
}
