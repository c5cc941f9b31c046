//! What a closed window leaves in memory: the code of the browser's engine, some 25 MiB of it, which nobody needs before the next window. The system takes it
//! back by itself when it is short of memory; people who look at what a tray app has would not wait for that.

use std::time::Duration;

/// The engine tidies up after a window for about as long.
pub const SETTLED: Duration = Duration::from_secs(3);

/// Everything is elsewhere: pages are drawn by programs of the system's.
#[cfg(not(target_os = "linux"))]
pub fn give_back() {}

#[cfg(target_os = "linux")]
pub use self::linux::give_back;

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::c_void;
    use std::ops::Range;

    use rustix::mm::{Advice, madvise};

    /// The libraries that the engine is.
    const ENGINE: [&str; 2] = ["/libwebkit2gtk-", "/libjavascriptcoregtk-"];

    /// Gives back the memory that the engine's code is in. Whoever needs it reads it again, most likely from the system's cache.
    pub fn give_back() {
        for Range { start, end } in code(&std::fs::read_to_string("/proc/self/smaps").unwrap_or_default()) {
            let start = std::ptr::with_exposed_provenance_mut::<c_void>(start);
            // SAFETY: nothing was ever written to this part of a file in memory (it has no anonymous pages, and cannot be written to), so what is read
            // again is what was there. It is the file's as long as the library is loaded, and this one is never unloaded.
            #[expect(unsafe_code, reason = "the system asks for an address")]
            let advised = unsafe { madvise(start, end - start.addr(), Advice::LinuxDontNeed) };
            if let Err(error) = advised {
                tracing::debug!("The engine's code stays in memory: {error}");
            }
        }
    }

    /// The parts of the engine's files, in memory, that are as on the disk.
    fn code(smaps: &str) -> Vec<Range<usize>> {
        let (mut found, mut part) = (Vec::new(), None);
        for line in smaps.lines() {
            if let Some(anonymous) = line.strip_prefix("Anonymous:") {
                found.extend(part.take().filter(|_| anonymous.trim() == "0 kB"));
            } else if let Some(range) = header(line) {
                part = is_code(line).then_some(range);
            }
        }
        found
    }

    fn is_code(header: &str) -> bool {
        let rights = header.split_whitespace().nth(1);
        matches!(rights, Some("r-xp" | "r--p")) && ENGINE.iter().any(|name| header.contains(name))
    }

    /// `7f00-7f10 r-xp ..` begins a part.
    fn header(line: &str) -> Option<Range<usize>> {
        let (start, end) = line.split_whitespace().next()?.split_once('-')?;
        let address = |text| usize::from_str_radix(text, 16).ok();
        Some(address(start)?..address(end)?)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        const SMAPS: &str = "\
55e0-55f0 r-xp 00000000 fe:00 1 /usr/bin/llamapool
Rss:                  64 kB
Anonymous:             0 kB
7f10-7f20 r--p 00000000 fe:00 2 /usr/lib/libwebkit2gtk-4.1.so.0.19.9
Anonymous:             0 kB
7f20-7f30 r-xp 00010000 fe:00 2 /usr/lib/libwebkit2gtk-4.1.so.0.19.9
Anonymous:             0 kB
7f30-7f40 r--p 00020000 fe:00 2 /usr/lib/libwebkit2gtk-4.1.so.0.19.9
Anonymous:          3184 kB
7f40-7f50 rw-p 00030000 fe:00 2 /usr/lib/libwebkit2gtk-4.1.so.0.19.9
Anonymous:             0 kB
7f60-7f70 r-xp 00000000 fe:00 3 /usr/lib/libjavascriptcoregtk-4.1.so.0
Anonymous:             0 kB
7f80-7f90 rw-p 00000000 00:00 0
Anonymous:             8 kB
";

        #[test]
        fn only_what_is_as_on_the_disk_is_given_back() {
            assert_eq!(code(SMAPS), [0x7f10..0x7f20, 0x7f20..0x7f30, 0x7f60..0x7f70]);
            assert!(code("").is_empty() && code("nonsense\nAnonymous: 0 kB\n").is_empty());
        }
    }
}
