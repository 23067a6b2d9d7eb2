//! The machine that was measured on: a number without it means nothing.

use std::{fs, path::Path, thread};

use crate::{Outcome, command::CommandLine};

/// What a reader needs to compare with a machine of their own.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) processor: String,
    pub(super) cores: usize,
    pub(super) compiler: String,
    pub(super) date: String,
}

impl Machine {
    pub(super) fn describe(root: &Path) -> Outcome<Self> {
        let line = |program, argument| {
            CommandLine::new(program, [argument])
                .output(root)
                .map(|text| text.trim().to_owned())
        };
        let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        Ok(Self {
            processor: processor(&processors)
                .unwrap_or("unknown processor")
                .to_owned(),
            cores: thread::available_parallelism().map_or(1, usize::from),
            compiler: line("rustc", "--version")?,
            date: line("date", "+%Y-%m-%d")?,
        })
    }

    #[cfg(test)]
    pub(super) fn example() -> Self {
        Self {
            processor: "Example 3000".to_owned(),
            cores: 2,
            compiler: "rustc 1.95.0".to_owned(),
            date: "2026-01-02".to_owned(),
        }
    }
}

fn processor(processors: &str) -> Option<&str> {
    processors
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == "model name")
        .map(|(_, model)| model.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_the_first_one_named() {
        let text = "processor\t: 0\nmodel name\t: Example 3000\n\nprocessor\t: 1\n";
        assert_eq!(processor(text), Some("Example 3000"));
        assert_eq!(processor(""), None);
    }

    #[test]
    fn this_machine_can_be_described() {
        let machine = Machine::describe(Path::new(".")).unwrap();
        assert!(machine.cores > 0);
        assert!(machine.compiler.starts_with("rustc 1."));
        assert_eq!(machine.date.len(), "2026-01-02".len());
    }
}
