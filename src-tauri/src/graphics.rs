//! How windows are drawn: without the graphics card. They are text and a chart, and a card's driver in this process costs more than the rest of it. GDK
//! would load it before there is any window, the browser with the first one, and neither lets it go again: where there is no card, 70 MiB.

#[cfg(target_os = "linux")]
pub use self::linux::{in_software, not_for};

/// They are drawn as the system likes.
#[cfg(not(target_os = "linux"))]
pub fn in_software() {}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the environment is the only place where GDK and EGL look")]
mod linux {
    use std::env;
    use std::ffi::{c_char, c_int, c_void};
    use std::process::Command;

    use libloading::os::unix::Library;

    /// What turns off GDK's use of OpenGL (GTK 3, "Running GTK+ Applications").
    const GDK: (&str, &str) = ("GDK_GL", "disable");

    /// Where EGL looks for drivers (libglvnd, "EGL ICD Enumeration").
    const EGL: (&str, &str) = ("__EGL_VENDOR_LIBRARY_FILENAMES", "/dev/null");

    /// `EGL_EXTENSIONS` of the EGL specification.
    const EXTENSIONS: c_int = 0x3055;

    type QueryString = unsafe extern "C" fn(display: *mut c_void, name: c_int) -> *const c_char;

    /// Turns OpenGL off, as far as nobody has said what is wanted. To be called first: the environment of a process must not change once there are
    /// threads.
    pub fn in_software() {
        if env::var_os(GDK.0).is_none() {
            // SAFETY: this is called before anything that starts threads, so there is no other one that could read the environment meanwhile.
            unsafe { env::set_var(GDK.0, GDK.1) };
        }
        if env::var_os(EGL.0).is_none() {
            // SAFETY: the same. It is taken back because the processes that draw pages inherit it, and end where they find no driver.
            unsafe { env::set_var(EGL.0, EGL.1) };
            list_drivers();
            // SAFETY: the same.
            unsafe { env::remove_var(EGL.0) };
        }
    }

    /// Has EGL list its drivers, which it does once in a process. Which extensions there are without a display depends on them.
    fn list_drivers() {
        // SAFETY: the function has this type in every version of EGL, and without a display it may be called at any time.
        unsafe {
            if let Ok(query_string) = Library::this().get::<QueryString>(b"eglQueryString\0") {
                query_string(std::ptr::null_mut(), EXTENSIONS);
            }
        }
    }

    /// What is started for people may use their graphics card.
    pub fn not_for(others: &mut Command) {
        if env::var_os(GDK.0).is_some_and(|value| value == GDK.1) {
            others.env_remove(GDK.0);
        }
    }
}
