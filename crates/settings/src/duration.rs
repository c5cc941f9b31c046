//! Durations as people write them.

use std::time::Duration;

/// Longer durations are typing errors, and would overflow clocks on some systems.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// The units, in milliseconds.
const UNITS: [(&str, f64); 5] =
    [("ms", 1.0), ("s", 1_000.0), ("m", 60_000.0), ("h", 3_600_000.0), ("d", 86_400_000.0)];

/// How long open work may continue after the process was asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrainTimeout {
    /// Stop immediately.
    Now,
    /// Stop after this long, finished or not.
    After(Duration),
    /// Wait until everything open has ended.
    Never,
}

impl DrainTimeout {
    /// Zero, a duration, or a negative one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix('-') {
            Some(positive) => parse(positive).filter(|d| !d.is_zero()).map(|_| Self::Never),
            None => parse(text).map(|d| if d.is_zero() { Self::Now } else { Self::After(d) }),
        }
    }
}

/// Reads `90` or `1.5` (seconds), `500ms`, `30s`, `5m`, `1h30m`. `None` for anything else.
pub fn parse(text: &str) -> Option<Duration> {
    let text = text.trim();
    let milliseconds = match number(text) {
        Some(seconds) => seconds * 1_000.0,
        None if text.is_empty() => return None,
        None => parts(text)?,
    };
    Duration::try_from_secs_f64(milliseconds / 1_000.0).ok().filter(|duration| *duration <= LONGEST)
}

/// Writes a duration the way [`parse`] reads it.
pub fn words(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    match (milliseconds % 1_000, milliseconds / 1_000) {
        (0, seconds) if seconds >= 60 && seconds % 60 == 0 => format!("{}m", seconds / 60),
        (0, seconds) => format!("{seconds}s"),
        _ => format!("{milliseconds}ms"),
    }
}

/// The milliseconds in `1h30m`: numbers, each with its unit.
fn parts(mut text: &str) -> Option<f64> {
    let mut total = 0.0;
    while !text.is_empty() {
        let unit_at = text.find(|c: char| c.is_ascii_alphabetic())?;
        let (amount, rest) = text.split_at(unit_at);
        let unit_end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (unit, rest) = rest.split_at(unit_end);
        let (_, worth) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total += number(amount)? * worth;
        text = rest;
    }
    Some(total)
}

/// A plain decimal number; `f64` alone would also accept "inf", "nan" and "1e9".
pub(super) fn number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, milliseconds: u64) {
        assert_eq!(parse(text), Some(Duration::from_millis(milliseconds)), "{text}");
    }

    #[test]
    fn what_people_write() {
        check("90", 90_000);
        check("1.5", 1_500);
        check("0", 0);
        check("500ms", 500);
        check(" 30s ", 30_000);
        check("5m", 300_000);
        check("1h30m", 5_400_000);
        check("1m0.5s", 60_500);
        check("1d", 86_400_000);
    }

    #[test]
    fn what_is_no_duration() {
        for text in [
            "",
            "s",
            "-1",
            "5 minutes",
            "1e9",
            "inf",
            "nan",
            "1..5",
            "5x",
            "3m4",
            "400d",
            "99999999999999999999h",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn words_can_be_read_back() {
        for text in ["500ms", "15s", "2m", "90s", "0s"] {
            assert_eq!(words(parse(text).unwrap()), text);
        }
    }

    #[test]
    fn drains() {
        let after = |seconds| Some(DrainTimeout::After(Duration::from_secs(seconds)));
        assert_eq!(DrainTimeout::parse("0"), Some(DrainTimeout::Now));
        assert_eq!(DrainTimeout::parse("0s"), Some(DrainTimeout::Now));
        assert_eq!(DrainTimeout::parse("5m"), after(300));
        assert_eq!(DrainTimeout::parse("20"), after(20));
        assert_eq!(DrainTimeout::parse("-1"), Some(DrainTimeout::Never));
        assert_eq!(DrainTimeout::parse("-1s"), Some(DrainTimeout::Never));
        assert_eq!(DrainTimeout::parse("never mind"), None);
        assert_eq!(DrainTimeout::parse("-0"), None);
    }
}
