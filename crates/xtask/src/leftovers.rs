//! No process outlives the tests: whoever started a server ends it.

pub(crate) use self::system::Watch;

/// The variable that every process of a test run carries.
const MARK: &str = "BUTTRESS_TEST_RUN";

#[cfg(target_os = "linux")]
mod system {
    use std::{
        collections::BTreeSet,
        fs,
        hash::{BuildHasher as _, Hasher as _, RandomState},
        process, thread,
        time::Duration,
    };

    use rustix::process::{Pid, Signal, getpid, kill_process, set_child_subreaper};

    use super::MARK;
    use crate::{Failure, Outcome, step::Steps};

    /// A compiler cache stays for the next build on purpose.
    const ALLOWED: [&str; 1] = ["sccache"];

    const PAUSE: Duration = Duration::from_millis(100);
    /// A server ends itself when the pipe to its test closes; this many pauses it may take for that.
    const PAUSES: u32 = 50;

    /// Knows which processes came from this run.
    ///
    /// Two things tell: a process that loses its parent becomes a child of xtask, not of init, so all descendants stay
    /// findable; and all carry a variable in their environment. Either alone has a hole: Redis overwrites its
    /// environment with its title, and a descendant could be handed to another parent.
    #[derive(Debug)]
    pub(crate) struct Watch {
        run: String,
    }

    impl Watch {
        pub(crate) fn begin(steps: &mut Steps) -> Outcome<Self> {
            set_child_subreaper(Some(getpid()))
                .map_err(|error| Failure::new(format!("orphans cannot be watched: {error}")))?;
            let run = format!(
                "{}-{:016x}",
                process::id(),
                RandomState::new().build_hasher().finish()
            );
            steps.mark_children(MARK, &run);
            Ok(Self { run })
        }

        /// Fails when a process of the run is still there, names it and ends it.
        pub(crate) fn end(&self) -> Outcome {
            let remaining = self.wait_for_end();
            if remaining.is_empty() {
                println!("  no process of the run is left");
                return Ok(());
            }
            let list: Vec<String> = remaining.iter().map(Process::describe).collect();
            for signal in [Signal::TERM, Signal::KILL] {
                for process in self.remaining() {
                    process.send(signal);
                }
                if self.wait_for_end().is_empty() {
                    break;
                }
            }
            Err(Failure::new(format!(
                "the tests left processes behind (they have been ended now):\n  {}",
                list.join("\n  ")
            )))
        }

        fn wait_for_end(&self) -> Vec<Process> {
            for _ in 0..PAUSES {
                if self.remaining().is_empty() {
                    break;
                }
                thread::sleep(PAUSE);
            }
            self.remaining()
        }

        fn remaining(&self) -> Vec<Process> {
            let own = process::id();
            let all = processes();
            let descendants = descendants(&all, own);
            all.into_iter()
                .filter(|process| process.pid != own && !process.ended)
                .filter(|process| !ALLOWED.contains(&process.name.as_str()))
                .filter(|process| {
                    descendants.contains(&process.pid) || carries(process.pid, &self.run)
                })
                .collect()
        }
    }

    #[derive(Debug, PartialEq, Eq)]
    struct Process {
        pid: u32,
        parent: u32,
        name: String,
        ended: bool,
    }

    impl Process {
        /// Reads `/proc/<pid>/stat`; the name stands in parentheses and may itself contain some.
        fn parse(stat: &str) -> Option<Self> {
            let (pid, rest) = stat.split_once(" (")?;
            let (name, rest) = rest.rsplit_once(") ")?;
            let mut fields = rest.split(' ');
            let state = fields.next()?;
            Some(Self {
                pid: pid.parse().ok()?,
                parent: fields.next()?.parse().ok()?,
                name: name.to_owned(),
                ended: matches!(state, "Z" | "X"),
            })
        }

        fn describe(&self) -> String {
            let line =
                fs::read_to_string(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
            let line = line.replace('\0', " ");
            format!("{} (process {}): {}", self.name, self.pid, line.trim_end())
        }

        fn send(&self, signal: Signal) {
            let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
            if let Some(pid) = pid {
                // It may have ended since it was listed, which is what is wanted.
                let _ = kill_process(pid, signal);
            }
        }
    }

    fn processes() -> Vec<Process> {
        fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok())
            .filter_map(|stat| Process::parse(&stat))
            .collect()
    }

    fn descendants(all: &[Process], root: u32) -> BTreeSet<u32> {
        let mut found = BTreeSet::from([root]);
        loop {
            let before = found.len();
            found.extend(
                all.iter()
                    .filter(|process| found.contains(&process.parent))
                    .map(|process| process.pid)
                    .collect::<Vec<u32>>(),
            );
            if found.len() == before {
                return found;
            }
        }
    }

    fn carries(pid: u32, run: &str) -> bool {
        let expected = format!("{MARK}={run}");
        fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| {
            environment
                .split(|byte| *byte == 0)
                .any(|variable| variable == expected.as_bytes())
        })
    }

    #[cfg(test)]
    mod tests {
        use std::{
            env,
            io::{Read as _, Write as _},
            path::Path,
            process::{Command, Stdio},
        };

        use super::*;
        use crate::command::CommandLine;

        #[test]
        fn a_stat_line_is_read_in_spite_of_odd_names() {
            assert_eq!(
                Process::parse("42 (a) (b) S 7 42 42 0"),
                Some(Process {
                    pid: 42,
                    parent: 7,
                    name: "a) (b".to_owned(),
                    ended: false
                })
            );
            assert!(Process::parse("1 (x) Z 0 1").unwrap().ended);
            assert_eq!(Process::parse("nonsense"), None);
        }

        #[test]
        fn descendants_are_found_over_generations() {
            let process = |pid, parent| Process {
                pid,
                parent,
                name: String::new(),
                ended: false,
            };
            let all = [process(5, 4), process(4, 3), process(3, 2), process(9, 1)];
            assert_eq!(descendants(&all, 3), BTreeSet::from([3, 4, 5]));
        }

        /// Whatever the process of this test has started counts as left behind, so it has to run in one of its own.
        #[test]
        fn an_orphan_is_named_and_ended() {
            const ALONE: &str = "XTASK_TEST_ALONE";
            if env::var_os(ALONE).is_some() {
                return leave_an_orphan();
            }
            let output = Command::new(env::current_exe().unwrap())
                .args(["--exact", "--nocapture"])
                .arg("leftovers::system::tests::an_orphan_is_named_and_ended")
                .env(ALONE, "1")
                .output()
                .unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{text}");
            assert!(text.contains("1 passed"), "{text}");
        }

        fn leave_an_orphan() {
            let mut steps = Steps::new(Path::new("/"));
            let watch = Watch::begin(&mut steps).unwrap();
            watch.end().unwrap();
            // The shell ends at once; its child would live on. It has another environment, as a Redis has.
            let orphan = CommandLine::new("sh", ["-c", "env -i sleep 3600.5 > /dev/null 2>&1 &"]);
            steps.run("orphan", &orphan).unwrap();

            let failure = watch.end().unwrap_err().to_string();
            assert!(failure.contains("sleep 3600.5"), "{failure}");
            watch.end().unwrap();
        }

        #[test]
        fn the_mark_is_found_in_an_environment() {
            // It ends when its input closes, even if an assertion fails.
            let mut child = Command::new("cat")
                .env(MARK, "some-run")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut input = child.stdin.take().unwrap();
            input.write_all(b"!").unwrap();
            // What it has answered, it has answered with its own environment in place.
            let mut answer = [0];
            let mut output = child.stdout.take().unwrap();
            output.read_exact(&mut answer).unwrap();

            assert!(carries(child.id(), "some-run"));
            assert!(!carries(child.id(), "another-run"));
            drop(input);
            child.wait().unwrap();
        }
    }
}

/// Other systems have no `/proc` to look into: tests run there all the same, the watch on leftovers is Linux's.
#[cfg(not(target_os = "linux"))]
mod system {
    use crate::{Outcome, step::Steps};

    #[derive(Debug)]
    pub(crate) struct Watch;

    impl Watch {
        pub(crate) fn begin(steps: &mut Steps) -> Outcome<Self> {
            steps.mark_children(super::MARK, "unwatched");
            Ok(Self)
        }

        pub(crate) fn end(&self) -> Outcome {
            println!("  processes left behind are looked for on Linux only");
            Ok(())
        }
    }
}
