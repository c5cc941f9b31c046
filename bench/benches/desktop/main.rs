//! What the tray app costs a desktop: memory and wake-ups while nothing happens, how long a window takes, and what is left of it when it is closed.
//! Figures of one run on this machine, on a screen without a graphics card; nothing fails here.

#[cfg(target_os = "linux")]
mod figures;

#[cfg(target_os = "linux")]
fn main() {
    figures::main();
}

#[cfg(not(target_os = "linux"))]
fn main() {}
