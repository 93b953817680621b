//! The demo is a program of its own, since it stands on this library's public side.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Command;

use super::{Failure, Status};

/// Name of the demo's program.
const PROGRAM: &str = "plancache-demo";

#[derive(Debug, thiserror::Error)]
enum DemoError {
    #[error(
        "the demo's program is not at {0}; build it beside this one with `cargo build --release -p plancache-eval`, \
         or run `make demo`"
    )]
    Missing(PathBuf),
    #[error("the demo's program {path} cannot be started")]
    Start { path: PathBuf, source: std::io::Error },
}

pub(super) fn run(arguments: &[OsString], json: bool) -> Result<Status, Failure> {
    let path = std::env::current_exe()?.with_file_name(format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX));
    if !path.is_file() {
        return Err(DemoError::Missing(path).into());
    }
    let mut command = Command::new(&path);
    // `plancache --json demo` means what `plancache demo --json` means.
    if json && !arguments.iter().any(|a| a == OsStr::new("--json")) {
        command.arg("--json");
    }
    command.args(arguments);
    start(command).map_err(|source| DemoError::Start { path, source }.into())
}

/// Becomes the demo's program, so that signals and the exit code are its own.
#[cfg(unix)]
fn start(mut command: Command) -> std::io::Result<Status> {
    use std::os::unix::process::CommandExt;
    Err(command.exec())
}

#[cfg(not(unix))]
fn start(mut command: Command) -> std::io::Result<Status> {
    Ok(if command.status()?.success() { Status::Done } else { Status::Findings })
}
