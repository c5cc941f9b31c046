//! Finds the token counts in a reply, wherever they are, without parsing the reply: it is searched for the names of the counts in large steps
//! as it passes, and only the text after a name is parsed.
//!
//! | API | where |
//! |---|---|
//! | OpenAI | `"usage": {"prompt_tokens", "completion_tokens"}`: last in streams, first in llama.cpp's embeddings |
//! | OpenAI Responses | `"usage": {"input_tokens", "output_tokens"}` in the last event |
//! | Anthropic | the same names; the prompt's in `message_start`, the generated ones in `message_delta` |
//! | Ollama | `"prompt_eval_count"` and `"eval_count"` in the last object |

use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};

/// Consecutive searches overlap by this many bytes, so that each value is seen whole. Usage with all details has about 500.
const OVERLAP: usize = 2 * 1024;

/// A search is made for every so many new bytes. Larger steps would search fewer bytes twice, and keep more memory for each stream.
const STEP: usize = 6 * 1024;

const USAGE: &[u8] = br#""usage""#;

/// Both of Ollama's names end like this.
const EVAL_COUNT: &[u8] = br#"eval_count""#;

// Made once: to prepare a search costs as much as to search a small reply.
static FIND_USAGE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(USAGE));
static FIND_EVAL_COUNT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(EVAL_COUNT));

/// Prompt and generated tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Of the prompt.
    pub tokens_in: u64,
    /// Generated.
    pub tokens_out: u64,
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, more: Self) {
        self.tokens_in += more.tokens_in;
        self.tokens_out += more.tokens_out;
    }
}

/// Searches a reply. It keeps 2 to 8 KiB of it: a chunk costs a copy of at most 2 KiB, and every 6 KiB a search.
#[derive(Debug, Default)]
pub struct UsageScanner {
    window: Vec<u8>,
    found: Counts,
}

impl UsageScanner {
    /// Records a chunk.
    pub fn pass(&mut self, chunk: &[u8]) {
        self.pass_with(chunk, |_| ());
    }

    /// Records a chunk, and shows `look` the parts of the reply that are being searched. Consecutive parts overlap by 2 KiB; together with
    /// [`UsageScanner::kept`] they are the whole reply.
    pub fn pass_with(&mut self, chunk: &[u8], mut look: impl FnMut(&[u8])) {
        let (head, rest) = chunk.split_at(chunk.len().min(OVERLAP));
        self.window.extend_from_slice(head);
        if self.window.len() > OVERLAP + STEP || !rest.is_empty() {
            self.found.find_in(&self.window);
            look(&self.window);
            self.window.drain(..self.window.len().saturating_sub(OVERLAP));
        }
        if !rest.is_empty() {
            self.found.find_in(chunk);
            look(chunk);
            self.window.clear();
            self.window.extend_from_slice(&chunk[chunk.len() - OVERLAP..]);
        }
    }

    /// The end of the reply so far, which has not been searched.
    pub fn kept(&self) -> &[u8] {
        &self.window
    }

    /// The counts found so far: the last one of each.
    pub fn usage(&self) -> Option<Usage> {
        let mut counts = self.found;
        counts.find_in(&self.window);
        if counts == Counts::default() {
            counts.find_ollamas(&self.window);
        }
        if counts == Counts::default() {
            return None;
        }
        Some(Usage {
            tokens_in: counts.tokens_in.unwrap_or_default(),
            tokens_out: counts.tokens_out.unwrap_or_default(),
        })
    }
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    tokens_in: Option<u64>,
    tokens_out: Option<u64>,
}

/// A usage object.
#[derive(Deserialize)]
struct UsageObject {
    #[serde(alias = "input_tokens")]
    prompt_tokens: Option<u64>,
    #[serde(alias = "output_tokens")]
    completion_tokens: Option<u64>,
}

impl Counts {
    fn find_in(&mut self, part: &[u8]) {
        for at in FIND_USAGE.find_iter(part) {
            if let Some(UsageObject { prompt_tokens, completion_tokens }) = value_after(part, at, USAGE) {
                self.tokens_in = prompt_tokens.or(self.tokens_in);
                self.tokens_out = completion_tokens.or(self.tokens_out);
            }
        }
    }

    /// Ollama's counts are at the end of a reply, so only its end is searched.
    fn find_ollamas(&mut self, end: &[u8]) {
        for at in FIND_EVAL_COUNT.find_iter(end) {
            let Some(count) = value_after(end, at, EVAL_COUNT) else { continue };
            if end[..at].ends_with(br#""prompt_"#) {
                self.tokens_in = Some(count);
            } else if end[..at].ends_with(b"\"") {
                self.tokens_out = Some(count);
            }
        }
    }
}

/// The value of the member whose name is at `at`, if it is complete and of this type.
fn value_after<T: for<'de> Deserialize<'de>>(part: &[u8], at: usize, name: &[u8]) -> Option<T> {
    let value = part[at + name.len()..].trim_ascii_start().strip_prefix(b":")?;
    serde_json::Deserializer::from_slice(value).into_iter().next()?.ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn usage(chunks: &[&str]) -> Option<(u64, u64)> {
        let mut scanner = UsageScanner::default();
        chunks.iter().for_each(|chunk| scanner.pass(chunk.as_bytes()));
        scanner.usage().map(|usage| (usage.tokens_in, usage.tokens_out))
    }

    #[test]
    fn usage_is_found_where_runtimes_put_it() {
        let check = |chunks: &[&str], expect| assert_eq!(usage(chunks), expect, "{chunks:?}");
        check(
            &[r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}"#],
            Some((3, 4)),
        );
        check(
            &[
                r#"data: {"usage":null}"#,
                "\n\n",
                r#"data: {"usage": {"prompt_tokens":1,"completion_tokens":2,"x":{"y":[1]}}}"#,
                "\n\ndata: [DONE]\n\n",
            ],
            Some((1, 2)),
        );
        check(&[r#"{"usage":{"input_tokens":5,"output_tokens":6}}"#], Some((5, 6)));
        check(&[r#"{"data":[],"usage":{"prompt_tokens":8,"total_tokens":8}}"#], Some((8, 0)));
        check(&["data: {\"us", "age\":{\"prompt_tokens\":1,\"completion_tokens\":9}}\n\n"], Some((1, 9)));
        check(&[r#"{"content":"say \"usage\":{\"prompt_tokens\":99}"}"#], None);
        check(&[r#"{"usage":{"prompt_tokens":"many"}}"#], None);
        check(&[r#"{"usage":{"prompt_to"#], None);
        check(&[r#"{"usage":{}}"#], None);
        check(&["", "plain text"], None);
    }

    #[test]
    fn anthropic_and_ollama_tell_it_in_their_own_way() {
        let start =
            r#"data: {"type":"message_start","message":{"usage":{"input_tokens":25,"output_tokens":1}}}"#;
        let delta = r#"data: {"type":"message_delta","usage":{"output_tokens":15}}"#;
        let between = "data: {\"type\":\"content_block_delta\"}\n\n".repeat(1000);
        assert_eq!(usage(&[start, "\n\n", &between, delta, "\n\n"]), Some((25, 15)));
        assert_eq!(
            usage(&["{\"done\":false}\n", r#"{"done":true,"prompt_eval_count":26,"eval_count": 298}"#]),
            Some((26, 298))
        );
        assert_eq!(usage(&[r#"{"done":true,"eval_count":7,"eval_duration":9}"#]), Some((0, 7)));
    }

    #[test]
    fn usage_before_megabytes_of_data_counts() {
        let first = r#"{"usage":{"prompt_tokens":12,"total_tokens":12},"data":["#;
        let data = "0.123,".repeat(500_000);
        assert_eq!(usage(&[first, &data, "0]}"]), Some((12, 0)), "in pieces");
        assert_eq!(usage(&[&format!("{first}{data}0]}}")]), Some((12, 0)), "in one piece");
    }

    proptest! {
        /// However the stream is split, and whatever surrounds it, the usage is found, and little is kept.
        #[test]
        fn cuts_make_no_difference(
            before in 0..20_000usize,
            after in 0..20_000usize,
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let usage = r#""usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
            let stream = format!("{}{usage}\n\n{}", "x".repeat(before), "y".repeat(after));
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let (mut scanner, mut seen) = (UsageScanner::default(), 0);
            for cut in cuts.windows(2) {
                let count = |part: &[u8]| seen += usize::from(memchr::memmem::find(part, usage.as_bytes()).is_some());
                scanner.pass_with(&stream.as_bytes()[cut[0]..cut[1]], count);
                prop_assert!(scanner.kept().len() <= OVERLAP + STEP);
            }
            prop_assert_eq!(scanner.usage(), Some(Usage { tokens_in: 1, tokens_out: 2 }));
            seen += usize::from(memchr::memmem::find(scanner.kept(), usage.as_bytes()).is_some());
            prop_assert!(seen > 0, "it was shown");
        }
    }
}
