//! When two names mean the same model, and when one model may replace another.

/// The tag that may be left out.
const LATEST: &str = ":latest";

/// The name without `:latest`: `llama3` and `llama3:latest` are one model.
pub(super) fn canonical(name: &str) -> &str {
    match name.strip_suffix(LATEST) {
        Some(base) if !base.is_empty() => base,
        _ => name,
    }
}

/// What a name has in common with its quantizations: `llama2:7b` for `llama2:7b-q4_0`. `None` if the name has no tag.
///
/// A base without `:`, then `:`, then a tag of one or more characters that are neither `-` nor white space, then perhaps `-` and anything.
pub(super) fn alias_key(name: &str) -> Option<&str> {
    let (base, rest) = name.split_once(':')?;
    let (tag, variant) = match rest.split_once('-') {
        Some((tag, variant)) => (tag, Some(variant)),
        None => (rest, None),
    };
    let fits = !base.is_empty()
        && !tag.is_empty()
        && !tag.contains(char::is_whitespace)
        && variant.is_none_or(|variant| !variant.is_empty());
    fits.then(|| &name[..base.len() + 1 + tag.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latest_may_be_left_out() {
        let check = |name, expect| assert_eq!(canonical(name), expect);
        check("llama3:latest", "llama3");
        check("llama3", "llama3");
        check("org/llama3:latest", "org/llama3");
        check("llama3:8b", "llama3:8b");
        check(":latest", ":latest");
    }

    #[test]
    fn quantizations_of_one_size_are_aliases() {
        let check = |name, expect: Option<&str>| assert_eq!(alias_key(name), expect, "{name}");
        check("llama2:7b-q4_0", Some("llama2:7b"));
        check("llama2:7b-fp16", Some("llama2:7b"));
        check("llama2:7b", Some("llama2:7b"));
        check("a:b:c", Some("a:b:c"));
        check("a:b:c-d", Some("a:b:c"));
        check("llama2", None);
        check("llama2-7b-q4_0", None);
        check(":7b", None);
        check("llama2:", None);
        check("llama2:-q4", None);
        check("llama2:7b-", None);
        check("llama2:7 b", None);
    }
}
