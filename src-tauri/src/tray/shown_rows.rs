//! The rows of a menu on the screen, and how to change them with as few steps as possible.

use std::mem::discriminant;

use tauri::menu::{CheckMenuItem, IsMenuItem, MenuItem, PredefinedMenuItem, Submenu};
use tauri::{AppHandle, Wry};

use crate::menu::{Row, RowKind};

/// The rows of a menu or submenu on the screen.
#[derive(Default)]
pub(super) struct ShownRows(Vec<ShownRow>);

struct ShownRow {
    row: Row,
    item: Item,
}

enum Item {
    Plain(MenuItem<Wry>),
    Check(CheckMenuItem<Wry>),
    Separator(PredefinedMenuItem<Wry>),
    Submenu(Submenu<Wry>, ShownRows),
}

/// A menu or submenu that holds rows.
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

/// A step from the current to the wanted rows.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// Keep the row at this index, perhaps with another label.
    Keep(usize),
    /// Remove the row at this index.
    Remove(usize),
    /// Insert the wanted row of this index.
    Insert(usize),
}

impl ShownRows {
    /// Changes the rows to `wanted`.
    pub(super) fn change(
        &mut self,
        app: &AppHandle,
        holder: &dyn Holder,
        wanted: &[Row],
    ) -> tauri::Result<()> {
        let there: Vec<_> = self.0.iter().map(|shown| shown.row.clone()).collect();
        for step in steps(&there, wanted) {
            match step {
                Step::Keep(at) => self.0[at].change(app, &wanted[at])?,
                Step::Remove(at) => holder.remove(self.0.remove(at).item.as_menu_item())?,
                Step::Insert(at) => {
                    let shown = ShownRow::new(app, &wanted[at])?;
                    holder.insert(shown.item.as_menu_item(), at)?;
                    self.0.insert(at, shown);
                }
            }
        }
        Ok(())
    }
}

/// The steps from top to bottom. After the step for a row, all rows above it are as wanted.
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

/// Whether one becomes the other by changing label and check mark.
fn is_same_row(one: &Row, other: &Row) -> bool {
    one.id == other.id && discriminant(&one.kind) == discriminant(&other.kind)
}

impl ShownRow {
    fn new(app: &AppHandle, row: &Row) -> tauri::Result<Self> {
        let label = plain(&row.label);
        let item = match &row.kind {
            RowKind::Item => Item::Plain(MenuItem::with_id(app, &row.id, label, row.enabled, None::<&str>)?),
            RowKind::Check(on) => {
                Item::Check(CheckMenuItem::with_id(app, &row.id, label, row.enabled, *on, None::<&str>)?)
            }
            RowKind::Separator => Item::Separator(PredefinedMenuItem::separator(app)?),
            RowKind::Submenu(wanted) => {
                let submenu = Submenu::with_id(app, &row.id, label, row.enabled)?;
                let mut rows = ShownRows::default();
                rows.change(app, &submenu, wanted)?;
                Item::Submenu(submenu, rows)
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
            (Item::Check(item), RowKind::Check(on)) => {
                new_label.map_or(Ok(()), |label| item.set_text(label))?;
                new_enabled.map_or(Ok(()), |enabled| item.set_enabled(enabled))?;
                // A click toggles the check mark on its own, whatever the click has led to.
                if item.is_checked()? != *on {
                    item.set_checked(*on)?;
                }
            }
            (Item::Submenu(item, rows), RowKind::Submenu(wanted)) => {
                new_label.map_or(Ok(()), |label| item.set_text(label))?;
                new_enabled.map_or(Ok(()), |enabled| item.set_enabled(enabled))?;
                rows.change(app, &*item, wanted)?;
            }
            _ => {}
        }
        self.row = wanted.clone();
        Ok(())
    }
}

/// A label with `&` escaped, which would mark an access key otherwise.
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

    fn row(id: &str, kind: RowKind) -> Row {
        Row { id: id.to_owned(), label: id.to_owned(), enabled: true, kind }
    }

    fn rows(ids: &str) -> Vec<Row> {
        ids.chars().map(|id| row(&id.to_string(), RowKind::Item)).collect()
    }

    /// The rows after the steps.
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
    fn only_differences_change() {
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
    fn a_row_of_another_kind_is_replaced() {
        let (plain, check) = ([row("a", RowKind::Item)], [row("a", RowKind::Check(true))]);
        assert_eq!(steps(&plain, &check), [Step::Insert(0), Step::Remove(1)]);
        assert_eq!(steps(&[row("a", RowKind::Check(false))], &check), [Step::Keep(0)]);
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
