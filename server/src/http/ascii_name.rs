//! Names of machines as ASCII, for headers and lists: people choose the names, in any script and with any punctuation.

use std::borrow::Cow;
use std::fmt::Write;

/// A name as visible ASCII, without commas: everything else is percent-encoded UTF-8, as `decodeURIComponent` reads it. Header values that are not
/// ASCII arrive as something else in browsers (Fetch Standard, "isomorphic decode").
pub(crate) fn ascii_name(name: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| (byte.is_ascii_graphic() && !matches!(byte, b'%' | b',')) || byte == b' ';
    let is_trimmed = name.trim().len() == name.len();
    if is_trimmed && name.bytes().all(is_plain) {
        return Cow::Borrowed(name);
    }
    let mut encoded = String::with_capacity(3 * name.len());
    for byte in name.bytes() {
        if is_plain(byte) && byte != b' ' {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}"); // writing to a string cannot fail
        }
    }
    Cow::Owned(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_ascii_are_encoded() {
        let check = |name, expect| assert_eq!(ascii_name(name), expect);
        check("desk-1", "desk-1");
        check("Anna's MacBook Pro", "Anna's MacBook Pro");
        check("küche", "k%C3%BCche");
        check("a, b", "a%2C%20b");
        check("100%", "100%25");
        check(" a", "%20a");
        check("", "");
    }
}
