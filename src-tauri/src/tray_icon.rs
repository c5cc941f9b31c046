//! The tray icon: which one shows which state, and the pictures, which `icons/make` generates.

use tauri::image::Image;

use crate::ipc::{Phase, Snapshot, UpdateState};

/// A tray icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Icon {
    /// The symbol for the state.
    pub symbol: Symbol,
    /// An update is available.
    pub has_update: bool,
    /// The style.
    pub style: IconStyle,
}

/// The style of a picture, which depends on the panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IconStyle {
    /// Black with transparency, for systems that tint it.
    Template,
    /// For dark panels.
    Dark,
    /// For light panels.
    Light,
    /// For any panel.
    Colour,
}

/// The symbols. They differ in shape, not only in colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symbol {
    Stopped,
    Connecting,
    Ready,
    Busy,
    Paused,
    Attention,
}

/// The icon for this snapshot.
pub fn icon(shown: &Snapshot, style: IconStyle) -> Icon {
    let symbol = match shown.phase {
        Phase::Unconfigured | Phase::Stopped => Symbol::Stopped,
        Phase::Connecting | Phase::Waiting => Symbol::Connecting,
        Phase::Ready => Symbol::Ready,
        Phase::Busy => Symbol::Busy,
        Phase::Draining | Phase::Paused | Phase::Terminating => Symbol::Paused,
        Phase::Refused | Phase::NotReady | Phase::Failed => Symbol::Attention,
    };
    Icon {
        symbol,
        has_update: matches!(shown.update.state, UpdateState::Staged | UpdateState::Available),
        style,
    }
}

/// The tooltip.
pub fn tooltip(shown: &Snapshot) -> String {
    format!("llamapool: {}", shown.headline)
}

/// The picture size. Windows halves it on screens without scaling.
#[cfg(windows)]
macro_rules! size {
    () => {
        "32"
    };
}

/// The picture size. macOS and most Linux panels halve it.
#[cfg(not(windows))]
macro_rules! size {
    () => {
        "44"
    };
}

/// The pictures of a symbol, without and with the update mark.
macro_rules! pictures {
    ($name:literal, $style:literal, $size:expr) => {
        [
            include_bytes!(concat!("../icons/tray/", $name, "-", $style, "-", $size, ".png")).as_slice(),
            include_bytes!(concat!("../icons/tray/", $name, "-update-", $style, "-", $size, ".png"))
                .as_slice(),
        ]
    };
}

/// The pictures of one style.
macro_rules! pictures_of {
    ($symbol:expr, $style:literal) => {
        match $symbol {
            Symbol::Stopped => pictures!("stopped", $style, size!()),
            Symbol::Connecting => pictures!("connecting", $style, size!()),
            Symbol::Ready => pictures!("ready", $style, size!()),
            Symbol::Busy => pictures!("busy", $style, size!()),
            Symbol::Paused => pictures!("paused", $style, size!()),
            Symbol::Attention => pictures!("attention", $style, size!()),
        }
    };
}

impl Icon {
    /// The picture for this system.
    pub fn picture(self) -> Image<'static> {
        let [plain, with_update] = match self.style {
            IconStyle::Dark => pictures_of!(self.symbol, "dark"),
            IconStyle::Light => pictures_of!(self.symbol, "light"),
            IconStyle::Colour => pictures_of!(self.symbol, "colour"),
            #[cfg(target_os = "macos")]
            IconStyle::Template => pictures_of!(self.symbol, "template"),
            #[cfg(not(target_os = "macos"))]
            IconStyle::Template => pictures_of!(self.symbol, "dark"),
        };
        let bytes = if self.has_update { with_update } else { plain };
        Image::from_bytes(bytes).expect("the pictures are embedded and a test decodes them all")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::UpdateView;
    use crate::snapshot::{snapshot, tests::no_update};
    use crate::worker_state::tests::{facts, worker};

    fn shown(phase: Phase) -> Snapshot {
        Snapshot { phase, ..snapshot(&facts(worker()), no_update(), tokio::time::Instant::now()) }
    }

    #[test]
    fn every_state_has_its_icon() {
        for (phase, symbol) in [
            (Phase::Unconfigured, Symbol::Stopped),
            (Phase::Stopped, Symbol::Stopped),
            (Phase::Connecting, Symbol::Connecting),
            (Phase::Waiting, Symbol::Connecting),
            (Phase::Refused, Symbol::Attention),
            (Phase::NotReady, Symbol::Attention),
            (Phase::Ready, Symbol::Ready),
            (Phase::Busy, Symbol::Busy),
            (Phase::Draining, Symbol::Paused),
            (Phase::Paused, Symbol::Paused),
            (Phase::Terminating, Symbol::Paused),
            (Phase::Failed, Symbol::Attention),
        ] {
            let wanted = Icon { symbol, has_update: false, style: IconStyle::Dark };
            assert_eq!(icon(&shown(phase), IconStyle::Dark), wanted, "{phase:?}");
        }
    }

    #[test]
    fn an_update_is_marked() {
        let update = UpdateView { state: UpdateState::Staged, ..no_update() };
        assert!(icon(&Snapshot { update, ..shown(Phase::Ready) }, IconStyle::Dark).has_update);
    }

    #[test]
    fn all_pictures_differ() {
        let looks = [
            Symbol::Stopped,
            Symbol::Connecting,
            Symbol::Ready,
            Symbol::Busy,
            Symbol::Paused,
            Symbol::Attention,
        ];
        let styles = [IconStyle::Dark, IconStyle::Light, IconStyle::Colour];
        let faces = styles.iter().flat_map(|style| {
            let looks = looks.iter().flat_map(|symbol| [false, true].map(|has_update| (*symbol, has_update)));
            looks.map(|(symbol, has_update)| Icon { symbol, has_update, style: *style })
        });
        let mut pictures: Vec<_> = faces.map(|icon| icon.picture().rgba().to_vec()).collect();
        assert!(pictures.iter().all(|picture| picture.iter().any(|byte| *byte != 0)));
        pictures.sort();
        pictures.dedup();
        assert_eq!(pictures.len(), 36);
    }

    #[test]
    fn the_tooltip_repeats_the_state() {
        assert_eq!(tooltip(&shown(Phase::Ready)), "llamapool: Ready – no models");
    }
}
