//! Draws windows without the GPU. They show text and a chart, for which software rendering is enough, and a GPU driver would use more memory than the rest
//! of the app: 70 MiB, measured on a computer without a GPU. GDK would load it before the first window opens, WebKit with that window, and neither
//! unloads it.

#[cfg(target_os = "linux")]
pub use self::linux::{in_software, reset_for};

/// Does nothing: the system decides.
#[cfg(not(target_os = "linux"))]
pub fn in_software() {}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "GDK and EGL are configured by environment variables only")]
mod linux {
    use std::env;
    use std::ffi::{c_char, c_int, c_void};
    use std::process::Command;

    use libloading::os::unix::Library;

    /// Turns off GDK's use of OpenGL (GTK 3, "Running GTK+ Applications").
    const GDK: (&str, &str) = ("GDK_GL", "disable");

    /// The list of EGL's drivers (libglvnd, "EGL ICD Enumeration").
    const EGL: (&str, &str) = ("__EGL_VENDOR_LIBRARY_FILENAMES", "/dev/null");

    /// `EGL_EXTENSIONS` of the EGL specification.
    const EXTENSIONS: c_int = 0x3055;

    type QueryString = unsafe extern "C" fn(display: *mut c_void, name: c_int) -> *const c_char;

    /// Turns OpenGL off, unless the user has set these variables. Must be called before any thread starts, since the environment must not change after that.
    pub fn in_software() {
        if env::var_os(GDK.0).is_none() {
            // SAFETY: called before any thread starts, so no other thread can read the environment meanwhile.
            unsafe { env::set_var(GDK.0, GDK.1) };
        }
        if env::var_os(EGL.0).is_none() {
            // SAFETY: as above. It is removed below because WebKit's processes inherit it, and exit if they find no driver.
            unsafe { env::set_var(EGL.0, EGL.1) };
            list_drivers();
            // SAFETY: as above.
            unsafe { env::remove_var(EGL.0) };
        }
    }

    /// Makes EGL list its drivers, which it does once per process: the extensions without a display depend on them.
    fn list_drivers() {
        // SAFETY: the function has this type in every version of EGL, and may be called without a display at any time.
        unsafe {
            if let Ok(query_string) = Library::this().get::<QueryString>(b"eglQueryString\0") {
                query_string(std::ptr::null_mut(), EXTENSIONS);
            }
        }
    }

    /// Lets a program that the user opens use the GPU.
    pub fn reset_for(command: &mut Command) {
        if env::var_os(GDK.0).is_some_and(|value| value == GDK.1) {
            command.env_remove(GDK.0);
        }
    }
}
