//! Where everything of a settings file stands in its text, byte by byte.

use std::ops::Range;

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};

/// The entries of a file, in their order.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) items: Vec<Item>,
    /// The braces of `{a: 1}`, if the whole file is written that way.
    pub(super) braces: Option<Range<usize>>,
    /// Where the document ends: before `...`, if that is written.
    pub(super) end: usize,
}

/// One `key: value`.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) key: String,
    pub(super) key_at: Range<usize>,
    /// The value as it is written; empty where nothing stands.
    pub(super) value_at: Range<usize>,
    pub(super) shape: Shape,
    /// Comments within the value.
    pub(super) comments: Vec<Range<usize>>,
}

/// How a value is written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A text in these quotes, if any.
    Scalar(ScalarStyle),
    /// Lines with dashes; the items as they are written.
    Dashes(Vec<(String, Range<usize>)>),
    /// Anything else: brackets, braces, an alias.
    Other,
}

type Token<'a> = (Event<'a>, Range<usize>);

/// The layout of `text`; nothing if it is no file of `key: value`.
pub(super) fn of(text: &str) -> Option<Layout> {
    let tokens = Parser::new_from_str(text)
        .map(|event| event.ok().and_then(|(event, span)| Some((event, bytes(&span)?))));
    let tokens: Vec<Token<'_>> = tokens.collect::<Option<_>>()?;
    let start = tokens.iter().position(|(event, ..)| matches!(event, Event::DocumentStart(..)));
    let Some(start) = start else { return Some(Layout { end: text.len(), ..Layout::default() }) };
    let length = tokens[start..].iter().position(|(event, ..)| matches!(event, Event::DocumentEnd))?;
    let document = &tokens[start + 1..start + length];
    // Without `...` the document goes on to the end of the text, comments and all.
    let end = Some(&tokens[start + length].1).filter(|at| text.get((*at).clone()) == Some("..."));
    let mut layout = Layout { end: end.map_or(text.len(), |at| at.start), ..Layout::default() };
    let mut rest = document.iter().peekable();
    let root = rest.find(|token| !is_comment(token))?;
    match &root.0 {
        Event::MappingStart(StructureStyle::Flow, ..) => {
            let close = document.iter().rfind(|(event, ..)| matches!(event, Event::MappingEnd))?;
            layout.braces = Some(root.1.start..close.1.end);
        }
        Event::MappingStart(..) => {}
        Event::Scalar(..) if root.1.is_empty() => return Some(layout),
        _ => return None,
    }
    while let Some(token) = rest.next() {
        match token {
            token if is_comment(token) => {}
            (Event::MappingEnd, ..) => break,
            (Event::Scalar(key, ..), at) => {
                layout.items.push(item(key.to_string(), at.clone(), &mut rest)?);
            }
            _ => return None,
        }
    }
    Some(layout)
}

/// The value after a key, taken off `rest`.
fn item<'a, 't: 'a>(
    key: String,
    key_at: Range<usize>,
    rest: &mut impl Iterator<Item = &'a Token<'t>>,
) -> Option<Item> {
    let mut comments = Vec::new();
    let first = loop {
        match rest.next()? {
            token if is_comment(token) => comments.push(token.1.clone()),
            token => break token,
        }
    };
    let (shape, value_at) = match &first.0 {
        Event::Scalar(_, style, ..) => (Shape::Scalar(*style), first.1.clone()),
        Event::SequenceStart(style, ..) => {
            let (items, end) = collection(rest, &mut comments, first.1.end)?;
            let dashes = items.filter(|_| *style == StructureStyle::Block);
            (dashes.map_or(Shape::Other, Shape::Dashes), first.1.start..end)
        }
        Event::MappingStart(..) => {
            let (_, end) = collection(rest, &mut comments, first.1.end)?;
            (Shape::Other, first.1.start..end)
        }
        _ => (Shape::Other, first.1.clone()),
    };
    comments.retain(|at| at.start < value_at.end);
    Some(Item { key, key_at, value_at, shape, comments })
}

/// The rest of a collection that was begun: its scalars, if it has nothing else, and where its last part ends.
#[expect(clippy::type_complexity, reason = "two facts of one walk, used once")]
fn collection<'a, 't: 'a>(
    rest: &mut impl Iterator<Item = &'a Token<'t>>,
    comments: &mut Vec<Range<usize>>,
    start: usize,
) -> Option<(Option<Vec<(String, Range<usize>)>>, usize)> {
    let (mut items, mut end, mut depth) = (Some(Vec::new()), start, 1);
    while depth > 0 {
        let (event, at) = rest.next()?;
        match event {
            Event::Comment(..) => {
                comments.push(at.clone());
                continue;
            }
            Event::MappingEnd | Event::SequenceEnd => {
                depth -= 1;
                // The end of a collection without brackets is where the next thing begins.
                end = if at.is_empty() { end } else { at.end };
                continue;
            }
            Event::Scalar(text, style, ..) if depth == 1 => {
                let text = crate::file::scalar(text, *style);
                items.iter_mut().for_each(|items| items.push((text.clone(), at.clone())));
            }
            Event::MappingStart(..) | Event::SequenceStart(..) => (depth, items) = (depth + 1, None),
            _ => items = None,
        }
        end = at.end;
    }
    Some((items, end))
}

fn is_comment(token: &Token<'_>) -> bool {
    matches!(token.0, Event::Comment(..) | Event::StreamStart)
}

fn bytes(span: &Span) -> Option<Range<usize>> {
    Some(span.start.byte_offset()?..span.end.byte_offset()?)
}
