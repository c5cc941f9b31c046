//! `bench`: see the library's first page.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    llamapool_bench::main()
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::print_stderr, reason = "the only thing this build has to say")]
fn main() -> ExitCode {
    eprintln!("the benchmarks read Linux's process clocks and /proc: run them on Linux");
    ExitCode::FAILURE
}
