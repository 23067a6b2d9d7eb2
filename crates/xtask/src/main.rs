//! The workspace's own commands: `cargo xtask <command>`.

mod bench;
mod ci;
mod command;
mod leftovers;
mod setup;
mod step;
mod templates;
mod test;
mod tidy;
mod workspace;

use std::{env, fmt, process::ExitCode};

use crate::{step::Steps, workspace::Workspace};

const HELP: &str = "\
cargo xtask <command>: the commands of the Buttress workspace

  setup   find the programs that the tests need; as root, install the missing ones with apt-get
  test    setup, then the tests, doc tests and examples of every package, one package at a time
  tidy    check the rules of the repository that the compiler does not know
  ci      everything that has to pass before a merge: tidy, fmt, test, clippy, docs, features, packages, benches
  bench   run the benches against their peers; write docs/benchmarks.md and the charts in docs/benchmarks/

Environment:
  PROPTEST_CASES    cases per property in `test` and `ci` (128 unless set; set it higher for a longer search)
  CARGO_TARGET_DIR  where cargo and criterion put their output (`target` unless set)

No command takes arguments. A failing step ends the run with exit code 1 and prints the command that repeats it.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();

    if arguments
        .iter()
        .any(|argument| matches!(*argument, "--help" | "-h"))
        || arguments == ["help"]
    {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let command = match Command::parse(&arguments) {
        Ok(command) => command,
        Err(misuse) => {
            eprintln!("error: {misuse}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\nerror: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// One of the five commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Setup,
    Test,
    Tidy,
    Ci,
    Bench,
}

impl Command {
    fn parse(arguments: &[&str]) -> Result<Self, String> {
        let command = match arguments.first() {
            Some(&"setup") => Self::Setup,
            Some(&"test") => Self::Test,
            Some(&"tidy") => Self::Tidy,
            Some(&"ci") => Self::Ci,
            Some(&"bench") => Self::Bench,
            Some(other) => return Err(format!("there is no command `{other}`")),
            None => return Err("no command given".to_owned()),
        };
        match arguments.get(1) {
            Some(extra) => Err(format!("`{}` takes no argument `{extra}`", arguments[0])),
            None => Ok(command),
        }
    }
}

fn run(command: Command) -> Outcome {
    let workspace = Workspace::load(&workspace::root())?;
    let mut steps = Steps::new(&workspace.root);
    let outcome = match command {
        Command::Setup => return setup::run(&workspace, &mut steps),
        Command::Tidy => return tidy::run(&workspace.root),
        Command::Test => test::run(&workspace, &mut steps),
        Command::Ci => ci::run(&workspace, &mut steps),
        Command::Bench => bench::run(&workspace, &mut steps),
    };
    println!("\n{}", steps.summary());
    outcome
}

/// What a command ends with.
type Outcome<T = ()> = Result<T, Failure>;

/// Why a command did not succeed, in words for the person who ran it.
#[derive(Debug)]
struct Failure(String);

impl Failure {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_five_commands_are_known() {
        assert_eq!(Command::parse(&["setup"]), Ok(Command::Setup));
        assert_eq!(Command::parse(&["test"]), Ok(Command::Test));
        assert_eq!(Command::parse(&["tidy"]), Ok(Command::Tidy));
        assert_eq!(Command::parse(&["ci"]), Ok(Command::Ci));
        assert_eq!(Command::parse(&["bench"]), Ok(Command::Bench));
    }

    #[test]
    fn misuse_is_named() {
        assert_eq!(
            Command::parse(&["tset"]),
            Err("there is no command `tset`".to_owned())
        );
        assert_eq!(Command::parse(&[]), Err("no command given".to_owned()));
        assert_eq!(
            Command::parse(&["ci", "--fast"]),
            Err("`ci` takes no argument `--fast`".to_owned())
        );
    }
}
