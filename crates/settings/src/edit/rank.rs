//! Which of several entries for one setting counts.

use crate::{Declaration, yaml::means};

/// How much an entry counts for a setting: what comes first wins, as when the file is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    pub(super) is_shorthand: bool,
    /// Which of the setting's names it is.
    pub(super) nth: usize,
    pub(super) is_file: bool,
}

impl Declaration {
    /// The rank of an entry with this key; nothing if it means another setting.
    pub(super) fn ranks(&self, written: &str) -> Option<Rank> {
        self.names.iter().enumerate().find_map(|(nth, name)| {
            let is_file = self.is_secret() && means(written, &name.file_key());
            let is_it = is_file || means(written, name.key);
            is_it.then_some(Rank { is_shorthand: name.means.is_some(), nth, is_file })
        })
    }
}
