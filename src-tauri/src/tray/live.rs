//! A menu on the screen, and how it becomes another one with as few changes as possible.

use std::mem::discriminant;

use tauri::menu::{CheckMenuItem, IsMenuItem, MenuItem, PredefinedMenuItem, Submenu};
use tauri::{AppHandle, Wry};

use crate::menu::{Kind, Row};

/// The rows of a menu or submenu, as they are on the screen.
#[derive(Default)]
pub(super) struct Level(Vec<Live>);

struct Live {
    row: Row,
    item: Item,
}

enum Item {
    Plain(MenuItem<Wry>),
    Check(CheckMenuItem<Wry>),
    Separator(PredefinedMenuItem<Wry>),
    Submenu(Submenu<Wry>, Level),
}

/// What rows can be put into.
pub(super) trait Holder {
    fn insert(&self, item: &dyn IsMenuItem<Wry>, position: usize) -> tauri::Result<()>;
    fn remove(&self, item: &dyn IsMenuItem<Wry>) -> tauri::Result<()>;
}

impl Holder for tauri::menu::Menu<Wry> {
    fn insert(&self, item: &dyn IsMenuItem<Wry>, position: usize) -> tauri::Result<()> {
        self.insert(item, position)
    }
    fn remove(&self, item: &dyn IsMenuItem<Wry>) -> tauri::Result<()> {
        self.remove(item)
    }
}

impl Holder for Submenu<Wry> {
    fn insert(&self, item: &dyn IsMenuItem<Wry>, position: usize) -> tauri::Result<()> {
        self.insert(item, position)
    }
    fn remove(&self, item: &dyn IsMenuItem<Wry>) -> tauri::Result<()> {
        self.remove(item)
    }
}

/// One step from the rows that are there to the rows that are wanted.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// The row at this place stays, perhaps with another label.
    Keep(usize),
    /// The row at this place goes.
    Remove(usize),
    /// The wanted row of this number comes to this place.
    Insert(usize),
}

impl Level {
    /// Makes it show `wanted`.
    pub(super) fn change(
        &mut self,
        app: &AppHandle,
        holder: &dyn Holder,
        wanted: &[Row],
    ) -> tauri::Result<()> {
        let there: Vec<_> = self.0.iter().map(|live| live.row.clone()).collect();
        for step in steps(&there, wanted) {
            match step {
                Step::Keep(at) => self.0[at].change(app, &wanted[at])?,
                Step::Remove(at) => holder.remove(self.0.remove(at).item.as_menu_item())?,
                Step::Insert(at) => {
                    let live = Live::new(app, &wanted[at])?;
                    holder.insert(live.item.as_menu_item(), at)?;
                    self.0.insert(at, live);
                }
            }
        }
        Ok(())
    }
}

/// The steps, from top to bottom: when the row at a place is dealt with, all above it are as wanted.
fn steps(there: &[Row], wanted: &[Row]) -> Vec<Step> {
    let mut there: Vec<&Row> = there.iter().collect();
    let mut steps = Vec::new();
    for (at, row) in wanted.iter().enumerate() {
        match there.iter().skip(at).position(|other| is_same_row(other, row)) {
            Some(surplus) => {
                there.drain(at..at + surplus);
                steps.extend((0..surplus).map(|_| Step::Remove(at)));
                steps.push(Step::Keep(at));
            }
            None => {
                there.insert(at, row);
                steps.push(Step::Insert(at));
            }
        }
    }
    steps.extend((wanted.len()..there.len()).map(|_| Step::Remove(wanted.len())));
    steps
}

/// Whether one can become the other by changing its label and marks.
fn is_same_row(one: &Row, other: &Row) -> bool {
    one.id == other.id && discriminant(&one.kind) == discriminant(&other.kind)
}

impl Live {
    fn new(app: &AppHandle, row: &Row) -> tauri::Result<Self> {
        let label = plain(&row.label);
        let item = match &row.kind {
            Kind::Item => Item::Plain(MenuItem::with_id(app, &row.id, label, row.enabled, None::<&str>)?),
            Kind::Check(on) => {
                Item::Check(CheckMenuItem::with_id(app, &row.id, label, row.enabled, *on, None::<&str>)?)
            }
            Kind::Separator => Item::Separator(PredefinedMenuItem::separator(app)?),
            Kind::Submenu(rows) => {
                let submenu = Submenu::with_id(app, &row.id, label, row.enabled)?;
                let mut level = Level::default();
                level.change(app, &submenu, rows)?;
                Item::Submenu(submenu, level)
            }
        };
        Ok(Self { row: row.clone(), item })
    }

    fn change(&mut self, app: &AppHandle, wanted: &Row) -> tauri::Result<()> {
        let new_label = (self.row.label != wanted.label).then(|| plain(&wanted.label));
        let new_enabled = (self.row.enabled != wanted.enabled).then_some(wanted.enabled);
        match (&mut self.item, &wanted.kind) {
            (Item::Plain(item), _) => {
                new_label.map_or(Ok(()), |label| item.set_text(label))?;
                new_enabled.map_or(Ok(()), |enabled| item.set_enabled(enabled))?;
            }
            (Item::Check(item), Kind::Check(on)) => {
                new_label.map_or(Ok(()), |label| item.set_text(label))?;
                new_enabled.map_or(Ok(()), |enabled| item.set_enabled(enabled))?;
                // A click changes the mark by itself, whatever becomes of what was asked for.
                if item.is_checked()? != *on {
                    item.set_checked(*on)?;
                }
            }
            (Item::Submenu(item, level), Kind::Submenu(rows)) => {
                new_label.map_or(Ok(()), |label| item.set_text(label))?;
                new_enabled.map_or(Ok(()), |enabled| item.set_enabled(enabled))?;
                level.change(app, &*item, rows)?;
            }
            _ => {}
        }
        self.row = wanted.clone();
        Ok(())
    }
}

/// A label in which `&` is a character, not the mark of an access key.
fn plain(label: &str) -> String {
    label.replace('&', "&&")
}

impl Item {
    fn as_menu_item(&self) -> &dyn IsMenuItem<Wry> {
        match self {
            Self::Plain(item) => item,
            Self::Check(item) => item,
            Self::Separator(item) => item,
            Self::Submenu(item, _) => item,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(id: &str, kind: Kind) -> Row {
        Row { id: id.to_owned(), label: id.to_owned(), enabled: true, kind }
    }

    fn rows(ids: &str) -> Vec<Row> {
        ids.chars().map(|id| row(&id.to_string(), Kind::Item)).collect()
    }

    /// What the screen shows after the steps.
    fn taken(there: &[Row], wanted: &[Row]) -> Vec<Row> {
        let mut shown = there.to_vec();
        for step in steps(there, wanted) {
            match step {
                Step::Keep(at) => {
                    assert!(is_same_row(&shown[at], &wanted[at]));
                    shown[at] = wanted[at].clone();
                }
                Step::Remove(at) => drop(shown.remove(at)),
                Step::Insert(at) => shown.insert(at, wanted[at].clone()),
            }
        }
        shown
    }

    #[test]
    fn only_what_differs_is_touched() {
        let check = |there: &str, wanted: &str, steps_wanted: &[Step]| {
            let steps = steps(&rows(there), &rows(wanted));
            let steps: Vec<_> = steps.into_iter().filter(|step| !matches!(step, Step::Keep(_))).collect();
            assert_eq!(steps, steps_wanted, "{there} to {wanted}");
        };
        check("abc", "abc", &[]);
        check("abc", "ac", &[Step::Remove(1)]);
        check("ac", "abc", &[Step::Insert(1)]);
        check("abc", "axc", &[Step::Insert(1), Step::Remove(2)]);
        check("abc", "", &[Step::Remove(0), Step::Remove(0), Step::Remove(0)]);
    }

    #[test]
    fn another_kind_is_another_row() {
        let (plain, check) = ([row("a", Kind::Item)], [row("a", Kind::Check(true))]);
        assert_eq!(steps(&plain, &check), [Step::Insert(0), Step::Remove(1)]);
        assert_eq!(steps(&[row("a", Kind::Check(false))], &check), [Step::Keep(0)]);
    }

    #[test]
    fn an_ampersand_is_shown() {
        assert_eq!(plain("Q&A"), "Q&&A");
    }

    fn distinct() -> impl Strategy<Value = Vec<Row>> {
        let ids = proptest::sample::subsequence(('a'..='h').collect::<Vec<_>>(), 0..=8).prop_shuffle();
        ids.prop_map(|ids| rows(&ids.into_iter().collect::<String>()))
    }

    proptest! {
        #[test]
        fn any_menu_becomes_any_other(there in distinct(), wanted in distinct()) {
            prop_assert_eq!(taken(&there, &wanted), wanted);
        }
    }
}
