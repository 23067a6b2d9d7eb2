//! The binary as a process, and what one does with it.

use std::{
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    net::TcpStream,
    process::{Child, ChildStdout, Command},
    task::JoinHandle,
    time::timeout,
};

/// Longer than anything takes on the slowest machine; a test that runs into it has failed.
pub(crate) const TOO_LONG: Duration = Duration::from_secs(60);

pub(crate) fn shop(folder: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shop-api"));
    command
        .current_dir(folder)
        .args(arguments)
        .env_clear()
        .env("BIND_ADDR", "127.0.0.1:0")
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// An administrator, for the environment.
pub(crate) const ADMIN: [(&str, &str); 2] = [
    ("ADMIN_EMAIL", "admin@shop.example"),
    ("ADMIN_PASSWORD", "correct horse battery"),
];

/// A shop that has said where it listens.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: String,
    pub(crate) stdout: Lines<BufReader<ChildStdout>>,
    /// Read all the time, since a process whose pipe is full stands still.
    stderr: JoinHandle<String>,
    pub(crate) folder: TempDir,
}

impl Running {
    pub(crate) async fn start(environment: &[(&str, &str)], arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut child = shop(folder.path(), environment, arguments)
            .spawn()
            .expect("starts");
        let mut pipe = child.stderr.take().expect("is piped");
        let stderr = tokio::spawn(async move {
            let mut text = String::new();
            pipe.read_to_string(&mut text).await.expect("is UTF-8");
            text
        });
        let mut stdout = BufReader::new(child.stdout.take().expect("is piped")).lines();
        let line = timeout(TOO_LONG, stdout.next_line())
            .await
            .expect("in time")
            .expect("reads");
        let line = line.expect("a first line");
        let address = line
            .strip_prefix("listening on http://")
            .expect(&line)
            .to_owned();
        Self {
            child,
            address,
            stdout,
            stderr,
            folder,
        }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).await.expect("connects")
    }

    pub(crate) async fn request(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.expect("sends");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("reads");
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> String {
        self.request(&format!(
            "GET {path} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n"
        ))
        .await
    }

    /// With this access token.
    pub(crate) async fn get_as(&self, path: &str, token: &str) -> String {
        self.request(&format!(
            "GET {path} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\
             authorization: Bearer {token}\r\n\r\n"
        ))
        .await
    }

    pub(crate) async fn post(&self, path: &str, token: Option<&str>, body: &str) -> String {
        let authorization = match token {
            Some(token) => format!("authorization: Bearer {token}\r\n"),
            None => String::new(),
        };
        self.request(&format!(
            "POST {path} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n{authorization}\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await
    }

    /// The token pair that [`ADMIN`] signs in with.
    pub(crate) async fn admin_pair(&self) -> Value {
        let [(_, email), (_, password)] = ADMIN;
        let body = json!({ "email": email, "password": password });
        let answer = self.post("/v1/auth/login", None, &body.to_string()).await;
        let (head, body) = answer.split_once("\r\n\r\n").expect("is whole");
        assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
        serde_json::from_str(body).expect("is JSON")
    }

    pub(crate) async fn admin_token(&self) -> String {
        let pair = self.admin_pair().await;
        pair["accessToken"].as_str().expect("has one").to_owned()
    }

    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().expect("runs").to_string();
        let sent = Command::new("kill")
            .args(["-s", name, &id])
            .status()
            .await
            .expect("runs");
        assert!(sent.success());
    }

    /// How it ended, and what it said.
    pub(crate) async fn end(mut self) -> (ExitStatus, String) {
        let status = timeout(TOO_LONG, self.child.wait())
            .await
            .expect("in time")
            .expect("ends");
        (status, self.stderr.await.expect("is read"))
    }
}
