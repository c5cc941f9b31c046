//! What is on the screen, and the cross in the corner of a window: as an X client beside the app.

use std::collections::HashSet;

use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, ImageFormat};
use x11rb::rust_connection::RustConnection;

/// By which our windows are told from the toolkit's own.
const CLASS: &[u8] = b"llamapool\0";
/// Windows smaller than this are nothing that anybody sees. Pixels.
const TINY: u16 = 50;

/// A screen, looked at.
pub(super) struct Screen {
    display: RustConnection,
    root: u32,
}

impl Screen {
    /// # Panics
    /// If there is none of this name.
    pub(super) fn open(name: &str) -> Self {
        let (display, number) = x11rb::connect(Some(name)).expect("the screen takes clients");
        let root = display.setup().roots[number].root;
        Self { display, root }
    }

    /// How many colours are on it.
    pub(super) fn colours(&self) -> usize {
        let root = self.display.get_geometry(self.root).expect("the screen answers").reply();
        let root = root.expect("the root has a size");
        let image =
            self.display.get_image(ImageFormat::Z_PIXMAP, self.root, 0, 0, root.width, root.height, u32::MAX);
        let pixels = image.expect("the screen answers").reply().expect("the screen can be read").data;
        let pixels = pixels.chunks_exact(4).filter_map(|pixel| pixel.try_into().ok().map(u32::from_ne_bytes));
        pixels.collect::<HashSet<_>>().len()
    }

    /// Asks every window of ours to close, as a window manager does.
    pub(super) fn close_windows(&self) {
        let atom = |name: &[u8]| {
            let atom = self.display.intern_atom(false, name).expect("the screen answers").reply();
            atom.expect("the screen keeps names").atom
        };
        let (protocols, delete) = (atom(b"WM_PROTOCOLS"), atom(b"WM_DELETE_WINDOW"));
        let tree = self.display.query_tree(self.root).expect("the screen answers").reply();
        for window in tree.expect("the root has children").children {
            if self.is_ours(window) {
                let message = ClientMessageEvent::new(32, window, protocols, [delete, 0, 0, 0, 0]);
                let sent = self.display.send_event(false, window, EventMask::NO_EVENT, message);
                sent.expect("the screen takes messages").ignore_error();
            }
        }
        self.display.flush().expect("the screen answers");
    }

    fn is_ours(&self, window: u32) -> bool {
        let class =
            self.display.get_property(false, window, AtomEnum::WM_CLASS, AtomEnum::STRING, 0, TINY.into());
        let class = class.ok().and_then(|class| class.reply().ok());
        let size = self.display.get_geometry(window).ok().and_then(|size| size.reply().ok());
        class.is_some_and(|class| class.value.starts_with(CLASS))
            && size.is_some_and(|size| size.width > TINY)
    }
}
