//! The text of the demo's responses: a note that it is an echo, and the message.

/// The beginning of every response, so that the demo is not mistaken for an LLM.
pub(super) const CONFESSION: &str = "I am the demo echo of llamapool, not a language model. You said: ";
/// Longest part of a message that is echoed, in characters; more would stream for minutes.
const MAX_ECHO: usize = 4_000;

/// A response, word by word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Echo {
    /// The words, each with the space after it. One word counts as one token.
    pub(super) words: Vec<String>,
    /// Whether the caller's token limit cut it off.
    pub(super) is_cut: bool,
    /// Number of words in the request, for the usage.
    pub(super) heard: usize,
}

impl Echo {
    /// `limit` is the caller's token limit.
    pub(super) fn of(said: &str, limit: Option<u64>) -> Self {
        let mut text = String::from(CONFESSION);
        text.extend(said.chars().take(MAX_ECHO));
        if said.chars().nth(MAX_ECHO).is_some() {
            text.push('…');
        }
        let mut words: Vec<String> = text.split_inclusive(char::is_whitespace).map(str::to_owned).collect();
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        let is_cut = words.len() > limit;
        words.truncate(limit);
        Self { words, is_cut, heard: said.split_whitespace().count() }
    }

    pub(super) fn text(&self) -> String {
        self.words.concat()
    }

    /// `stop` or `length`, as chat and completions call it.
    pub(super) fn finish_reason(&self) -> &'static str {
        if self.is_cut { "length" } else { "stop" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confesses_and_echoes() {
        let echo = Echo::of("hello  wörld\n", None);
        assert_eq!(echo.text(), format!("{CONFESSION}hello  wörld\n"));
        assert_eq!((echo.heard, echo.finish_reason()), (2, "stop"));
    }

    #[test]
    fn limits() {
        let echo = Echo::of("hello", Some(3));
        assert_eq!((echo.text().as_str(), echo.finish_reason()), ("I am the ", "length"));
        assert_eq!(Echo::of("x", Some(0)).words.len(), 0);
        let long = Echo::of(&"ä".repeat(MAX_ECHO + 1), Some(u64::MAX)).text();
        assert_eq!(long.chars().count(), CONFESSION.len() + MAX_ECHO + 1);
        assert!(long.ends_with('…'));
    }
}
