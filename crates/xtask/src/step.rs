//! Named steps: what runs is said before it runs, timed, and repeatable by hand when it fails.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::{
    Failure, Outcome,
    command::{CommandLine, quoted},
};

/// The steps of one run, in order, with the time that each took.
#[derive(Debug)]
pub(crate) struct Steps {
    root: PathBuf,
    begun: Instant,
    mark: Option<(&'static str, String)>,
    rows: Vec<(String, Duration)>,
}

impl Steps {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            begun: now(),
            mark: None,
            rows: Vec::new(),
        }
    }

    /// Puts a variable into the environment of every later command. It is no part of the command to repeat.
    pub(crate) fn mark_children(&mut self, name: &'static str, value: &str) {
        self.mark = Some((name, value.to_owned()));
    }

    /// Runs one command of the step `name`. Several commands may share a name; the summary adds their times.
    ///
    /// The command writes straight to the terminal: nothing that it says is held back or cut.
    pub(crate) fn run(&mut self, name: &str, line: &CommandLine) -> Outcome {
        println!("\n==> {name}: {line}");
        let mut command = line.prepare(&self.root);
        if let Some((variable, value)) = &self.mark {
            command.env(variable, value);
        }
        let begun = now();
        let status = command.status();
        self.took(name, begun.elapsed());
        let end = match status {
            Ok(status) if status.success() => return Ok(()),
            Ok(status) => status.to_string(),
            Err(error) => format!("it cannot be started: {error}"),
        };
        Err(self.failed(name, &end, &line.to_string()))
    }

    /// Does the step `name` inside this process; `repeat` is the command that does it again.
    pub(crate) fn check(
        &mut self,
        name: &str,
        repeat: &str,
        work: impl FnOnce() -> Outcome,
    ) -> Outcome {
        println!("\n==> {name}");
        let begun = now();
        let outcome = work();
        self.took(name, begun.elapsed());
        outcome.map_err(|failure| self.failed(name, &failure.to_string(), repeat))
    }

    /// How long the run has taken so far.
    pub(crate) fn total(&self) -> Duration {
        self.begun.elapsed()
    }

    /// The table of minutes per step.
    pub(crate) fn summary(&self) -> String {
        let total = "total";
        let width = self
            .rows
            .iter()
            .map(|(name, _)| name.chars().count())
            .chain([total.len()])
            .max()
            .unwrap_or_default();
        let mut table = format!("{:<width$}  minutes\n", "step");
        for (name, time) in &self.rows {
            let _ = writeln!(table, "{name:<width$}  {:>7}", minutes(*time));
        }
        let _ = write!(table, "{total:<width$}  {:>7}", minutes(self.total()));
        table
    }

    fn took(&mut self, name: &str, time: Duration) {
        match self.rows.iter_mut().find(|(known, _)| known == name) {
            Some((_, sum)) => *sum += time,
            None => self.rows.push((name.to_owned(), time)),
        }
    }

    fn failed(&self, name: &str, end: &str, repeat: &str) -> Failure {
        Failure::new(format!(
            "step `{name}` failed: {end}\nto repeat it:\n  cd {} && {repeat}",
            quoted(&self.root.to_string_lossy())
        ))
    }
}

/// Minutes with one decimal, as a person compares them with a budget.
pub(crate) fn minutes(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() / 60.0)
}

#[expect(
    clippy::disallowed_methods,
    reason = "steps are timed for the person who waits; nothing here could inject a clock"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_step_says_how_to_repeat_it() {
        let mut steps = Steps::new(Path::new("/"));
        let line = CommandLine::new("sh", ["-c", "exit 3"]);
        let failure = steps.run("odd", &line).unwrap_err().to_string();
        assert!(failure.contains("step `odd` failed"), "{failure}");
        assert!(failure.contains("exit status: 3"), "{failure}");
        assert!(failure.ends_with("cd / && sh -c 'exit 3'"), "{failure}");
    }

    #[test]
    fn the_summary_adds_up_what_shares_a_name() {
        let mut steps = Steps::new(Path::new("/"));
        steps.took("features", Duration::from_secs(60));
        steps.took("test", Duration::from_secs(30));
        steps.took("features", Duration::from_secs(120));
        let summary = steps.summary();
        let lines: Vec<&str> = summary.lines().collect();
        assert_eq!(lines[0], "step      minutes");
        assert_eq!(lines[1], "features      3.0");
        assert_eq!(lines[2], "test          0.5");
        assert!(lines[3].starts_with("total "));
    }

    #[test]
    fn children_carry_the_mark() {
        let mut steps = Steps::new(Path::new("/"));
        let line = CommandLine::new("sh", ["-c", "test \"$BUTTRESS_TEST_RUN\" = 7"]);
        assert!(steps.run("mark", &line).is_err());
        steps.mark_children("BUTTRESS_TEST_RUN", "7");
        steps.run("mark", &line).unwrap();
    }

    #[test]
    fn a_check_inside_the_process_is_repeatable_too() {
        let mut steps = Steps::new(Path::new("/"));
        let failure = steps
            .check("tidy", "cargo xtask tidy", || {
                Err(Failure::new("2 findings"))
            })
            .unwrap_err()
            .to_string();
        assert!(failure.contains("2 findings"), "{failure}");
        assert!(failure.ends_with("cargo xtask tidy"), "{failure}");
    }
}
