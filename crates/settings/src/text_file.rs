//! Text files written by people: their encodings, and when a file counts as absent.

use std::{fs, io, path::Path};

/// UTF-8's byte order mark, which Notepad and PowerShell write.
const UTF8_BOM: &[u8] = b"\xef\xbb\xbf";

/// UTF-16's byte order mark, little-endian: what `>` writes in Windows PowerShell.
const UTF16_LE_BOM: &[u8] = b"\xff\xfe";

/// The same, big-endian.
const UTF16_BE_BOM: &[u8] = b"\xfe\xff";

/// Reads a text file in UTF-8, with or without a byte order mark, or in UTF-16 with one. The mark is not part of the text.
///
/// # Errors
/// The file cannot be read, or has another encoding (`InvalidData`).
pub fn read(path: &Path) -> io::Result<String> {
    decode(&fs::read(path)?).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

/// The text of these bytes, without a byte order mark; `None` if they are not text.
pub fn decode(bytes: &[u8]) -> Option<String> {
    if let Some(text) = bytes.strip_prefix(UTF16_LE_BOM) {
        return utf16(text, u16::from_le_bytes);
    }
    if let Some(text) = bytes.strip_prefix(UTF16_BE_BOM) {
        return utf16(text, u16::from_be_bytes);
    }
    let text = bytes.strip_prefix(UTF8_BOM).unwrap_or(bytes);
    std::str::from_utf8(text).ok().map(str::to_owned)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (units, rest) = bytes.as_chunks::<2>();
    let text = char::decode_utf16(units.iter().copied().map(unit)).collect::<Result<_, _>>().ok();
    text.filter(|_| rest.is_empty())
}

/// Whether this error of opening or reading `path` means that there is no such file. That includes a path through something
/// that is not a folder (`HOME=/dev/null`).
pub fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Whether an optional file counts as absent after this error: there is none, or it is in a folder that this account may not
/// enter, so nobody put it there for this account. A file that is visible but cannot be read is not absent.
pub fn is_absent_or_hidden(path: &Path, error: &io::Error) -> bool {
    let is_hidden =
        || fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
    is_absent(error) || is_hidden()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_common_encoding_is_read() {
        let utf16 = |mark: &[u8], bytes: fn(u16) -> [u8; 2]| {
            [mark, &"kü\r\n".encode_utf16().flat_map(bytes).collect::<Vec<_>>()].concat()
        };
        for bytes in [
            "kü\r\n".as_bytes().to_vec(),
            [UTF8_BOM, "kü\r\n".as_bytes()].concat(),
            utf16(UTF16_LE_BOM, u16::to_le_bytes),
            utf16(UTF16_BE_BOM, u16::to_be_bytes),
        ] {
            assert_eq!(decode(&bytes).as_deref(), Some("kü\r\n"), "{bytes:?}");
        }
    }

    #[test]
    fn other_bytes_are_not_text() {
        for bytes in [&b"k\xfc"[..], b"\xff\xfek", b"\xff\xfe\x00\xd8"] {
            assert_eq!(decode(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn a_path_through_a_file_is_absent_and_a_folder_in_its_place_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        for path in [dir.path().join("none"), file.join("below")] {
            assert!(is_absent(&read(&path).unwrap_err()), "{}", path.display());
        }
        let error = read(dir.path()).unwrap_err();
        assert!(!is_absent_or_hidden(dir.path(), &error), "{error}");
    }
}
