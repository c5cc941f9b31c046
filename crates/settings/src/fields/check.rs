//! Checks whether a value is valid for a setting.

use crate::{
    Flags, KeyPath, ProgramConfig, SourceSpan,
    file::File,
    key_path::Step,
    load::{self},
    reader::{Given, Reader},
    yaml::{Entry, Node, Value},
};

/// Whether a setting of `C` accepts this value, given as text. The setting is named by its path, such as `log_level` or
/// `endpoints[0].url`; the index of a list item does not matter.
///
/// # Errors
/// What is wrong with the value, and what is expected.
pub fn check<C: ProgramConfig>(path: &str, value: &str) -> Result<(), String> {
    let unknown = || format!("unknown setting {path:?}");
    let path = KeyPath::parse(path).ok_or_else(unknown)?;
    let settings = load::settings_of::<C>();
    let declared = settings.iter().find(|declared| declared.path().covers(&path)).ok_or_else(unknown)?;
    // The path with the first item of each list, so that no other items are needed.
    let first = |step: &Step| match step {
        Step::Key(key) => Step::Key(key.clone()),
        Step::Item(_) => Step::Item(Some(0)),
    };
    let steps: Vec<_> = path.steps().iter().map(first).collect();
    let file = File { entries: entries(&steps, value), ..File::default() };
    let flags = Flags::new();
    let mut reader = Reader::new(Given::of(&flags, &|_| None, &file), Vec::new());
    C::read(&mut reader);
    let mut read = reader.notes.read.iter().chain(&reader.notes.in_items);
    let ours = |path: &KeyPath| declared.path().covers(path) && !path.is_for_every_item();
    let problem =
        read.find(|setting| ours(&setting.declared.path())).and_then(|setting| setting.problem.as_ref());
    problem.map_or(Ok(()), |problem| Err(problem.what.clone()))
}

/// A file that contains only this value.
fn entries(steps: &[Step], value: &str) -> Vec<Entry> {
    match steps.split_first() {
        Some((Step::Key(key), rest)) => {
            let node = Node { value: nested(rest, value), span: SourceSpan::Together };
            vec![Entry { key: key.clone(), key_span: SourceSpan::Together, node }]
        }
        _ => Vec::new(),
    }
}

fn nested(steps: &[Step], value: &str) -> Value {
    match steps.first() {
        None => Value::Scalar(value.to_owned()),
        Some(Step::Key(_)) => Value::Mapping(entries(steps, value)),
        Some(Step::Item(_)) => {
            Value::List(vec![Node { value: nested(&steps[1..], value), span: SourceSpan::Together }])
        }
    }
}
