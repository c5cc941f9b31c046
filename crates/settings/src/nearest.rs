//! Guesses what a misspelt name was meant to be.

/// Names that differ in more than a third of their letters are different words, not slips.
const LETTERS_PER_SLIP: usize = 3;

/// The name that differs least from `written`, if it is near enough to be a slip.
pub(super) fn nearest<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let written = written.to_ascii_lowercase().replace('-', "_");
    let most = written.chars().count() / LETTERS_PER_SLIP;
    let ranked = names.map(|name| (distance(&written, name), name));
    ranked.filter(|(slips, _)| *slips <= most).min_by_key(|(slips, _)| *slips).map(|(_, name)| name)
}

/// The letters to change, add or leave out to get from one word to the other.
fn distance(one: &str, other: &str) -> usize {
    // `row[n]`: the distance between the letters of `one` so far and the first n letters of `other`.
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (n, other_letter) in other.chars().enumerate() {
            let changed = diagonal + usize::from(letter != other_letter);
            diagonal = row[n + 1];
            row[n + 1] = changed.min(row[n] + 1).min(diagonal + 1);
        }
    }
    row[row.len() - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_understood_and_other_words_are_not() {
        let names = ["server_url", "client_key", "port"];
        let check = |written, meant| assert_eq!(nearest(written, names.into_iter()), meant, "{written}");
        check("server_ulr", Some("server_url"));
        check("Server-URL", Some("server_url"));
        check("client_keys", Some("client_key"));
        check("prot", None);
        check("pot", Some("port"));
        check("max_concurrency", None);
        check("", None);
    }

    #[test]
    fn distances() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
