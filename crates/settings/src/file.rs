//! The configuration file: one flat YAML mapping, each value with the place where it stands.
//!
//! Values are kept as they were written, because only the kind of a setting knows whether `007` is a number or a
//! key; so this reads the parser's events and asks nobody to guess types.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span};

use super::mistake::{Mistake, Place};

/// A configuration file that was read.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) entries: Vec<Entry>,
}

/// One `key: value`.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_place: Place,
    pub(super) value: Value,
    pub(super) place: Place,
}

/// The value of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    One(String),
    Many(Vec<String>),
    /// A mapping, an alias, a list of lists: nothing a setting can take.
    Odd,
}

type Events<'a> = std::iter::Peekable<Box<dyn Iterator<Item = Result<(Event<'a>, Span), Mistake>> + 'a>>;

impl File {
    /// Reads the file at `path`; `Ok(None)` if there is none.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, Vec<Mistake>> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => {
                let place = Place::WholeFile(path.to_owned());
                Err(vec![Mistake { place, what: format!("cannot be read: {error}") }])
            }
        }
    }

    /// Reads `text`, which stands in the file at `path`.
    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, Vec<Mistake>> {
        let file = Self::parse_as_written(path, text).map_err(|mistake| vec![mistake])?;
        let twice = file.given_twice();
        if twice.is_empty() { Ok(file) } else { Err(twice) }
    }

    /// Reads `text`, in which a key may stand twice.
    pub(super) fn parse_as_written(path: &Path, text: &str) -> Result<Self, Mistake> {
        let mut file = Self { path: path.to_owned(), entries: Vec::new() };
        let events: Box<dyn Iterator<Item = _>> =
            Box::new(Parser::new_from_str(text).filter_map(|event| match event {
                Ok((Event::Comment(..) | Event::StreamStart | Event::DocumentStart(..), _)) => None,
                Ok(event) => Some(Ok(event)),
                Err(error) => {
                    let place = place(path, error.marker().line(), error.marker().col());
                    Some(Err(Mistake { place, what: format!("not YAML: {}", error.info()) }))
                }
            }));
        file.document(&mut events.peekable())?;
        Ok(file)
    }

    /// The entry of this key, in either spelling.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.is(key))
    }

    fn document(&mut self, events: &mut Events<'_>) -> Result<(), Mistake> {
        match next(events)? {
            Some((Event::MappingStart(..), _)) => {}
            None | Some((Event::StreamEnd | Event::DocumentEnd, _)) => return Ok(()),
            Some((Event::Scalar(text, style, ..), _)) if scalar(&text, style).is_empty() => return Ok(()),
            Some((_, span)) => {
                let what = "a list of `key: value` lines is wanted here".to_owned();
                return Err(Mistake { place: self.place(&span), what });
            }
        }
        while let Some((event, span)) = next(events)? {
            match event {
                Event::MappingEnd => break,
                Event::Scalar(key, ..) => {
                    let key = key.into_owned();
                    let (value, at) = value(events)?;
                    let (key_place, place) = (self.place(&span), self.place(&at));
                    self.entries.push(Entry { key, key_place, value, place });
                }
                _ => {
                    let what = "a setting's name is wanted here".to_owned();
                    return Err(Mistake { place: self.place(&span), what });
                }
            }
        }
        Ok(())
    }

    fn given_twice(&self) -> Vec<Mistake> {
        let earlier = |n: usize| self.entries[..n].iter().any(|entry| entry.is(&self.entries[n].key));
        let twice = (0..self.entries.len()).filter(|n| earlier(*n)).map(|n| &self.entries[n]);
        twice
            .map(|entry| Mistake {
                place: entry.key_place.clone(),
                what: format!("{} was already given above", entry.key),
            })
            .collect()
    }

    fn place(&self, span: &Span) -> Place {
        place(&self.path, span.start.line(), span.start.col())
    }
}

impl Entry {
    /// Whether it sets `key`: spelled so, or squashed (`serverurl`) as the older programs wanted it.
    pub(super) fn is(&self, key: &str) -> bool {
        means(&self.key, key)
    }
}

/// Whether `written` is a spelling of `key`.
pub(super) fn means(written: &str, key: &str) -> bool {
    written == key || squashed(written) == squashed(key) && !written.contains('-')
}

fn squashed(key: &str) -> String {
    key.replace('_', "")
}

fn place(path: &Path, line: usize, column_from_0: usize) -> Place {
    Place::File { path: path.to_owned(), line, column: column_from_0 + 1 }
}

fn next<'a>(events: &mut Events<'a>) -> Result<Option<(Event<'a>, Span)>, Mistake> {
    events.next().transpose()
}

/// The value that comes next, whatever it is, and where it begins.
fn value(events: &mut Events<'_>) -> Result<(Value, Span), Mistake> {
    let Some((event, at)) = next(events)? else {
        return Ok((Value::Odd, Span::default()));
    };
    let value = match event {
        Event::Scalar(text, style, ..) => Value::One(scalar(&text, style)),
        Event::SequenceStart(..) => list(events)?,
        Event::MappingStart(..) => skip(events)?,
        _ => Value::Odd,
    };
    Ok((value, at))
}

/// The text of a scalar; the plain words for "nothing" are nothing.
pub(super) fn scalar(text: &str, style: ScalarStyle) -> String {
    let nothing = style == ScalarStyle::Plain && matches!(text, "~" | "null" | "Null" | "NULL");
    if nothing { String::new() } else { text.to_owned() }
}

/// The rest of a list whose start was read.
fn list(events: &mut Events<'_>) -> Result<Value, Mistake> {
    let mut items = Some(Vec::new());
    while let Some(event) = events.peek() {
        if matches!(event, Ok((Event::SequenceEnd, _))) {
            next(events)?;
            break;
        }
        match (value(events)?.0, &mut items) {
            (Value::One(item), Some(items)) => items.push(item),
            _ => items = None,
        }
    }
    Ok(items.map_or(Value::Odd, Value::Many))
}

/// The rest of a mapping whose start was read.
fn skip(events: &mut Events<'_>) -> Result<Value, Mistake> {
    let mut depth = 1;
    while depth > 0 {
        match next(events)? {
            Some((Event::MappingStart(..) | Event::SequenceStart(..), _)) => depth += 1,
            Some((Event::MappingEnd | Event::SequenceEnd, _)) => depth -= 1,
            None => break,
            _ => {}
        }
    }
    Ok(Value::Odd)
}
