//! The position of everything in the text of a settings file, byte by byte.

use std::ops::Range;

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};

use crate::{
    KeyPath,
    key_path::Step,
    yaml::{means, scalar},
};

/// The layout of a file.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) root: Mapping,
    /// Where the document ends: before `...`, if there is one.
    pub(super) end: usize,
}

/// The entries, in order.
#[derive(Debug, Default)]
pub(super) struct Mapping {
    pub(super) items: Vec<Item>,
    /// The braces of `{a: 1}`, if it is written that way.
    pub(super) braces: Option<Range<usize>>,
}

/// One `key: value`.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) key: String,
    pub(super) key_at: Range<usize>,
    /// The range of the value; empty if there is none.
    pub(super) value_at: Range<usize>,
    pub(super) shape: Shape,
    /// Comments within the value.
    pub(super) comments: Vec<Range<usize>>,
}

/// How a value is written.
#[derive(Debug)]
pub(super) enum Shape {
    /// A text, and its quotes, if any.
    Scalar(ScalarStyle),
    List(List),
    Mapping(Mapping),
    /// Anything else, such as an alias.
    Other,
}

#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) elements: Vec<Element>,
    /// Whether it is written with brackets instead of dashes.
    pub(super) is_flow: bool,
}

/// An item of a list.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) at: Range<usize>,
    pub(super) shape: Shape,
    /// Its text, if it is one.
    pub(super) text: Option<String>,
}

type Token<'a> = (Event<'a>, Range<usize>);

/// The layout of `text`; `None` if it is not a file of `key: value` lines.
pub(super) fn of(text: &str) -> Option<Layout> {
    let tokens = Parser::new_from_str(text)
        .map(|event| event.ok().and_then(|(event, span)| Some((event, bytes(&span)?))));
    let tokens: Vec<Token<'_>> = tokens.collect::<Option<_>>()?;
    let start = tokens.iter().position(|(event, ..)| matches!(event, Event::DocumentStart(..)));
    let Some(start) = start else { return Some(Layout { end: text.len(), ..Layout::default() }) };
    let length = tokens[start..].iter().position(|(event, ..)| matches!(event, Event::DocumentEnd))?;
    // Without `...`, the document extends to the end of the text, including comments.
    let end = Some(&tokens[start + length].1).filter(|at| text.get((*at).clone()) == Some("..."));
    let end = end.map_or(text.len(), |at| at.start);
    let mut walk = Walk { rest: &tokens[start + 1..start + length], comments: Vec::new() };
    let (root, at, _) = walk.value()?;
    match root {
        Shape::Mapping(root) => Some(Layout { root, end }),
        Shape::Scalar(_) if at.is_empty() => Some(Layout { end, ..Layout::default() }),
        _ => None,
    }
}

impl List {
    /// The items with their positions, if they are texts with dashes and nothing else.
    pub(super) fn dashes(&self) -> Option<Vec<(String, Range<usize>)>> {
        let items = self.elements.iter().map(|element| Some((element.text.clone()?, element.at.clone())));
        items.collect::<Option<_>>().filter(|_| !self.is_flow)
    }
}

impl Element {
    pub(super) fn start(&self) -> usize {
        match &self.shape {
            Shape::Mapping(Mapping { items, braces: None }) => {
                items.first().map_or(self.at.start, |item| item.key_at.start)
            }
            _ => self.at.start,
        }
    }
}

impl Layout {
    /// The mapping at `path`.
    pub(super) fn mapping(&self, path: &KeyPath) -> Option<&Mapping> {
        let mut mapping = Some(&self.root);
        let mut list: Option<&List> = None;
        for step in path.steps() {
            let shape = match step {
                Step::Key(key) => &mapping?.items.iter().find(|item| means(&item.key, key))?.shape,
                Step::Item(index) => &list?.elements.get((*index)?)?.shape,
            };
            mapping = if let Shape::Mapping(mapping) = shape { Some(mapping) } else { None };
            list = if let Shape::List(list) = shape { Some(list) } else { None };
        }
        mapping
    }

    /// The entry at `path`, which must end with a key.
    pub(super) fn item(&self, path: &KeyPath) -> Option<&Item> {
        let (mapping, key) = (self.mapping(&path.parent()?)?, path.last_key()?);
        mapping.items.iter().find(|item| means(&item.key, key))
    }
}

/// Iterates over the tokens of a document.
struct Walk<'t, 'a> {
    rest: &'t [Token<'a>],
    comments: Vec<Range<usize>>,
}

impl<'t, 'a> Walk<'t, 'a> {
    /// The next token other than a comment, without consuming it.
    fn peek(&mut self) -> Option<&'t Token<'a>> {
        while let [(Event::Comment(..), at), rest @ ..] = self.rest {
            self.comments.push(at.clone());
            self.rest = rest;
        }
        self.rest.first()
    }

    fn next(&mut self) -> Option<&'t Token<'a>> {
        let token = self.peek()?;
        self.rest = &self.rest[1..];
        Some(token)
    }

    /// The next value, its range, and its text if it is one.
    fn value(&mut self) -> Option<(Shape, Range<usize>, Option<String>)> {
        let (event, at) = self.next()?;
        Some(match event {
            Event::Scalar(text, style, ..) => (Shape::Scalar(*style), at.clone(), Some(text.to_string())),
            Event::SequenceStart(style, ..) => {
                let (list, end) = self.list(*style, at.end)?;
                (Shape::List(list), at.start..end, None)
            }
            Event::MappingStart(style, ..) => {
                let (mapping, end) = self.mapping(*style, at)?;
                (mapping.map_or(Shape::Other, Shape::Mapping), at.start..end, None)
            }
            _ => (Shape::Other, at.clone(), None),
        })
    }

    /// The rest of a list, and where it ends.
    fn list(&mut self, style: StructureStyle, start: usize) -> Option<(List, usize)> {
        let (mut elements, mut end) = (Vec::new(), start);
        loop {
            if let (Event::SequenceEnd, at) = self.peek()? {
                self.next();
                // A collection without brackets ends where the next thing begins.
                let end = if at.is_empty() { end } else { at.end };
                return Some((List { elements, is_flow: style == StructureStyle::Flow }, end));
            }
            let (shape, at, text) = self.value()?;
            end = at.end;
            let text = match (text, &shape) {
                (Some(text), Shape::Scalar(style)) => Some(scalar(&text, *style)),
                _ => None,
            };
            elements.push(Element { at, shape, text });
        }
    }

    /// The rest of a mapping, if all its keys are texts, and where it ends.
    fn mapping(&mut self, style: StructureStyle, start: &Range<usize>) -> Option<(Option<Mapping>, usize)> {
        let (mut items, mut end) = (Some(Vec::new()), start.end);
        loop {
            if let (Event::MappingEnd, at) = self.peek()? {
                self.next();
                let end = if at.is_empty() { end } else { at.end };
                let braces = Some(start.start..end).filter(|_| style == StructureStyle::Flow);
                return Some((items.map(|items| Mapping { items, braces }), end));
            }
            let (_, key_at, key) = self.value()?;
            let first = self.comments.len();
            let (shape, value_at, _) = self.value()?;
            end = value_at.end;
            let comments =
                self.comments[first..].iter().filter(|at| at.start < value_at.end).cloned().collect();
            match (key, &mut items) {
                (Some(key), Some(items)) => items.push(Item { key, key_at, value_at, shape, comments }),
                _ => items = None,
            }
        }
    }
}

fn bytes(span: &Span) -> Option<Range<usize>> {
    Some(span.start.byte_offset()?..span.end.byte_offset()?)
}
