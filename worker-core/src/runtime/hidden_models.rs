//! Hidden models: models of the runtime that the worker does not offer to the pool.

use super::MAX_NAME;

/// The tag that runtimes add to a name without one.
const LATEST: &str = ":latest";

/// The prefix that Ollama adds to a short name: a registry host, and a folder of it.
const REGISTRY: &str = "registry.ollama.ai/";
const LIBRARY: &str = "library/";

/// A model's name, or a pattern: `*` stands for any characters. Case, `:latest` and Ollama's registry do not matter, because they do not matter
/// to runtimes: a model that is hidden under one spelling must be hidden under all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePattern(String);

impl NamePattern {
    /// Parses a pattern; `None` if no model can have such a name.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.len() <= MAX_NAME && !text.chars().any(char::is_control);
        fits.then(|| {
            Self(if text.contains('*') {
                without_latest(text.to_lowercase())
            } else {
                spelled_as_listed(text)
            })
        })
    }

    fn covers(&self, name: &str) -> bool {
        let mut pieces = self.0.split('*');
        let first = pieces.next().unwrap_or_default();
        let Some(mut rest) = name.strip_prefix(first) else { return false };
        let Some(last) = pieces.next_back() else { return rest.is_empty() };
        for piece in pieces {
            let Some(at) = rest.find(piece) else { return false };
            rest = &rest[at + piece.len()..];
        }
        rest.ends_with(last)
    }
}

/// The models that a worker does not offer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HiddenModels(Vec<NamePattern>);

impl HiddenModels {
    /// Hides the models whose names match one of these patterns.
    #[must_use]
    pub fn new(patterns: Vec<NamePattern>) -> Self {
        Self(patterns)
    }

    /// Whether the model with this name is hidden.
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        !self.0.is_empty() && {
            let (whole, name) = (without_latest(name.to_lowercase()), spelled_as_listed(name));
            self.0.iter().any(|pattern| pattern.covers(&name) || pattern.covers(&whole))
        }
    }

    /// Whether no model is hidden.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The shortest spelling of a name, in lower case, by which names are compared.
pub(super) fn spelled_as_listed(name: &str) -> String {
    let lower = name.to_lowercase();
    let name = lower.split_once("://").map_or(&*lower, |(_, rest)| rest);
    let name = name.strip_prefix(REGISTRY).unwrap_or(name);
    // For other registries, the folder is part of the name.
    without_latest(name.strip_prefix(LIBRARY).unwrap_or(name).to_owned())
}

fn without_latest(name: String) -> String {
    name.strip_suffix(LATEST).map(str::to_owned).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, name: &str, expect: bool) {
        let withheld = HiddenModels::new(vec![NamePattern::read(pattern).unwrap()]);
        assert_eq!(withheld.covers(name), expect, "{pattern} and {name}");
    }

    #[test]
    fn names_and_patterns() {
        check("llama3:8b", "llama3:8b", true);
        check("llama3:8b", "llama3:8b-q4", false);
        check("llama3", "llama3:8b", false);
        check("llama3:*", "llama3:8b", true);
        check("*", "anything/at:all", true);
        check("*embed*", "nomic-embed-text:v1", true);
        check("*embed", "nomic-embed-text", false);
        check("a*b*c", "a-b-b-c", true);
        check("a*a", "a", false);
        check("a**a", "aa", true);
        check("a*bc*c", "abc", false);
    }

    #[test]
    fn spellings_that_runtimes_take_for_the_same() {
        check("llama3", "llama3:latest", true);
        check("llama3:latest", "llama3", true);
        check("Llama3", "LLAMA3:LATEST", true);
        check("llama*", "llama3:latest", true);
        check("llama3", "registry.ollama.ai/library/llama3:latest", true);
        check("llama3", "https://registry.ollama.ai/library/LLAMA3", true);
        check("library/llama3", "llama3", true);
        check("registry.ollama.ai/*", "registry.ollama.ai/library/llama3", true);
        check("library/*", "llama3", false);
        check("llama3", "hf.co/library/llama3", false);
    }

    #[test]
    fn no_names() {
        for text in ["", "a\nb", &"x".repeat(MAX_NAME + 1)] {
            assert_eq!(NamePattern::read(text), None);
        }
        assert!(!HiddenModels::default().covers("m"));
    }
}
