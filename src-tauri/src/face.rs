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
pub fn face(shown: &Snapshot) -> Face {
    let look = match shown.phase {
        Phase::Unconfigured | Phase::Stopped => Look::Stopped,
        Phase::Connecting | Phase::Waiting => Look::Connecting,
        Phase::Ready => Look::Ready,
        Phase::Busy => Look::Busy,
        Phase::Draining | Phase::Paused | Phase::Terminating => Look::Paused,
        Phase::Refused | Phase::NotReady | Phase::Failed => Look::Attention,
    };
    Face { look, has_update: shown.update.state == UpdateState::Staged }
}

/// What the tooltip says.
pub fn tooltip(shown: &Snapshot) -> String {
    format!("llamapool: {}", shown.headline)
}

/// The picture of a face at one size, for panels of one colour.
macro_rules! pictures {
    ($name:literal, $style:literal, $size:literal) => {
        [
            include_bytes!(concat!("../icons/tray/", $name, "-", $style, "-", $size, ".png")).as_slice(),
            include_bytes!(concat!("../icons/tray/", $name, "-update-", $style, "-", $size, ".png"))
                .as_slice(),
        ]
    };
}

/// All pictures for panels of one colour.
macro_rules! pictures_of {
    ($style:literal, $size:literal) => {
        |look| match look {
            Look::Stopped => pictures!("stopped", $style, $size),
            Look::Connecting => pictures!("connecting", $style, $size),
            Look::Ready => pictures!("ready", $style, $size),
            Look::Busy => pictures!("busy", $style, $size),
            Look::Paused => pictures!("paused", $style, $size),
            Look::Attention => pictures!("attention", $style, $size),
        }
    };
}

type Pictures = fn(Look) -> [&'static [u8]; 2];

/// For panels that are dark, or whose colour is not known: most are.
#[cfg(target_os = "linux")]
const PICTURES: Pictures = pictures_of!("dark", "44");
/// Black with transparency: the system colours them.
#[cfg(target_os = "macos")]
const PICTURES: Pictures = pictures_of!("template", "44");
/// For the taskbar, which is dark unless its owner changed it.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
const PICTURES: Pictures = pictures_of!("dark", "32");

impl Face {
    /// Its picture on this system.
    pub fn picture(self) -> Image<'static> {
        let [plain, with_update] = PICTURES(self.look);
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
            assert_eq!(face(&shown(phase)), Face { look, has_update: false }, "{phase:?}");
        }
    }

    #[test]
    fn an_update_is_put_over_it() {
        let update = UpdateView { state: UpdateState::Staged, ..no_update() };
        assert!(face(&Snapshot { update, ..shown(Phase::Ready) }).has_update);
    }

    #[test]
    fn every_picture_is_there_and_is_another() {
        let looks = [Look::Stopped, Look::Connecting, Look::Ready, Look::Busy, Look::Paused, Look::Attention];
        let faces =
            looks.iter().flat_map(|look| [false, true].map(|has_update| Face { look: *look, has_update }));
        let mut pictures: Vec<_> = faces.map(|face| face.picture().rgba().to_vec()).collect();
        assert!(pictures.iter().all(|picture| picture.iter().any(|byte| *byte != 0)));
        pictures.sort();
        pictures.dedup();
        assert_eq!(pictures.len(), 12);
    }

    #[test]
    fn the_tooltip_repeats_the_state() {
        assert_eq!(tooltip(&shown(Phase::Ready)), "llamapool: Ready – no models");
    }
}
