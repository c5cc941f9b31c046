//! Lists of structs as a form shows them.

use std::path::Path;

use super::{Field, field, label, read};
use crate::{
    Env, KeyPath, ProgramConfig,
    declaration::Group,
    key_path::Step,
    reader::{Notes, ReadSetting},
};

/// A list of structs to show and edit. [`Edit::push`](crate::edit::Edit::push) adds an item,
/// [`Edit::remove_item`](crate::edit::Edit::remove_item) removes one, [`Edit::set`](crate::edit::Edit::set) changes
/// a field by its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListField {
    /// Its path, such as `endpoints`.
    pub path: String,
    /// The heading of the concern that declares it.
    pub group: &'static str,
    /// Its label, made from the key.
    pub label: String,
    /// What it is for.
    pub help: String,
    /// The fields of a new item, with `[]` in their paths.
    pub template: Vec<Field>,
    /// The fields of each item in the file.
    pub items: Vec<Vec<Field>>,
}

/// The lists of structs of `C` in this file. Lists within their items are not included.
pub fn lists<C: ProgramConfig>(file: &Path, env: &Env) -> Vec<ListField> {
    let (notes, _) = read::<C>(file, env);
    let lists = notes.groups.iter().filter(|group| group.is_list && !group.path.is_in_list());
    lists.map(|group| list(&notes, group)).collect()
}

fn list(notes: &Notes, group: &Group) -> ListField {
    let of = |settings: &[ReadSetting], item: &KeyPath| {
        let ours = settings.iter().filter(|setting| setting.declared.parent.is_of_item(item));
        ours.map(field).collect::<Vec<_>>()
    };
    let every = group.path.item(None);
    let index = |setting: &ReadSetting| match setting.declared.parent.steps().last() {
        Some(Step::Item(index)) if every.covers(&setting.declared.parent) => *index,
        _ => None,
    };
    let mut indexes: Vec<_> = notes.in_items.iter().filter_map(index).collect();
    indexes.dedup();
    ListField {
        path: group.path.to_string(),
        group: group.concern,
        label: label(group.key()),
        help: group.doc.split_whitespace().collect::<Vec<_>>().join(" ").replace('`', ""),
        template: of(&notes.read, &every).into_iter().map(|field| Field { problem: None, ..field }).collect(),
        items: indexes.into_iter().map(|n| of(&notes.in_items, &group.path.item(Some(n)))).collect(),
    }
}
