//! A command line that can be run and be shown so that it can be repeated by hand.

use std::{
    env, fmt,
    path::Path,
    process::{Command, Stdio},
};

use crate::{Failure, Outcome};

/// A program with its arguments and the environment that it needs beyond the inherited one.
#[derive(Clone, Debug)]
pub(crate) struct CommandLine {
    program: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl CommandLine {
    pub(crate) fn new<'a>(
        program: &str,
        arguments: impl IntoIterator<Item = &'a (impl AsRef<str> + ?Sized + 'a)>,
    ) -> Self {
        Self {
            program: program.to_owned(),
            arguments: arguments
                .into_iter()
                .map(|argument| argument.as_ref().to_owned())
                .collect(),
            environment: Vec::new(),
        }
    }

    pub(crate) fn cargo<'a>(
        arguments: impl IntoIterator<Item = &'a (impl AsRef<str> + ?Sized + 'a)>,
    ) -> Self {
        Self::new("cargo", arguments)
    }

    #[must_use]
    pub(crate) fn with_environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The command, ready to be started in `directory`.
    ///
    /// `cargo run` describes xtask itself to its children (`CARGO_PKG_NAME` and the like). Some build scripts watch
    /// these variables, so handing them on would rebuild half the graph whenever a person and xtask take turns.
    pub(crate) fn prepare(&self, directory: &Path) -> Command {
        let mut command = if self.program == "cargo" {
            Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        } else {
            Command::new(&self.program)
        };
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(describes_xtask) {
                command.env_remove(name);
            }
        }
        command
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(directory);
        command
    }

    /// Runs the command for what it prints.
    pub(crate) fn output(&self, directory: &Path) -> Outcome<String> {
        let output = self
            .prepare(directory)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| Failure::new(format!("`{self}` cannot be started: {error}")))?;
        if !output.status.success() {
            return Err(Failure::new(format!("`{self}` failed ({})", output.status)));
        }
        String::from_utf8(output.stdout)
            .map_err(|_| Failure::new(format!("`{self}` printed what is not UTF-8")))
    }

    /// Whether the command ends well; what it prints is not of interest.
    pub(crate) fn succeeds(&self, directory: &Path) -> bool {
        self.prepare(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.environment {
            write!(f, "{name}={} ", quoted(value))?;
        }
        f.write_str(&quoted(&self.program))?;
        for argument in &self.arguments {
            write!(f, " {}", quoted(argument))?;
        }
        Ok(())
    }
}

fn describes_xtask(name: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
        || name == "CARGO_CRATE_NAME"
        || name == "OUT_DIR"
}

/// The word as a POSIX shell reads it back.
pub(crate) fn quoted(word: &str) -> String {
    let plain =
        |character: char| character.is_ascii_alphanumeric() || "-_./=:,+@%".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_a_shell_would_read_it() {
        let command = CommandLine::cargo(["doc", "-p", "a"])
            .with_environment("RUSTDOCFLAGS", "-D warnings")
            .with_environment("EMPTY", "");
        assert_eq!(
            command.to_string(),
            "RUSTDOCFLAGS='-D warnings' EMPTY='' cargo doc -p a"
        );
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }

    #[test]
    fn output_is_captured_and_failure_is_named() {
        let here = Path::new(".");
        let echo = CommandLine::new("echo", ["hello"]);
        assert_eq!(echo.output(here).unwrap(), "hello\n");
        assert!(echo.succeeds(here));

        let bad = CommandLine::new("false", [""; 0]);
        assert!(!bad.succeeds(here));
        let failure = bad.output(here).unwrap_err().to_string();
        assert!(failure.starts_with("`false` failed"), "{failure}");

        let missing = CommandLine::new("no-such-program-here", [""; 0]);
        let failure = missing.output(here).unwrap_err().to_string();
        assert!(failure.contains("cannot be started"), "{failure}");
    }

    #[test]
    fn children_do_not_take_themselves_for_xtask() {
        assert!(describes_xtask("CARGO_PKG_NAME"));
        assert!(describes_xtask("CARGO_MANIFEST_DIR"));
        assert!(!describes_xtask("CARGO_TARGET_DIR"));
        assert!(!describes_xtask("CARGO_HOME"));
    }
}
