//! `/v1/embeddings`: vectors computed from hashes. The same text has the same vector on every machine and in every
//! version; texts that share words are closer to each other than texts that do not.

use axum::Json;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::MODEL;
use super::ask::{Ask, Fault, Input};

/// The dimensions that can be requested, and the default.
const DIMENSIONS: std::ops::RangeInclusive<usize> = 8..=64;
const USUAL_DIMENSIONS: usize = 64;
/// Most inputs in one request: the limit of OpenAI's API.
const MAX_INPUTS: usize = 2_048;

#[derive(Deserialize)]
pub(super) struct Embed {
    input: Input,
    #[serde(default)]
    dimensions: Option<usize>,
    #[serde(default)]
    encoding_format: Option<Encoding>,
}

/// The encoding of vectors; the official SDKs request base64.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    Float,
    Base64,
}

pub(super) async fn answer(Ask(asked): Ask<Embed>) -> Result<Json<Value>, Fault> {
    let dimensions = asked.dimensions.unwrap_or(USUAL_DIMENSIONS);
    if !DIMENSIONS.contains(&dimensions) {
        let (least, most) = (DIMENSIONS.start(), DIMENSIONS.end());
        return Err(Fault::bad(
            Some("dimensions"),
            format!("the demo supports {least} to {most} dimensions"),
        ));
    }
    let texts = asked.input.texts();
    if texts.is_empty() || texts.len() > MAX_INPUTS || texts.iter().any(String::is_empty) {
        return Err(Fault::bad(Some("input"), format!("send 1 to {MAX_INPUTS} inputs, none of them empty")));
    }
    let encoding = asked.encoding_format.unwrap_or(Encoding::Float);
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let vector = written(&vector(text, dimensions), encoding);
            json!({ "object": "embedding", "index": index, "embedding": vector })
        })
        .collect();
    let heard: usize = texts.iter().map(|text| text.split_whitespace().count()).sum();
    Ok(Json(json!({
        "object": "list",
        "data": data,
        "model": MODEL,
        "usage": { "prompt_tokens": heard, "total_tokens": heard },
    })))
}

fn written(vector: &[f32], encoding: Encoding) -> Value {
    match encoding {
        Encoding::Float => json!(vector),
        Encoding::Base64 => {
            let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
            Value::String(BASE64_STANDARD.encode(bytes))
        }
    }
}

/// The sum of the directions of its words, normalized to length 1.
fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    let mut sum = vec![0.0; dimensions];
    // A text of spaces has no words, but still needs a vector.
    let words = text.split_whitespace().chain(text.trim().is_empty().then_some(text));
    for word in words {
        let mut seed = fnv1a(word.as_bytes());
        for place in &mut sum {
            *place += direction(&mut seed);
        }
    }
    let length = sum.iter().map(|number| number * number).sum::<f32>().sqrt();
    // Words that cancel each other out exactly do not occur in practice, but must not cause a division by zero.
    sum.iter().map(|number| number / length.max(f32::MIN_POSITIVE)).collect()
}

/// FNV-1a, 64 bits: the standard library's hash may change between versions.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The next number of the SplitMix64 sequence, between -1 and 1.
fn direction(seed: &mut u64) -> f32 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *seed;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let word = u16::try_from((mixed ^ (mixed >> 31)) >> 48).expect("16 bits are left");
    f32::from(word) / 32_767.5 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nearness(a: &str, b: &str) -> f32 {
        vector(a, 64).iter().zip(vector(b, 64)).map(|(x, y)| x * y).sum()
    }

    #[test]
    fn vectors_have_length_one_and_stay_the_same() {
        for text in ["a", "hello world", " ", "🦙"] {
            assert!((nearness(text, text) - 1.0).abs() < 1e-4, "{text:?}");
        }
        // A golden test: a change here invalidates embeddings that people have stored.
        let golden = vector("llama", 8);
        let rounded: Vec<i32> = golden.iter().map(|number| (number * 1_000.0).round() as i32).collect();
        assert_eq!(rounded, [33, 491, -318, 507, -74, 348, -318, -414]);
    }

    #[test]
    fn shared_words_are_near() {
        assert!(
            nearness("the quick brown fox", "the quick red fox")
                > nearness("the quick brown fox", "an old book")
        );
    }
}
