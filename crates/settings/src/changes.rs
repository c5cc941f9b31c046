//! The differences between two configurations, by the values of their settings.

use super::KeyPath;

/// The settings that differ between two configurations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Those that need a restart.
    pub restart: Vec<String>,
    /// Those that take effect without one.
    pub live: Vec<String>,
    section: KeyPath,
}

/// A concern, or a whole configuration, that can be compared setting by setting.
/// [`concern!`](crate::concern) implements it; for a struct of concerns, call each of its fields.
pub trait Compare {
    /// Adds every setting whose value differs to `changes`.
    fn compare(old: &Self, new: &Self, changes: &mut Changes);
}

/// The settings that differ between two configurations. Secrets are compared too, but only their keys are reported.
pub fn changes<C: Compare>(old: &C, new: &C) -> Changes {
    let mut changes = Changes::default();
    C::compare(old, new, &mut changes);
    changes
}

impl Changes {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.restart.is_empty() && self.live.is_empty()
    }

    /// Whether a setting that needs a restart differs.
    pub fn need_restart(&self) -> bool {
        !self.restart.is_empty()
    }

    /// Adds one setting. For manual implementations of [`Compare`].
    pub fn note(&mut self, key: &str, live: bool, is_same: bool) {
        if !is_same {
            let list = if live { &mut self.live } else { &mut self.restart };
            list.push(self.section.key(key).to_string());
        }
    }

    /// Adds the settings of a section.
    pub(crate) fn section(&mut self, key: &str, compare: impl FnOnce(&mut Self)) {
        let outer = self.section.clone();
        self.section = outer.key(key);
        compare(self);
        self.section = outer;
    }
}
