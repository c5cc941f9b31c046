//! Produces changed texts. Each is only a proposal: the caller reads it back.

mod lines;

use std::ops::Range;

use serde_saphyr::granit_parser::ScalarStyle;

use self::lines::{after_line, entry_end, first, line_end, line_start, margin, value_end};
use super::{
    layout::{Item, Layout, List, Mapping, Shape},
    value,
};
use crate::yaml::Plain;

/// A range to remove, and the text to insert there.
type Cuts = Vec<(Range<usize>, String)>;

/// Replaces the value of the first entry for which `ours` holds, and its key if there is a new one. Further ones are removed.
pub(super) fn replace(
    text: &str,
    mapping: &Mapping,
    ours: impl Fn(&str) -> bool,
    rename: Option<&str>,
    wanted: &Plain,
) -> Option<String> {
    let mut same = mapping.items.iter().enumerate().filter(|(_, item)| ours(&item.key));
    let (_, item) = same.next()?;
    let mut cuts: Cuts = Vec::new();
    for (twin, _) in same {
        cuts.push((entry(text, mapping, twin)?, String::new()));
    }
    if let Some(name) = rename {
        cuts.push((item.key_at.clone(), name.to_owned()));
    }
    match (dashes(item), texts(wanted)) {
        (Some(items), Some(wanted)) if can_be_kept(text, &items, &wanted) => {
            cuts.extend(changed_dashes(text, &items, &wanted));
        }
        _ => cuts.extend(whole(text, item, wanted)?),
    }
    Some(apply(text, cuts))
}

/// Adds an entry after the last one of the root, or of a mapping in it.
pub(super) fn add(
    text: &str,
    layout: &Layout,
    mapping: &Mapping,
    key: &str,
    wanted: &Plain,
) -> Option<String> {
    let is_root = std::ptr::eq(mapping, &raw const layout.root);
    let end = line_end(text);
    let before_key = mapping.items.first().map(|item| margin(text, item.key_at.start));
    let indent = match before_key {
        Some(margin) if is_root => margin.unwrap_or_default(),
        Some(margin) if mapping.braces.is_none() => margin?,
        _ => String::new(),
    };
    let behind = value::behind_key(wanted, ScalarStyle::Plain, &indent, end);
    let line = format!("{indent}{key}:{behind}");
    let inline = || format!("{key}: {}", value::on_one_line(wanted, ScalarStyle::Plain));
    let at = match (mapping.items.last(), &mapping.braces) {
        (Some(_), Some(_)) if is_root => return None,
        (Some(last), Some(_)) => {
            let at = entry_end(last);
            return Some(apply(text, vec![(at..at, format!(", {}", inline()))]));
        }
        // Replaces `{}`, since there is an entry now.
        (None, Some(braces)) => {
            let new = if is_root { line } else { format!("{{{}}}", inline()) };
            return Some(apply(text, vec![(braces.clone(), new)]));
        }
        (Some(last), None) => after_line(text, entry_end(last)),
        (None, None) => layout.end,
    };
    let before = if at == first(text) || text[..at].ends_with('\n') { "" } else { end };
    Some(apply(text, vec![(at..at, format!("{before}{line}{end}"))]))
}

/// Removes every entry whose key is one of `ours`, with its lines.
pub(super) fn remove(text: &str, mapping: &Mapping, ours: impl Fn(&str) -> bool) -> Option<String> {
    let gone = (0..mapping.items.len()).filter(|n| ours(&mapping.items[*n].key));
    let cuts = gone.map(|n| Some((entry(text, mapping, n)?, String::new()))).collect::<Option<_>>()?;
    Some(apply(text, cuts))
}

/// Adds an item to a list that has items.
pub(super) fn push(text: &str, list: &List, item: &Plain) -> Option<String> {
    let last = list.elements.last()?;
    if list.is_flow {
        let new = format!(", {}", value::on_one_line(item, ScalarStyle::Plain));
        return Some(apply(text, vec![(last.at.end..last.at.end, new)]));
    }
    let end = line_end(text);
    let dash = dash(text, last.start())?;
    let (margin, gap) = dash.split_at(dash.find('-')?);
    let lines = value::item_lines(item, end);
    // The distance from the dash is the same as in the other items.
    let line = |(n, line): (usize, &String)| {
        let gap = if n == 0 { gap.to_owned() } else { " ".repeat(gap.len()) };
        format!("{margin}{gap}{}{end}", &line[2..])
    };
    let lines: String = lines.iter().enumerate().map(line).collect();
    let at = after_line(text, lines::shape_end(&last.shape, &last.at));
    let before = if text[..at].ends_with('\n') { "" } else { end };
    Some(apply(text, vec![(at..at, format!("{before}{lines}"))]))
}

/// Removes an item of a list that has other items.
pub(super) fn remove_element(text: &str, list: &List, n: usize) -> Option<String> {
    let element = list.elements.get(n)?;
    let range = if !list.is_flow {
        dash(text, element.start())?;
        line_start(text, element.start())..after_line(text, lines::shape_end(&element.shape, &element.at))
    } else if n > 0 {
        list.elements[n - 1].at.end..element.at.end
    } else {
        element.at.start..list.elements.get(1)?.at.start
    };
    Some(apply(text, vec![(range, String::new())]))
}

/// The text before an item of a list on its line: spaces, a dash, spaces.
fn dash(text: &str, at: usize) -> Option<&str> {
    Some(&text[line_start(text, at)..at]).filter(|before| before.trim() == "-")
}

/// Replaces a value. Comments within the old value move above its key.
fn whole(text: &str, item: &Item, wanted: &Plain) -> Option<Cuts> {
    let colon = colon(text, item)?;
    let style = match item.shape {
        Shape::Scalar(style) => style,
        _ => ScalarStyle::Plain,
    };
    let end = value_end(text, item).max(colon);
    let gap = &text[colon..item.value_at.start.max(colon)];
    // Replaces what is on the line of the key, without anchor or tag; the distance is kept.
    let is_simple = !gap.is_empty() && gap.chars().all(|c| c == ' ') && item.value_at.start < end;
    let start = line_start(text, item.key_at.start);
    let before_key = &text[start..item.key_at.start];
    let end_of_line = line_end(text);
    let is_block = before_key.chars().all(|c| matches!(c, ' ' | '-'));
    let new = match is_block {
        true => value::behind_key(wanted, style, &before_key.replace('-', " "), end_of_line),
        false => format!(" {}", value::on_one_line(wanted, style)),
    };
    let cut = match new.strip_prefix(' ') {
        Some(value) if is_simple => (item.value_at.start..end, value.to_owned()),
        _ => (colon..end, new),
    };
    let lost: Vec<_> = item.comments.iter().filter(|at| cut.0.contains(&at.start)).collect();
    if lost.is_empty() {
        return Some(vec![cut]);
    }
    // Above the key; after the dash in an item of a list.
    let (at, margin) = match before_key.contains('-') {
        true => (item.key_at.start, before_key.replace('-', " ")),
        false => (start, before_key.to_owned()),
    };
    let comment = |at: &Range<usize>| match before_key.contains('-') {
        true => format!("{}{end_of_line}{margin}", &text[at.clone()]),
        false => format!("{margin}{}{end_of_line}", &text[at.clone()]),
    };
    let saved: String = lost.into_iter().map(comment).collect();
    Some(vec![(at..at, saved), cut])
}

/// The text of an entry including what separates it from the others.
fn entry(text: &str, mapping: &Mapping, n: usize) -> Option<Range<usize>> {
    let item = &mapping.items[n];
    if mapping.braces.is_some() && n > 0 {
        return Some(entry_end(&mapping.items[n - 1])..entry_end(item));
    }
    let next = mapping.items.get(n + 1);
    if mapping.braces.is_some() {
        return Some(item.key_at.start..next?.key_at.start);
    }
    let start = line_start(text, item.key_at.start);
    let end = after_line(text, value_end(text, item).max(item.key_at.end));
    match text[start..item.key_at.start].trim() {
        "" => Some(start..end),
        // After the dash of an item: what follows, a comment or a key, moves into its place.
        "-" if next.is_some() => {
            let rest = &text[end..];
            Some(item.key_at.start..end + rest.len() - rest.trim_start().len())
        }
        _ => None,
    }
}

/// The items of a list of texts written with dashes.
fn dashes(item: &Item) -> Option<Vec<(String, Range<usize>)>> {
    if let Shape::List(list) = &item.shape { list.dashes() } else { None }
}

/// The texts of a list that contains nothing else.
fn texts(value: &Plain) -> Option<Vec<String>> {
    let Plain::List(items) = value else { return None };
    let text = |item: &Plain| if let Plain::Scalar(text) = item { Some(text.clone()) } else { None };
    items.iter().map(text).collect()
}

type Items = [(String, Range<usize>)];

/// Whether a list can be changed line by line: each item has a dash of its own, and at least one item stays.
fn can_be_kept(text: &str, items: &Items, wanted: &[String]) -> bool {
    let has_dash = |at: usize| text[line_start(text, at)..at].trim() == "-";
    items.iter().all(|(_, at)| has_dash(at.start)) && kept(items, wanted).iter().any(Option::is_some)
}

/// Maps each wanted item to an old one. Both orders are kept, so some items may have to be written again.
fn kept(items: &Items, wanted: &[String]) -> Vec<Option<usize>> {
    let mut next = 0;
    let find = |wanted: &String| {
        let nth = items[next..].iter().position(|(item, _)| item == wanted)? + next;
        next = nth + 1;
        Some(nth)
    };
    wanted.iter().map(find).collect()
}

/// The lines to remove and to insert, so that a list has the wanted items.
fn changed_dashes(text: &str, items: &Items, wanted: &[String]) -> Cuts {
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

/// The text with each range replaced. Ranges do not overlap; texts inserted at the same position keep their order.
fn apply(text: &str, mut cuts: Cuts) -> String {
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

/// The position after the colon of a key.
fn colon(text: &str, item: &Item) -> Option<usize> {
    let rest = &text[item.key_at.end..];
    let gap = rest.len() - rest.trim_start().len();
    rest.trim_start().starts_with(':').then_some(item.key_at.end + gap + 1)
}
