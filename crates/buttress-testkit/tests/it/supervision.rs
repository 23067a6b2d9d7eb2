//! However a test process ends, its servers end with it and leave nothing behind.
//!
//! Each test starts itself again as a process that holds servers, and sees to that process's end.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use buttress_testkit::{PostgresServer, RedisServer};

const HOLDER: &str = "BUTTRESS_TESTKIT_HOLDER";

/// A server as seen from the outside.
#[derive(Debug)]
struct Trace {
    process_id: u32,
    folder: PathBuf,
}

impl Trace {
    fn is_running(&self) -> bool {
        let kill = Command::new("/bin/sh")
            .args([
                "-c",
                "kill -0 \"$0\" 2>/dev/null",
                &self.process_id.to_string(),
            ])
            .status();
        kill.unwrap().success()
    }

    /// Looks until nothing is left, for a minute at most.
    fn vanishes(&self) {
        for _ in 0..6000 {
            if !self.is_running() && !self.folder.exists() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("still there: {self:?}, running: {}", self.is_running());
    }
}

/// Starts this very test as a holder, and returns it when its two servers run.
fn holder(test: &str) -> (Child, Vec<Trace>) {
    // What a shell starts in the background ignores interrupts, and so do all that it starts in turn.
    let mut holder = Command::new("env")
        .arg("--default-signal=INT")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(HOLDER, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(holder.stderr.as_mut().unwrap()).lines();
    let traces: Vec<_> = std::iter::from_fn(|| lines.next())
        .filter_map(|line| {
            let line = line.unwrap();
            let (process_id, folder) = line.strip_prefix("server ")?.split_once(' ')?;
            Some(Trace {
                process_id: process_id.parse().unwrap(),
                folder: folder.into(),
            })
        })
        .take(2)
        .collect();
    assert_eq!(traces.len(), 2, "the holder did not start its servers");
    for trace in &traces {
        assert!(trace.is_running() && trace.folder.is_dir(), "{trace:?}");
    }
    (holder, traces)
}

fn is_holder() -> bool {
    std::env::var_os(HOLDER).is_some()
}

fn announce(redis: &RedisServer, postgres: &PostgresServer) {
    eprintln!("server {} {}", redis.process_id(), redis.folder().display());
    eprintln!(
        "server {} {}",
        postgres.process_id(),
        postgres.folder().display()
    );
    // Until the other side closes it, or kills us.
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[tokio::test]
async fn a_killed_process_takes_its_servers_along() {
    if is_holder() {
        return announce(&RedisServer::start().await, &PostgresServer::start().await);
    }
    let (mut holder, traces) = holder("supervision::a_killed_process_takes_its_servers_along");
    // SIGKILL: the holder has no chance to do anything about it.
    holder.kill().unwrap();
    assert!(!holder.wait().unwrap().success());
    traces.iter().for_each(Trace::vanishes);
}

#[tokio::test]
async fn an_interrupt_from_the_terminal_takes_the_servers_along() {
    if is_holder() {
        return announce(&RedisServer::start().await, &PostgresServer::start().await);
    }
    let (mut holder, traces) =
        holder("supervision::an_interrupt_from_the_terminal_takes_the_servers_along");
    // A terminal sends it to the whole process group.
    let group = format!("-{}", holder.id());
    let kill = Command::new("/bin/sh")
        .args(["-c", "kill -s INT -- \"$0\"", &group])
        .status();
    assert!(kill.unwrap().success());
    assert!(!holder.wait().unwrap().success());
    traces.iter().for_each(Trace::vanishes);
}

#[tokio::test]
async fn a_panic_takes_the_servers_along() {
    if is_holder() {
        let (redis, postgres) = (RedisServer::start().await, PostgresServer::start().await);
        announce(&redis, &postgres);
        panic!("as a failing test does");
    }
    let (mut holder, traces) = holder("supervision::a_panic_takes_the_servers_along");
    drop(holder.stdin.take());
    assert!(!holder.wait().unwrap().success());
    traces.iter().for_each(Trace::vanishes);
}

#[tokio::test]
async fn servers_in_statics_end_with_their_process() {
    if is_holder() {
        return announce(RedisServer::shared().await, PostgresServer::shared().await);
    }
    let (mut holder, traces) = holder("supervision::servers_in_statics_end_with_their_process");
    drop(holder.stdin.take());
    assert!(holder.wait().unwrap().success());
    traces.iter().for_each(Trace::vanishes);
}

#[tokio::test]
async fn a_missing_server_is_a_failure_that_says_how_to_install_it() {
    if is_holder() {
        RedisServer::start().await;
        return;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "supervision::a_missing_server_is_a_failure_that_says_how_to_install_it",
            "--nocapture",
        ])
        .env(HOLDER, "1")
        .env("PATH", "")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let errors = String::from_utf8(output.stderr).unwrap();
    let hint = "`redis-server` is not installed: run `cargo xtask setup`, or `apt-get install redis-server`";
    assert!(errors.contains(hint), "{errors}");
}
