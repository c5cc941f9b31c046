//! The tray icon's faces: which one tells what, and the pictures, which `icons/make` has made.

use tauri::image::Image;

use crate::ipc::{Phase, Snapshot, UpdateState};

/// What the icon tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Face {
    /// The state.
    pub look: Look,
    /// An update is ready.
    pub has_update: bool,
    /// How it is drawn.
    pub style: Style,
}

/// For which panel a picture is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Black with transparency, for systems that colour it themselves.
    Template,
    /// For dark panels.
    Dark,
    /// For light panels.
    Light,
    /// For any panel.
    Colour,
}

/// The icon's pictures. They are told apart without colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Stopped,
    Connecting,
    Ready,
    Busy,
    Paused,
    Attention,
}

/// The face for this state.
pub fn face(shown: &Snapshot, style: Style) -> Face {
    let look = match shown.phase {
        Phase::Unconfigured | Phase::Stopped => Look::Stopped,
        Phase::Connecting | Phase::Waiting => Look::Connecting,
        Phase::Ready => Look::Ready,
        Phase::Busy => Look::Busy,
        Phase::Draining | Phase::Paused | Phase::Terminating => Look::Paused,
        Phase::Refused | Phase::NotReady | Phase::Failed => Look::Attention,
    };
    Face {
        look,
        has_update: matches!(shown.update.state, UpdateState::Staged | UpdateState::Available),
        style,
    }
}

/// What the tooltip says.
pub fn tooltip(shown: &Snapshot) -> String {
    format!("llamapool: {}", shown.headline)
}

/// Windows halves it on screens without scaling.
#[cfg(windows)]
macro_rules! size {
    () => {
        "32"
    };
}

/// macOS and most panels of Linux halve it.
#[cfg(not(windows))]
macro_rules! size {
    () => {
        "44"
    };
}

/// The picture of a look, without and with an update.
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
    ($look:expr, $style:literal) => {
        match $look {
            Look::Stopped => pictures!("stopped", $style, size!()),
            Look::Connecting => pictures!("connecting", $style, size!()),
            Look::Ready => pictures!("ready", $style, size!()),
            Look::Busy => pictures!("busy", $style, size!()),
            Look::Paused => pictures!("paused", $style, size!()),
            Look::Attention => pictures!("attention", $style, size!()),
        }
    };
}

impl Face {
    /// Its picture on this system.
    pub fn picture(self) -> Image<'static> {
        let [plain, with_update] = match self.style {
            Style::Dark => pictures_of!(self.look, "dark"),
            Style::Light => pictures_of!(self.look, "light"),
            Style::Colour => pictures_of!(self.look, "colour"),
            #[cfg(target_os = "macos")]
            Style::Template => pictures_of!(self.look, "template"),
            #[cfg(not(target_os = "macos"))]
            Style::Template => pictures_of!(self.look, "dark"),
        };
        let bytes = if self.has_update { with_update } else { plain };
        Image::from_bytes(bytes).expect("the pictures are part of the program: a test reads them all")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::UpdateView;
    use crate::phase::tests::{facts, seen};
    use crate::snapshot::{snapshot, tests::no_update};

    fn shown(phase: Phase) -> Snapshot {
        Snapshot { phase, ..snapshot(&facts(seen()), no_update(), tokio::time::Instant::now()) }
    }

    #[test]
    fn every_state_has_its_face() {
        for (phase, look) in [
            (Phase::Unconfigured, Look::Stopped),
            (Phase::Stopped, Look::Stopped),
            (Phase::Connecting, Look::Connecting),
            (Phase::Waiting, Look::Connecting),
            (Phase::Refused, Look::Attention),
            (Phase::NotReady, Look::Attention),
            (Phase::Ready, Look::Ready),
            (Phase::Busy, Look::Busy),
            (Phase::Draining, Look::Paused),
            (Phase::Paused, Look::Paused),
            (Phase::Terminating, Look::Paused),
            (Phase::Failed, Look::Attention),
        ] {
            let wanted = Face { look, has_update: false, style: Style::Dark };
            assert_eq!(face(&shown(phase), Style::Dark), wanted, "{phase:?}");
        }
    }

    #[test]
    fn an_update_is_put_over_it() {
        let update = UpdateView { state: UpdateState::Staged, ..no_update() };
        assert!(face(&Snapshot { update, ..shown(Phase::Ready) }, Style::Dark).has_update);
    }

    #[test]
    fn every_picture_is_there_and_is_another() {
        let looks = [Look::Stopped, Look::Connecting, Look::Ready, Look::Busy, Look::Paused, Look::Attention];
        let styles = [Style::Dark, Style::Light, Style::Colour];
        let faces = styles.iter().flat_map(|style| {
            let looks = looks.iter().flat_map(|look| [false, true].map(|has_update| (*look, has_update)));
            looks.map(|(look, has_update)| Face { look, has_update, style: *style })
        });
        let mut pictures: Vec<_> = faces.map(|face| face.picture().rgba().to_vec()).collect();
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
