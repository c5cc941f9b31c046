//! Guesses what a misspelt name was meant to be.

/// Names that differ in more than a third of their letters are different words, not typing errors.
const LETTERS_PER_SLIP: usize = 3;

/// Longer names are not compared, because the time grows with the square of the length.
const MAX_LENGTH: usize = 100;

/// The name that differs least from `written`, if the difference may be a typing error. Case is ignored.
pub fn nearest<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let written = written.to_ascii_lowercase();
    let length = written.chars().count();
    if length > MAX_LENGTH {
        return None;
    }
    let most = length / LETTERS_PER_SLIP;
    // Names of very different lengths differ in at least that many letters.
    let similar = names.filter(|name| name.chars().count().abs_diff(length) <= most);
    let ranked = similar.map(|name| (distance(&written, &name.to_ascii_lowercase()), name));
    ranked.filter(|(slips, _)| *slips <= most).min_by_key(|(slips, _)| *slips).map(|(_, name)| name)
}

/// The number of letters to change, add, remove or swap with the next one, to get from one word to the other.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    // `rows[i][n]`: the distance between the first i letters of `one` and the first n letters of `other`.
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for i in 1..=one.len() {
        let mut row = vec![i];
        for n in 1..=other.len() {
            let changed = rows[i - 1][n - 1] + usize::from(one[i - 1] != other[n - 1]);
            let best = changed.min(rows[i - 1][n] + 1).min(row[n - 1] + 1);
            let is_swapped = i > 1 && n > 1 && one[i - 1] == other[n - 2] && one[i - 2] == other[n - 1];
            row.push(if is_swapped { best.min(rows[i - 2][n - 2] + 1) } else { best });
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_understood_and_other_words_are_not() {
        let names = ["server_url", "client_key", "port"];
        let check = |written, meant| assert_eq!(nearest(written, names.into_iter()), meant, "{written}");
        check("server_ulr", Some("server_url"));
        check("Server_URL", Some("server_url"));
        check("client_keys", Some("client_key"));
        check("prot", Some("port"));
        check("prut", None);
        check("pot", Some("port"));
        check("max_concurrency", None);
        check("", None);
    }

    #[test]
    fn distances() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("same", "same"), 0);
        assert_eq!((distance("url", "ulr"), distance("", "")), (1, 0));
    }
}
