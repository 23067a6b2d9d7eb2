use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{self, Child, ChildStdin, Stdio};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

#[cfg(feature = "postgres")]
use super::User;

const SUPERVISE: &str = include_str!("supervise.sh");

/// How often and how long [`Supervised::wait_until`] looks: for a minute, because a loaded machine
/// must not fail a good test.
const LOOK_EVERY: Duration = Duration::from_millis(10);
const LOOKS: usize = 6000;

/// A server's command line.
#[derive(Debug)]
pub(crate) struct Command {
    words: Vec<OsString>,
    signal: &'static str,
    /// Its uid and gid, if it is not to run as who we are.
    user: Option<(u32, u32)>,
}

impl Command {
    /// Runs `program`, and ends it with `signal` (a name as `kill -s` takes it).
    pub(crate) fn new(program: &Path, signal: &'static str) -> Self {
        Self {
            words: vec![program.into()],
            signal,
            user: None,
        }
    }

    pub(crate) fn args<I: IntoIterator<Item: AsRef<OsStr>>>(mut self, args: I) -> Self {
        self.words
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn user(mut self, user: Option<User>) -> Self {
        self.user = user.map(|user| (user.uid, user.gid));
        self
    }
}

/// A server that runs until this is dropped, or until this process ends in any way. Then its folder
/// is gone, too.
#[derive(Debug)]
pub(crate) struct Supervised {
    supervisor: Child,
    /// Taken when it is to close.
    pipe: Option<ChildStdin>,
    process_id: u32,
    status: Arc<OnceLock<String>>,
    folder: Arc<TempDir>,
}

impl Supervised {
    /// Starts the command, with its output in the file `log` of the folder.
    pub(crate) fn spawn(command: &Command, folder: &Arc<TempDir>) -> io::Result<Self> {
        let mut shell = process::Command::new("/bin/sh");
        shell
            .args(["-c", SUPERVISE, "supervise"])
            .arg(folder.path())
            .arg(command.signal)
            .args(&command.words)
            .current_dir(folder.path())
            // Messages that we look for must be in English.
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Out of reach of a Ctrl-C in the terminal, which would end the shell before it has
            // cleaned up.
            .process_group(0);
        if let Some((uid, gid)) = command.user {
            shell.uid(uid).gid(gid);
        }
        let mut supervisor = shell.spawn()?;
        let pipe = supervisor.stdin.take();
        let mut output = BufReader::new(supervisor.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let process_id = line
            .trim()
            .parse()
            .map_err(|_| io::ErrorKind::InvalidData)?;

        let status = Arc::new(OnceLock::new());
        let ended = Arc::clone(&status);
        thread::spawn(move || {
            let mut line = String::new();
            let read = output.read_line(&mut line);
            let _first =
                ended.set(read.map_or_else(|error| error.to_string(), |_| line.trim().to_owned()));
        });
        Ok(Self {
            supervisor,
            pipe,
            process_id,
            status,
            folder: Arc::clone(folder),
        })
    }

    /// The server's process id, not the supervisor's.
    pub(crate) fn process_id(&self) -> u32 {
        self.process_id
    }

    /// The server's folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What the server has said so far.
    pub(crate) fn log(&self) -> String {
        match std::fs::read(self.path().join("log")) {
            Ok(log) => String::from_utf8_lossy(&log).into_owned(),
            Err(error) => format!("unreadable: {error}"),
        }
    }

    /// Looks until `condition` holds. It never does when the server has ended, or within a minute.
    pub(crate) fn wait_until(&self, condition: impl Fn() -> bool) -> Result<(), String> {
        for _ in 0..LOOKS {
            if let Some(status) = self.status.get() {
                return Err(format!("ended with status {status} before it was ready"));
            }
            if condition() {
                return Ok(());
            }
            thread::sleep(LOOK_EVERY);
        }
        Err("not ready within a minute".to_owned())
    }

    /// Waits until the process has ended by itself, and returns its exit status. The folder stays.
    pub(crate) fn finish(mut self) -> String {
        let status = self.status.wait().clone();
        if let Some(pipe) = &mut self.pipe {
            // When the supervisor is gone, so is the danger that it removes the folder.
            let _kept = pipe.write_all(b"keep\n");
        }
        status
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        // Closing the pipe is the signal. The supervisor ends after the server, within seconds at
        // the worst.
        drop(self.pipe.take());
        let _ended = self.supervisor.wait();
    }
}
