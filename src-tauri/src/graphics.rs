//! How windows are drawn: without the graphics card. They are text and a chart, and what a card's driver costs from the first second on is more than the
//! rest of the app: GDK would load it before there is any window, in software where there is no card (about 50 MiB).

/// Turns GDK's use of OpenGL off (GTK 3, "Running GTK+ Applications": `GDK_GL`), unless somebody has said what is wanted. To be called first: the
/// environment of a process must not change once there are threads.
#[expect(unsafe_code, reason = "the environment is the only place where GDK looks")]
pub fn in_software() {
    const SWITCH: &str = "GDK_GL";
    if cfg!(target_os = "linux") && std::env::var_os(SWITCH).is_none() {
        // SAFETY: this is called before anything that starts threads, so there is no other one that could read the environment meanwhile.
        unsafe { std::env::set_var(SWITCH, "disable") };
    }
}
