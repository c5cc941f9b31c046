//! The output of `--print-config`: every setting, its value, and where that comes from.

use crate::{
    Loaded,
    reader::{Notes, ReadSetting},
};

/// One line for each setting, and for each item of a list. Secrets are not shown.
pub(super) fn printed<C>(loaded: &Loaded<C>, notes: &Notes) -> String {
    let file = match &loaded.file {
        Some(path) => path.display().to_string(),
        None => "none".to_owned(),
    };
    let settings = notes.read.iter().filter(|setting| !setting.declared.parent.is_in_list());
    let lines: String = settings.chain(&notes.in_items).map(line).collect();
    format!("# configuration file: {file}\n{lines}")
}

fn line(setting: &ReadSetting) -> String {
    let ReadSetting { declared, written, .. } = setting;
    let path = declared.path();
    match written {
        None => {
            let default = declared.default_in_words();
            format!("{path} = {} (default)\n", if default.is_empty() { "none" } else { default })
        }
        Some(written) => {
            let value =
                if declared.is_secret() { "(set, hidden)".to_owned() } else { on_a_line(&written.text) };
            let place = written.span.to_string();
            format!("{path} = {value} ({})\n", place.trim_end_matches(": "))
        }
    }
}

fn on_a_line(text: &str) -> String {
    let text = text.trim();
    if text.chars().any(char::is_control) { format!("{text:?}") } else { text.to_owned() }
}
