//! Sizes in bytes as people write them.

use super::duration::number;

const KIB: u64 = 1024;

/// The units. `KB` means `KiB`: a person who sets a limit does not mean 24 bytes less.
const UNITS: [(&[&str], u64); 4] = [
    (&["b", ""], 1),
    (&["k", "kb", "kib"], KIB),
    (&["m", "mb", "mib"], KIB * KIB),
    (&["g", "gb", "gib"], KIB * KIB * KIB),
];

/// Reads `4096`, `64KiB`, `50MB`, `1.5 GiB`. `None` for anything else.
pub fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (amount, unit) = text.split_at(unit_at);
    let unit = unit.to_ascii_lowercase();
    let (_, worth) = UNITS.iter().find(|(names, _)| names.contains(&unit.as_str()))?;
    let bytes = number(amount.trim_end())? * *worth as f64;
    (bytes.fract() == 0.0 && bytes < u64::MAX as f64).then_some(bytes as u64)
}

/// Writes a size the way [`parse`] reads it.
pub fn words(bytes: u64) -> String {
    let units = [("GiB", KIB * KIB * KIB), ("MiB", KIB * KIB), ("KiB", KIB)];
    match units.iter().find(|(_, worth)| bytes >= *worth && bytes.is_multiple_of(*worth)) {
        Some((unit, worth)) => format!("{} {unit}", bytes / worth),
        None => format!("{bytes} bytes"),
    }
}

/// Writes a size roughly, for people: `12.3 GiB`.
pub fn about(bytes: u64) -> String {
    let units = [("TiB", KIB.pow(4)), ("GiB", KIB.pow(3)), ("MiB", KIB.pow(2)), ("KiB", KIB)];
    match units.iter().find(|(_, worth)| bytes >= *worth) {
        Some((unit, worth)) => format!("{:.1} {unit}", bytes as f64 / *worth as f64),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write() {
        for (text, bytes) in [
            ("4096", 4_096),
            ("64KiB", 65_536),
            ("1KB", 1_024),
            ("50MB", 52_428_800),
            ("1.5 gib", 1_610_612_736),
            ("7b", 7),
        ] {
            assert_eq!(parse(text), Some(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size() {
        for text in ["", "MB", "-1", "1.5", "1TB", "1 2", "0.3KB", "99999999999999GB"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn roughly() {
        for (bytes, words) in
            [(7, "7 bytes"), (1_536, "1.5 KiB"), (80 << 30, "80.0 GiB"), (3 << 40, "3.0 TiB")]
        {
            assert_eq!(about(bytes), words);
        }
    }

    #[test]
    fn words_can_be_read_back() {
        for bytes in [0, 7, 1_024, 1_500, 52_428_800, 1 << 40] {
            assert_eq!(parse(&words(bytes).replace(" bytes", "")), Some(bytes));
        }
    }
}
