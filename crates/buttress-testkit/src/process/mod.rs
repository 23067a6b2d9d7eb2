//! Server processes that end with the process that started them.
//!
//! Dropping is not enough: statics never drop, and neither does anything in a process that is
//! killed. So each server runs under a small shell that holds the read end of a pipe of ours.
//! Whatever ends us closes the pipe; the shell then ends the server and removes its folder.

mod supervised;
#[cfg(feature = "postgres")]
mod user;

pub(crate) use supervised::{Command, Supervised};
#[cfg(feature = "postgres")]
pub(crate) use user::User;

use std::env;
use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

/// Starting several times is only for ports that another process took between our look and the
/// server's.
const ATTEMPTS: usize = 8;

/// Starts a server on a free port of the loopback interface, and waits until `ready` says that this
/// very process serves there.
pub(crate) fn start(
    name: &str,
    folder: &Arc<TempDir>,
    command: impl Fn(&Path, SocketAddr) -> Command,
    ready: impl Fn(&Supervised, SocketAddr) -> bool,
) -> Result<(Supervised, SocketAddr), String> {
    let mut last = String::new();
    for _ in 0..ATTEMPTS {
        let address = free_address().map_err(|error| format!("{name}: no free port: {error}"))?;
        let server = Supervised::spawn(&command(folder.path(), address), folder)
            .map_err(|error| format!("{name} does not start: {error}"))?;
        match server.wait_until(|| ready(&server, address)) {
            Ok(()) => return Ok((server, address)),
            Err(failure) => last = format!("{name}: {failure}; its log:\n{}", server.log()),
        }
        if !last.contains("Address already in use") {
            break;
        }
        server.finish();
    }
    Err(last)
}

/// Runs a command to its end, under supervision all the same.
#[cfg(feature = "postgres")]
pub(crate) fn run(name: &str, folder: &Arc<TempDir>, command: &Command) -> Result<(), String> {
    let process = Supervised::spawn(command, folder)
        .map_err(|error| format!("{name} does not start: {error}"))?;
    let log = folder.path().join("log");
    match process.finish().as_str() {
        "0" => Ok(()),
        status => {
            let log = std::fs::read_to_string(log).unwrap_or_else(|error| error.to_string());
            Err(format!(
                "{name} ended with status {status}; its log:\n{log}"
            ))
        }
    }
}

/// Looks for a program, in `PATH` first. A missing one is a failure, not a reason to skip: what is
/// not run is not tested.
pub(crate) fn find(program: &str, others: &[PathBuf], package: &str) -> Result<PathBuf, String> {
    let path = env::var_os("PATH").unwrap_or_default();
    find_in(
        program,
        env::split_paths(&path).chain(others.iter().cloned()),
    )
    .ok_or_else(|| {
        format!(
            "`{program}` is not installed: run `cargo xtask setup`, or `apt-get install {package}`"
        )
    })
}

fn find_in(program: &str, folders: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    folders
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// A folder for a server's files. Short in name, since it may hold a socket.
pub(crate) fn folder(name: &str) -> Result<Arc<TempDir>, String> {
    tempfile::Builder::new()
        .prefix(OsStr::new(name))
        .tempdir()
        .map(Arc::new)
        .map_err(|error| format!("no temporary folder for {name}: {error}"))
}

/// Runs what blocks aside. Starting a server does not go by the runtime's clock, which the test may
/// have paused.
pub(crate) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(error) => panic!("the runtime ended while a server was starting: {error}"),
        },
    }
}

pub(crate) fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn shell(script: &str) -> Command {
        Command::new(Path::new("/bin/sh"), "TERM").args(["-c", script])
    }

    #[test]
    fn a_port_that_was_taken_meanwhile_is_tried_again_elsewhere() {
        let tries = AtomicUsize::new(0);
        let folder = folder("retry-").unwrap();
        let (server, address) = start(
            "server",
            &folder,
            |_, _| match tries.fetch_add(1, Ordering::SeqCst) {
                0 | 1 => shell("echo bind: Address already in use; exit 1"),
                _ => shell("exec sleep 3600"),
            },
            |_, _| tries.load(Ordering::SeqCst) > 2,
        )
        .unwrap();
        assert_eq!(tries.load(Ordering::SeqCst), 3);
        assert_ne!(address.port(), 0);
        drop(server);
        assert!(!folder.path().exists());
    }

    #[test]
    fn a_server_that_ends_at_once_is_reported_with_its_log() {
        let folder = folder("broken-").unwrap();
        let started = start(
            "server",
            &folder,
            |_, _| shell("echo no memory >&2; exit 7"),
            |_, _| false,
        );
        let message = started.map(|_| ()).unwrap_err();
        assert_eq!(
            message,
            "server: ended with status 7 before it was ready; its log:\nno memory\n"
        );
    }

    #[test]
    fn a_missing_program_says_how_to_get_it() {
        let message = find("no-such-server", &[], "no-such-package").unwrap_err();
        assert_eq!(
            message,
            "`no-such-server` is not installed: run `cargo xtask setup`, or `apt-get install no-such-package`"
        );
    }

    #[test]
    fn the_first_folder_that_has_the_program_wins() {
        let (empty, first, second) = (
            folder("a").unwrap(),
            folder("b").unwrap(),
            folder("c").unwrap(),
        );
        for folder in [&first, &second] {
            std::fs::write(folder.path().join("program"), "").unwrap();
        }
        let folders = [&empty, &first, &second].map(|folder| folder.path().to_owned());
        assert_eq!(
            find_in("program", folders.into_iter()),
            Some(first.path().join("program"))
        );
    }
}
