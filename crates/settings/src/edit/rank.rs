//! Which of several entries for one setting takes precedence.

use crate::{Declaration, yaml::means};

/// The precedence of an entry for a setting: the first wins, as when the file is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    pub(super) is_shorthand: bool,
    /// The index of the name in the setting's names.
    pub(super) nth: usize,
    pub(super) is_file: bool,
}

impl Declaration {
    /// The rank of an entry with this key; `None` if it belongs to another setting.
    pub(super) fn ranks(&self, written: &str) -> Option<Rank> {
        self.names.iter().enumerate().find_map(|(nth, name)| {
            let is_file = self.is_secret() && means(written, &name.file_key());
            let is_it = is_file || means(written, name.key);
            is_it.then_some(Rank { is_shorthand: name.means.is_some(), nth, is_file })
        })
    }
}
