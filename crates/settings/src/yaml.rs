//! A YAML file as a tree of values with their positions.
//!
//! Values are kept as written, because only the kind of a setting knows whether `007` is a number or a
//! key; so this reads the parser's events and ignores types. The parser limits the depth of nesting.

use std::path::Path;

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span};

use super::mistake::{Mistake, SourceSpan};

/// One `key: value`.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: SourceSpan,
    pub(super) node: Node,
}

/// A value, and its position.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) span: SourceSpan,
}

/// A value.
#[derive(Debug)]
pub(super) enum Value {
    Scalar(String),
    List(Vec<Node>),
    Mapping(Vec<Entry>),
    /// An alias, or a mapping with keys that are not scalars: no setting accepts it.
    Other,
}

/// A value without positions, for comparing and writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Plain {
    Scalar(String),
    List(Vec<Plain>),
    Mapping(Vec<(String, Plain)>),
    Other,
}

type Events<'a> = std::iter::Peekable<Box<dyn Iterator<Item = Result<(Event<'a>, Span), Mistake>> + 'a>>;

/// Parses the text of the file at `path`: the top-level entries. A key may be repeated.
pub(super) fn parse(path: &Path, text: &str) -> Result<Vec<Entry>, Mistake> {
    let events: Box<dyn Iterator<Item = _>> =
        Box::new(Parser::new_from_str(text).filter_map(|event| match event {
            Ok((Event::Comment(..) | Event::StreamStart | Event::DocumentStart(..), _)) => None,
            Ok(event) => Some(Ok(event)),
            Err(error) => {
                let place = span_at(path, error.marker().line(), error.marker().col());
                Some(Err(Mistake { place, what: format!("not valid YAML: {}", error.info()) }))
            }
        }));
    Tree { path }.document(&mut events.peekable())
}

/// Builds the tree from the parser's events.
struct Tree<'p> {
    path: &'p Path,
}

impl Tree<'_> {
    fn document(&self, events: &mut Events<'_>) -> Result<Vec<Entry>, Mistake> {
        match next(events)? {
            Some((Event::MappingStart(..), _)) => {}
            None | Some((Event::StreamEnd | Event::DocumentEnd, _)) => return Ok(Vec::new()),
            Some((Event::Scalar(text, style, ..), _)) if scalar(&text, style).is_empty() => {
                return Ok(Vec::new());
            }
            Some((_, at)) => {
                let what = "expected `key: value` lines".to_owned();
                return Err(Mistake { place: self.span(&at), what });
            }
        }
        self.mapping(events)?.map_err(|at| {
            let what = "expected the name of a setting".to_owned();
            Mistake { place: self.span(&at), what }
        })
    }

    /// The rest of a mapping whose start was read, or the position of a key that is not a scalar.
    fn mapping(&self, events: &mut Events<'_>) -> Result<Result<Vec<Entry>, Span>, Mistake> {
        let (mut entries, mut odd_key) = (Vec::new(), None);
        while let Some(event) = events.peek() {
            if let Ok((Event::MappingEnd, _)) = event {
                next(events)?;
                break;
            }
            let key = match event {
                Ok((Event::Scalar(text, ..), _)) => Some(text.to_string()),
                _ => None,
            };
            let Some((_, at)) = self.node(events)? else { break };
            let Some((value, value_at)) = self.node(events)? else { break };
            match key {
                Some(key) => {
                    let node = Node { value, span: self.span(&value_at) };
                    entries.push(Entry { key, key_span: self.span(&at), node });
                }
                None => odd_key = odd_key.or(Some(at)),
            }
        }
        Ok(odd_key.map_or(Ok(entries), Err))
    }

    /// The rest of a list whose start was read.
    fn list(&self, events: &mut Events<'_>) -> Result<Vec<Node>, Mistake> {
        let mut items = Vec::new();
        while let Some(event) = events.peek() {
            if let Ok((Event::SequenceEnd, _)) = event {
                next(events)?;
                break;
            }
            let Some((value, at)) = self.node(events)? else { break };
            items.push(Node { value, span: self.span(&at) });
        }
        Ok(items)
    }

    /// The next value of any kind, and its position.
    fn node(&self, events: &mut Events<'_>) -> Result<Option<(Value, Span)>, Mistake> {
        let Some((event, at)) = next(events)? else { return Ok(None) };
        let value = match event {
            Event::Scalar(text, style, ..) => Value::Scalar(scalar(&text, style)),
            Event::SequenceStart(..) => Value::List(self.list(events)?),
            Event::MappingStart(..) => self.mapping(events)?.map_or(Value::Other, Value::Mapping),
            _ => Value::Other,
        };
        Ok(Some((value, at)))
    }

    fn span(&self, span: &Span) -> SourceSpan {
        span_at(self.path, span.start.line(), span.start.col())
    }
}

impl Entry {
    /// Whether the entry sets `key`: in this spelling, or without underscores (`serverurl`), as older programs wrote it.
    pub(super) fn is(&self, key: &str) -> bool {
        means(&self.key, key)
    }
}

impl Value {
    /// Whether the value is empty.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Scalar(text) if text.trim().is_empty())
    }

    /// The value in words; `None` for a text.
    pub(super) fn shape(&self) -> Option<&'static str> {
        match self {
            Self::Scalar(_) => None,
            Self::List(_) => Some("a list"),
            Self::Mapping(_) => Some("a mapping"),
            Self::Other => Some("an alias or an unusual key"),
        }
    }

    /// The items, if it is a list of texts.
    pub(super) fn texts(&self) -> Option<Vec<&str>> {
        let Self::List(items) = self else { return None };
        let texts = items.iter().map(|item| match &item.value {
            Self::Scalar(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    pub(super) fn plain(&self) -> Plain {
        match self {
            Self::Scalar(text) => Plain::Scalar(text.clone()),
            Self::List(items) => Plain::List(items.iter().map(|item| item.value.plain()).collect()),
            Self::Mapping(entries) => Plain::Mapping(plain(entries)),
            Self::Other => Plain::Other,
        }
    }
}

impl Plain {
    /// A list of texts.
    pub(super) fn texts(texts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::List(texts.into_iter().map(|text| Self::Scalar(text.into())).collect())
    }
}

/// The entries of a mapping without their positions.
pub(super) fn plain(entries: &[Entry]) -> Vec<(String, Plain)> {
    entries.iter().map(|entry| (entry.key.clone(), entry.node.value.plain())).collect()
}

/// Whether `written` is a spelling of `key`.
pub(super) fn means(written: &str, key: &str) -> bool {
    written == key || squashed(written) == squashed(key) && !written.contains('-')
}

fn squashed(key: &str) -> String {
    key.replace('_', "")
}

/// The text of a scalar; YAML's plain words for null become `None`.
pub(super) fn scalar(text: &str, style: ScalarStyle) -> String {
    let nothing = style == ScalarStyle::Plain && matches!(text, "~" | "null" | "Null" | "NULL");
    if nothing { String::new() } else { text.to_owned() }
}

fn span_at(path: &Path, line: usize, column_from_0: usize) -> SourceSpan {
    SourceSpan::File { path: path.to_owned(), line, column: column_from_0 + 1 }
}

fn next<'a>(events: &mut Events<'a>) -> Result<Option<(Event<'a>, Span)>, Mistake> {
    events.next().transpose()
}
