//! Paths to settings within nested configuration: `cache.size`, `endpoints[2].url`.

use std::fmt;

/// The path from the top of the configuration file to a setting, a section, a list or one of its items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPath(Vec<Step>);

/// One step of a [`KeyPath`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Into the value of a key.
    Key(String),
    /// Into an item of a list, counted from 0; `None` stands for every item.
    Item(Option<usize>),
}

impl KeyPath {
    /// Parses `endpoints[2].url`, with `endpoints[].url` for every item. `None` if the text is not a path.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut steps = Vec::new();
        for part in text.split('.') {
            let (key, items) = part.split_at(part.find('[').unwrap_or(part.len()));
            if key.is_empty() || key.contains(']') {
                return None;
            }
            steps.push(Step::Key(key.to_owned()));
            let mut rest = items;
            while !rest.is_empty() {
                let (index, behind) = rest.strip_prefix('[')?.split_once(']')?;
                steps.push(Step::Item(if index.is_empty() { None } else { Some(index.parse().ok()?) }));
                rest = behind;
            }
        }
        Some(Self(steps))
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The path of a key in the mapping at this path.
    pub(crate) fn key(&self, key: &str) -> Self {
        self.and(Step::Key(key.to_owned()))
    }

    /// The path of an item of the list at this path; `None` stands for every item.
    pub(crate) fn item(&self, index: Option<usize>) -> Self {
        self.and(Step::Item(index))
    }

    /// The path without its last step. `None` at the top.
    pub(crate) fn parent(&self) -> Option<Self> {
        let (_, before) = self.0.split_last()?;
        Some(Self(before.to_vec()))
    }

    /// The key it ends with, if it does not end with an item.
    pub(crate) fn last_key(&self) -> Option<&str> {
        match self.0.last()? {
            Step::Key(key) => Some(key),
            Step::Item(_) => None,
        }
    }

    /// Whether it leads into a list. Such settings can only be given in the file.
    pub(crate) fn is_in_list(&self) -> bool {
        self.0.iter().any(|step| matches!(step, Step::Item(_)))
    }

    /// Whether it stands for every item of a list.
    pub(crate) fn is_for_every_item(&self) -> bool {
        self.0.contains(&Step::Item(None))
    }

    /// Whether it is the path of this list's item, or of a section in it, but not of an item of a nested list.
    pub(crate) fn is_of_item(&self, item: &Self) -> bool {
        let rest = self.0.strip_prefix(&item.0[..]);
        rest.is_some_and(|rest| rest.iter().all(|step| matches!(step, Step::Key(_))))
    }

    /// Whether `concrete` matches this path, where `[]` stands for any item.
    pub(crate) fn covers(&self, concrete: &Self) -> bool {
        let covers = |(declared, given): (&Step, &Step)| match (declared, given) {
            (Step::Item(None), Step::Item(_)) => true,
            (declared, given) => declared == given,
        };
        self.0.len() == concrete.0.len() && self.0.iter().zip(&concrete.0).all(covers)
    }

    fn and(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(n, step)| match step {
            Step::Key(key) if n == 0 => write!(f, "{key}"),
            Step::Key(key) => write!(f, ".{key}"),
            Step::Item(Some(index)) => write!(f, "[{index}]"),
            Step::Item(None) => write!(f, "[]"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_as_they_are_read() {
        for text in ["port", "cache.size", "endpoints[2].url", "endpoints[].url", "a[0][1].b.c[3]"] {
            assert_eq!(KeyPath::parse(text).map(|path| path.to_string()).as_deref(), Some(text));
        }
        for wrong in ["", ".", "a..b", "[2]", "a[", "a[x]", "a]", "a[1]b", "a[-1]"] {
            assert_eq!(KeyPath::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_declared_path_covers_every_item() {
        let path = |text| KeyPath::parse(text).unwrap();
        assert!(path("endpoints[].url").covers(&path("endpoints[7].url")));
        assert!(!path("endpoints[].url").covers(&path("endpoints[7].name")));
        assert!(!path("endpoints[].url").covers(&path("endpoints[7]")));
        assert!(!path("endpoints[1].url").covers(&path("endpoints[7].url")));
    }
}
