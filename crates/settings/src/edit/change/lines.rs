//! Where lines, entries and values begin and end in a text.

use std::ops::Range;

use serde_saphyr::granit_parser::ScalarStyle;

use super::super::layout::{Item, Shape};

/// Where a value ends. Blank lines below a block of text do not belong to it.
pub(super) fn value_end(text: &str, item: &Item) -> usize {
    match item.shape {
        Shape::Scalar(ScalarStyle::Literal | ScalarStyle::Folded) => {
            item.value_at.start + text[item.value_at.clone()].trim_end().len()
        }
        _ => item.value_at.end,
    }
}

/// Where an entry ends: its value or its key.
pub(super) fn entry_end(item: &Item) -> usize {
    shape_end(&item.shape, &item.value_at).max(item.key_at.end)
}

/// Where a value ends, including its last entry or item.
pub(super) fn shape_end(shape: &Shape, at: &Range<usize>) -> usize {
    let inner = match shape {
        Shape::Mapping(mapping) => mapping.items.last().map(entry_end),
        Shape::List(list) => list.elements.last().map(|element| shape_end(&element.shape, &element.at)),
        Shape::Scalar(_) | Shape::Other => None,
    };
    inner.map_or(at.end, |inner| inner.max(at.end))
}

/// Where the text begins, after a byte order mark.
pub(super) fn first(text: &str) -> usize {
    if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 }
}

pub(super) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(first(text), |found| found + 1)
}

/// The start of the line after the one that contains `at`; `at` itself if a line begins there.
pub(super) fn after_line(text: &str, at: usize) -> usize {
    if text[..at].ends_with('\n') {
        return at;
    }
    text[at..].find('\n').map_or(text.len(), |found| at + found + 1)
}

/// The line break of this file.
pub(super) fn line_end(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// The indentation of a key; after the dash of an item, the same number of spaces.
pub(super) fn margin(text: &str, key_at: usize) -> Option<String> {
    let before = &text[line_start(text, key_at)..key_at];
    before.chars().all(|c| matches!(c, ' ' | '-')).then(|| before.replace('-', " "))
}
