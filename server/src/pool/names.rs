//! When two names mean the same model, and when one model may replace another.

use llamapool_settings::nearest::nearest;

/// The tag that can be omitted.
const LATEST: &str = ":latest";

/// Parts of a tag that say how the weights are stored, in lower case. Models that differ only in these are the same model. Any other part, such as
/// `cloud`, `base`, `vision` or `instruct`, makes it another one.
const STORAGE: &[&str] = &[
    // Full and half precision.
    "f32",
    "fp32",
    "f16",
    "fp16",
    "bf16",
    "fp8",
    "fp4",
    "nvfp4",
    "mxfp4",
    "mxfp4_moe",
    "mxfp8",
    "int8",
    "int4",
    // GGUF.
    "q1_0",
    "q2",
    "q2_k",
    "q2_k_s",
    "q2_k_l",
    "q2_k_xl",
    "q3",
    "q3_k",
    "q3_k_s",
    "q3_k_m",
    "q3_k_l",
    "q3_k_xl",
    "q4",
    "q4_0",
    "q4_0_4_4",
    "q4_0_4_8",
    "q4_0_8_8",
    "q4_1",
    "q4_k",
    "q4_k_s",
    "q4_k_m",
    "q4_k_l",
    "q4_k_xl",
    "q5",
    "q5_0",
    "q5_1",
    "q5_k",
    "q5_k_s",
    "q5_k_m",
    "q5_k_l",
    "q5_k_xl",
    "q6",
    "q6_k",
    "q6_k_l",
    "q6_k_xl",
    "q8",
    "q8_0",
    "q8_1",
    "q8_k",
    "q8_k_xl",
    "iq1_s",
    "iq1_m",
    "iq2_xxs",
    "iq2_xs",
    "iq2_s",
    "iq2_m",
    "iq3_xxs",
    "iq3_xs",
    "iq3_s",
    "iq3_m",
    "iq4_xs",
    "iq4_nl",
    "tq1_0",
    "tq2_0",
    "ud",
    "qat",
    // Other quantizations.
    "2bit",
    "3bit",
    "4bit",
    "5bit",
    "6bit",
    "8bit",
    "w4a16",
    "w8a8",
    "w8a16",
    "awq",
    "gptq",
    "exl2",
    "exl3",
    "bnb",
    "dwq",
    "hqq",
    // File formats.
    "gguf",
    "ggml",
    "mlx",
    "safetensors",
];

/// The name without `:latest`: `llama3` and `llama3:latest` are one model.
pub(super) fn canonical(name: &str) -> &str {
    match name.strip_suffix(LATEST) {
        Some(base) if !base.is_empty() => base,
        _ => name,
    }
}

/// The name for runtimes that ignore case, without `:latest`.
pub(super) fn folded(name: &str) -> String {
    let mut folded = name.to_ascii_lowercase();
    folded.truncate(canonical(&folded).len());
    folded
}

/// The common part of a name and its quantizations: `llama2:7b` for `llama2:7b-q4_0`. `None` if the name has no tag.
///
/// A name is a base without `:`, then `:`, then a tag of parts separated by `-`. The first part is kept; parts at the end that say how the weights
/// are stored are not. Case is ignored, as in the names of quantizations.
pub(super) fn alias_key(name: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let (base, tag) = name.split_once(':')?;
    let mut parts: Vec<&str> = tag.split('-').collect();
    let fits =
        !base.is_empty() && !tag.contains(char::is_whitespace) && parts.iter().all(|part| !part.is_empty());
    while fits && parts.len() > 1 && parts.last().is_some_and(|part| STORAGE.contains(part)) {
        parts.pop();
    }
    fits.then(|| format!("{base}:{}", parts.join("-")))
}

/// Most names that are compared with a misspelt one: this takes a few milliseconds of the only thread.
const MAX_COMPARED: usize = 500;

/// Shorter texts occur in many names.
const MIN_PART: usize = 4;

/// The name that `written` was probably meant to be: one that differs by a typing error, else the first that contains it or that it
/// contains.
pub(super) fn similar<'a>(written: &str, names: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let names = names.take(MAX_COMPARED);
    let part = |of: &str, name: &str| name.len() >= MIN_PART && of.contains(name);
    let lower = written.to_ascii_lowercase();
    let mut parts = names.clone().filter(|name| {
        let name = name.to_ascii_lowercase();
        part(&name, &lower) || part(&lower, &name)
    });
    nearest(written, names).or_else(|| parts.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_understood() {
        let names = ["gpt-oss:20b", "meta-llama/Llama-3-8B-Instruct", "qwen3"];
        let check = |written, meant| assert_eq!(similar(written, names.into_iter()), meant, "{written}");
        check("gpt-os:20b", Some("gpt-oss:20b"));
        check("gpt-oss", Some("gpt-oss:20b"));
        check("llama-3-8b-instruct", Some("meta-llama/Llama-3-8B-Instruct"));
        check("Qwen3", Some("qwen3"));
        check("qwen3/", Some("qwen3"));
        check("openai/qwen3-max", Some("qwen3"));
        check("claude", None);
        check("b", None);
        check("", None);
    }

    #[test]
    fn latest_may_be_left_out() {
        let check = |name, expect| assert_eq!(canonical(name), expect);
        check("llama3:latest", "llama3");
        check("llama3", "llama3");
        check("org/llama3:latest", "org/llama3");
        check("llama3:8b", "llama3:8b");
        check(":latest", ":latest");
        assert_eq!(folded("Llama3:LATEST"), "llama3");
        assert_eq!(folded("hf.co/Org/M-GGUF:Q4_K_M"), "hf.co/org/m-gguf:q4_k_m");
    }

    #[test]
    fn quantizations_of_one_size_are_aliases() {
        let check = |name, expect: Option<&str>| assert_eq!(alias_key(name).as_deref(), expect, "{name}");
        check("llama2:7b-q4_0", Some("llama2:7b"));
        check("llama2:7b-fp16", Some("llama2:7b"));
        check("Llama2:7B-Q4_K_M", Some("llama2:7b"));
        check("llama2:7b-gptq-int4", Some("llama2:7b"));
        check("m:8b-ud-q4_k_xl", Some("m:8b"));
        check("llama2:7b", Some("llama2:7b"));
        check("a:b:c", Some("a:b:c"));
        check("a:b:c-q4_0", Some("a:b:c"));
        check("llama2", None);
        check("llama2-7b-q4_0", None);
        check(":7b", None);
        check("llama2:", None);
        check("llama2:-q4", None);
        check("llama2:7b-", None);
        check("llama2:7 b", None);
    }

    #[test]
    fn another_model_is_no_alias() {
        for name in [
            "gpt-oss:20b-cloud",
            "qwen2.5-coder:7b-base",
            "qwen2.5-coder:7b-instruct",
            "llama3.2:11b-vision",
            "m:7b-q4_0-cloud",
            "m:7b-text",
            "m:7b-v1.5",
            "m:7b-uncensored",
            "m:q4_0",
        ] {
            assert_eq!(alias_key(name).as_deref(), Some(name));
        }
        assert_eq!(alias_key("m:7b-instruct-q4_0"), alias_key("m:7b-instruct-fp16"));
        assert_ne!(alias_key("m:7b-instruct-q4_0"), alias_key("m:7b-base-q4_0"));
        assert_ne!(alias_key("m:7b-instruct-q4_0"), alias_key("m:7b"));
    }
}
