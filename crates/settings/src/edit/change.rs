//! New texts from old ones. Each is only a proposal: whoever asks reads it back.

use std::ops::Range;

use serde_saphyr::granit_parser::ScalarStyle;

use super::{
    Value,
    layout::{self, Item, Layout, Shape},
    value,
};

/// Replaces the value of the first entry that is `ours`, and its key if there is a new one. Further ones go.
pub(super) fn replace(
    text: &str,
    ours: impl Fn(&str) -> bool,
    rename: Option<&str>,
    wanted: &Value,
) -> Option<String> {
    let layout = layout::of(text)?;
    let mut same = layout.items.iter().filter(|item| ours(&item.key));
    let item = same.next()?;
    let mut cuts: Vec<(Range<usize>, String)> = Vec::new();
    for twin in same {
        cuts.push((lines(text, twin)?, String::new()));
    }
    if let Some(name) = rename {
        cuts.push((item.key_at.clone(), name.to_owned()));
    }
    match (&item.shape, wanted) {
        (Shape::Dashes(items), Value::Many(wanted)) if can_be_kept(text, items, wanted) => {
            cuts.extend(dashes(text, items, wanted));
        }
        _ => cuts.extend(whole(text, item, wanted)?),
    }
    Some(apply(text, cuts))
}

/// Adds an entry after the last one.
pub(super) fn add(text: &str, key: &str, wanted: &Value) -> Option<String> {
    let layout = layout::of(text)?;
    let line = format!("{}{key}: {}", indent(text, &layout), written(wanted, ScalarStyle::Plain));
    let end = line_end(text);
    let at = match (layout.items.last(), &layout.braces) {
        (Some(_), Some(_)) => return None,
        // `{}` says that there is nothing; now there is something.
        (None, Some(braces)) => {
            let cuts = vec![(braces.clone(), line)];
            return Some(apply(text, cuts));
        }
        (Some(last), None) => after_line(text, last.value_at.end.max(last.key_at.end)),
        (None, None) => layout.end,
    };
    let before = if at == first(text) || text[..at].ends_with('\n') { "" } else { end };
    Some(apply(text, vec![(at..at, format!("{before}{line}{end}"))]))
}

/// Removes every entry whose key is one of `ours`, with its lines.
pub(super) fn remove(text: &str, ours: impl Fn(&str) -> bool) -> Option<String> {
    let layout = layout::of(text)?;
    let gone = layout.items.iter().filter(|item| ours(&item.key));
    let cuts = gone.map(|item| Some((lines(text, item)?, String::new()))).collect::<Option<_>>()?;
    Some(apply(text, cuts))
}

/// A new value in the place of the old one. Comments that stood within the old one go above its key.
fn whole(text: &str, item: &Item, wanted: &Value) -> Option<Vec<(Range<usize>, String)>> {
    let colon = colon(text, item)?;
    let style = match item.shape {
        Shape::Scalar(style) => style,
        Shape::Dashes(_) | Shape::Other => ScalarStyle::Plain,
    };
    let end = value_end(text, item).max(colon);
    let gap = &text[colon..item.value_at.start.max(colon)];
    // What stands on the line of its key, without anchor or tag, is replaced; its distance stays.
    let is_simple = !gap.is_empty() && gap.chars().all(|c| c == ' ') && item.value_at.start < end;
    let new = written(wanted, style);
    let cut = if is_simple { (item.value_at.start..end, new) } else { (colon..end, format!(" {new}")) };
    let start = line_start(text, item.key_at.start);
    let (margin, end_of_line) = (&text[start..item.key_at.start], line_end(text));
    let lost = item.comments.iter().filter(|at| cut.0.contains(&at.start));
    let saved: String = lost.map(|at| format!("{margin}{}{end_of_line}", &text[at.clone()])).collect();
    Some(vec![(start..start, saved), cut])
}

fn written(value: &Value, style: ScalarStyle) -> String {
    match value {
        Value::One(text) => value::scalar(text, style),
        Value::Many(items) => value::list(items.iter().map(String::as_str)),
        Value::Odd => String::new(),
    }
}

type Items = [(String, Range<usize>)];

/// Whether a list of lines can be changed line by line: each item begins behind a dash of its own, and at least one stays.
fn can_be_kept(text: &str, items: &Items, wanted: &[String]) -> bool {
    let has_dash = |at: usize| text[line_start(text, at)..at].trim() == "-";
    items.iter().all(|(_, at)| has_dash(at.start)) && kept(items, wanted).iter().any(Option::is_some)
}

/// For each wanted item, which of the old ones it is. The order of both is kept, so some may have to be written anew.
fn kept(items: &Items, wanted: &[String]) -> Vec<Option<usize>> {
    let mut next = 0;
    let find = |wanted: &String| {
        let nth = items[next..].iter().position(|(item, _)| item == wanted)? + next;
        next = nth + 1;
        Some(nth)
    };
    wanted.iter().map(find).collect()
}

/// Lines to take away and to put in, so that a list of lines has the wanted items.
fn dashes(text: &str, items: &Items, wanted: &[String]) -> Vec<(Range<usize>, String)> {
    let kept = kept(items, wanted);
    let start = |nth: usize| line_start(text, items[nth].1.start);
    let end = |nth: usize| after_line(text, items[nth].1.end);
    let gone = (0..items.len()).filter(|nth| !kept.contains(&Some(*nth)));
    let mut cuts: Vec<_> = gone.map(|nth| (start(nth)..end(nth), String::new())).collect();
    let dash = &text[start(0)..items[0].1.start];
    let (mut at, mut is_open) = (start(0), !text[..end(items.len() - 1)].ends_with('\n'));
    for (item, kept) in wanted.iter().zip(kept) {
        match kept {
            Some(nth) => at = end(nth),
            None => {
                let line = value::scalar(item, ScalarStyle::Plain);
                let is_behind_all = at == text.len() && std::mem::take(&mut is_open);
                let before = if is_behind_all { line_end(text) } else { "" };
                cuts.push((at..at, format!("{before}{dash}{line}{}", line_end(text))));
            }
        }
    }
    cuts
}

/// The text with each range replaced. Ranges do not overlap; what is put in at one place keeps its order.
fn apply(text: &str, mut cuts: Vec<(Range<usize>, String)>) -> String {
    cuts.sort_by_key(|(at, _)| (at.start, at.end));
    let (mut new, mut done) = (String::with_capacity(text.len()), 0);
    for (at, put) in cuts {
        if at.start >= done {
            new.push_str(&text[done..at.start]);
            new.push_str(&put);
            done = at.end;
        }
    }
    new + &text[done..]
}

/// The lines that an entry has for itself.
fn lines(text: &str, item: &Item) -> Option<Range<usize>> {
    let start = line_start(text, item.key_at.start);
    let is_alone = text[start..item.key_at.start].trim().is_empty();
    is_alone.then(|| start..after_line(text, value_end(text, item).max(item.key_at.end)))
}

/// Where a value ends. Empty lines below a block of text are not worth counting to it.
fn value_end(text: &str, item: &Item) -> usize {
    match item.shape {
        Shape::Scalar(ScalarStyle::Literal | ScalarStyle::Folded) => {
            item.value_at.start + text[item.value_at.clone()].trim_end().len()
        }
        _ => item.value_at.end,
    }
}

/// Behind the colon after a key.
fn colon(text: &str, item: &Item) -> Option<usize> {
    let rest = &text[item.key_at.end..];
    let gap = rest.len() - rest.trim_start().len();
    rest.trim_start().starts_with(':').then_some(item.key_at.end + gap + 1)
}

/// Where the text begins, behind a byte order mark.
fn first(text: &str) -> usize {
    if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 }
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(first(text), |found| found + 1)
}

/// The start of the line after the one that `at` is in; `at` itself if a line begins there.
fn after_line(text: &str, at: usize) -> usize {
    if text[..at].ends_with('\n') {
        return at;
    }
    text[at..].find('\n').map_or(text.len(), |found| at + found + 1)
}

/// How this file ends its lines.
fn line_end(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// What stands before each key.
fn indent<'a>(text: &'a str, layout: &Layout) -> &'a str {
    let first =
        layout.items.first().map(|item| &text[line_start(text, item.key_at.start)..item.key_at.start]);
    first.filter(|margin| margin.chars().all(|c| c == ' ')).unwrap_or_default()
}
