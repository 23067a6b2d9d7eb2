//! Where the peer lives: a virtual environment in the target folder, made by the first test that needs it and kept for
//! the next run.

use std::{
    fs,
    hash::{DefaultHasher, Hasher as _},
    io::Write as _,
    path::{Path, PathBuf},
    process::{self, Command, Output, Stdio},
    sync::OnceLock,
};

use serde_json::{Value, json};

const REQUIREMENTS: &str = include_str!("requirements.txt");
const REQUIREMENTS_FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/it/interop/requirements.txt"
);
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/interop/peer.py");

/// What PyJWT answers.
///
/// # Panics
///
/// Without an answer. What is not run is not tested, so a peer that is missing is a failure.
#[track_caller]
pub(super) fn ask(command: &str, request: &Value) -> Value {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let python = match PYTHON.get_or_init(python) {
        Ok(python) => python,
        Err(failure) => panic!("{failure}"),
    };
    let mut request = request.clone();
    request["command"] = json!(command);
    let mut child = Command::new(python)
        .arg(SCRIPT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the Python of the environment starts");
    let mut input = child.stdin.take().expect("it is piped");
    input
        .write_all(request.to_string().as_bytes())
        .expect("the peer reads");
    drop(input);
    let output = child.wait_with_output().expect("the peer ends");
    assert!(output.status.success(), "{}", told(&output));
    serde_json::from_slice(&output.stdout).expect("the peer answers in JSON")
}

/// The Python of an environment that has what is required: the one of an earlier run, or a new one.
fn python() -> Result<PathBuf, String> {
    let mut hasher = DefaultHasher::new();
    hasher.write(REQUIREMENTS.as_bytes());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let place = folder.join(format!("pyjwt-{:016x}", hasher.finish()));
    let python = place.join("bin/python");
    if is_complete(&python) {
        return Ok(python);
    }
    // Runs beside this one make their own; the first to be done puts it in place, and it is never seen half made.
    let scratch = folder.join(format!("pyjwt-{}", process::id()));
    remove(&scratch)?;
    make(&scratch)?;
    remove(&place)?;
    if let Err(error) = fs::rename(&scratch, &place)
        && !is_complete(&python)
    {
        return Err(format!("{}: {error}", place.display()));
    }
    remove(&scratch)?;
    Ok(python)
}

fn is_complete(python: &Path) -> bool {
    let check = ["-c", "import cryptography, jwt"];
    run(Command::new(python).args(check)).is_ok()
}

fn make(place: &Path) -> Result<(), String> {
    run(Command::new("python3").args(["-m", "venv"]).arg(place)).map_err(|told| {
        format!(
            "`python3` with `venv` is not installed: run `cargo xtask setup`, or `apt-get install python3-venv`\n{told}"
        )
    })?;
    // Where the packages come from is what pip is configured to.
    let mut install = Command::new(place.join("bin/python"));
    install
        .args([
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-input",
            "-r",
        ])
        .arg(REQUIREMENTS_FILE);
    run(&mut install).map_err(|told| {
        format!(
            "PyJWT could not be installed; this needs a network once, or a pip that is configured for a mirror:\n\
             {install:?}\n{told}"
        )
    })
}

/// What the command has said, if it fails.
fn run(command: &mut Command) -> Result<(), String> {
    match command.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(told(&output)),
        Err(error) => Err(error.to_string()),
    }
}

fn told(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

fn remove(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(error) if folder.exists() => Err(format!("{}: {error}", folder.display())),
        _ => Ok(()),
    }
}
