//! Finds the token counts that a reply tells, without reading the reply: its last bytes are kept, and looked at once, when it has ended.

use memchr::memmem;
use serde::{Deserialize, Serialize};

/// Bytes kept of a reply's end. Usage stands in the last event of a stream and at the end of a JSON answer; with every detail it has about 500.
const KEPT: usize = 4 * 1024;

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

/// The end of a reply so far.
#[derive(Debug, Default)]
pub struct Tail(Vec<u8>);

impl Tail {
    /// Takes note of a chunk: a copy of at most the last 4 KiB of it.
    pub fn pass(&mut self, chunk: &[u8]) {
        let chunk = &chunk[chunk.len().saturating_sub(KEPT)..];
        if self.0.len() + chunk.len() > 2 * KEPT {
            self.0.drain(..self.0.len() - KEPT);
        }
        self.0.extend_from_slice(chunk);
    }

    /// The last usage object in what was kept.
    pub fn usage(&self) -> Option<Usage> {
        memmem::rfind_iter(&self.0, br#""usage""#).find_map(|at| read(&self.0[at + br#""usage""#.len()..]))
    }
}

#[derive(Deserialize)]
struct Told {
    #[serde(alias = "input_tokens")]
    prompt_tokens: Option<u64>,
    #[serde(alias = "output_tokens")]
    completion_tokens: Option<u64>,
}

fn read(after_name: &[u8]) -> Option<Usage> {
    let value = after_name.trim_ascii_start().strip_prefix(b":")?;
    let told: Told = serde_json::Deserializer::from_slice(value).into_iter().next()?.ok()?;
    if told.prompt_tokens.is_none() && told.completion_tokens.is_none() {
        return None;
    }
    Some(Usage {
        tokens_in: told.prompt_tokens.unwrap_or_default(),
        tokens_out: told.completion_tokens.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn usage(chunks: &[&str]) -> Option<(u64, u64)> {
        let mut tail = Tail::default();
        chunks.iter().for_each(|chunk| tail.pass(chunk.as_bytes()));
        tail.usage().map(|usage| (usage.tokens_in, usage.tokens_out))
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

    proptest! {
        /// However the stream is cut, and whatever came before, the last usage counts, and little is kept.
        #[test]
        fn cuts_make_no_difference(before in 0..20_000usize, cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
            let stream = format!("{}\"usage\":{{\"prompt_tokens\":1,\"completion_tokens\":2}}}}\n\ndata: [DONE]\n\n", "x".repeat(before));
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let mut tail = Tail::default();
            for cut in cuts.windows(2) {
                tail.pass(&stream.as_bytes()[cut[0]..cut[1]]);
                prop_assert!(tail.0.len() <= 2 * KEPT);
            }
            prop_assert_eq!(tail.usage(), Some(Usage { tokens_in: 1, tokens_out: 2 }));
        }
    }
}
