//! `cargo xtask setup`: the programs that the tests run against real servers.

mod apt;
mod placed;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::{Failure, Outcome, command::CommandLine, step::Steps, workspace::Workspace};

/// A program that tests need beside Rust and a C compiler.
struct Tool {
    name: &'static str,
    purpose: &'static str,
    search: Search,
    /// The Debian package that brings it.
    package: &'static str,
    /// The tests that need it live here; while the path does not exist, nobody has to install the tool.
    needed_by: &'static str,
}

/// How a tool is found.
enum Search {
    /// A program on `PATH`.
    Path(&'static str),
    /// A program on `PATH` or, as Debian keeps them off it, in the newest `/usr/lib/postgresql/*/bin`.
    PostgreSql(&'static str),
    /// A command that succeeds when the tool is there.
    Probe(&'static [&'static str]),
}

const TOOLS: [Tool; 7] = [
    Tool {
        name: "redis-server",
        purpose: "private Redis servers for store tests",
        search: Search::Path("redis-server"),
        package: "redis-server",
        needed_by: "crates/buttress-testkit",
    },
    Tool {
        name: "initdb",
        purpose: "the data folder of a private PostgreSQL",
        search: Search::PostgreSql("initdb"),
        package: "postgresql",
        needed_by: "crates/buttress-testkit",
    },
    Tool {
        name: "postgres",
        purpose: "private PostgreSQL servers for store tests",
        search: Search::PostgreSql("postgres"),
        package: "postgresql",
        needed_by: "crates/buttress-testkit",
    },
    Tool {
        name: "openssl",
        purpose: "certificates and keys made by another implementation",
        search: Search::Path("openssl"),
        package: "openssl",
        needed_by: "crates/buttress-testkit",
    },
    Tool {
        name: "python3-venv",
        purpose: "scratch environments for peers in Python",
        search: Search::Probe(&["python3", "-c", "import ensurepip, venv"]),
        package: "python3-venv",
        needed_by: "crates/buttress-jwt",
    },
    Tool {
        name: "chromium",
        purpose: "the browser that clicks through the playground",
        search: Search::Path("chromium"),
        package: "chromium",
        needed_by: "examples/shop-api/tests/it/playground.rs",
    },
    Tool {
        name: "chromedriver",
        purpose: "the remote control of chromium",
        search: Search::Path("chromedriver"),
        package: "chromium-driver",
        needed_by: "examples/shop-api/tests/it/playground.rs",
    },
];

/// Finds every tool, installs what is missing and needed, and looks again.
pub(crate) fn run(workspace: &Workspace, steps: &mut Steps) -> Outcome {
    println!("\n==> setup: programs that the tests need");
    let missing = report(&workspace.root);
    if missing.is_empty() {
        return Ok(());
    }
    let packages = packages(&missing);
    let by_hand = by_hand(&packages);
    if !on_path("apt-get") {
        return Err(Failure::new(format!(
            "{} missing and this system has no apt-get; install what brings them (on Debian: {})",
            names(&missing),
            packages.join(" ")
        )));
    }
    if !is_root(&workspace.root) {
        return Err(Failure::new(format!(
            "{} missing and only root may install packages; run:\n  {by_hand}",
            names(&missing)
        )));
    }
    apt::install(&packages, steps)?;

    println!("\n==> setup: the same programs again");
    let missing = report(&workspace.root);
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{} still missing after apt-get installed {}",
        names(&missing),
        packages.join(" ")
    )))
}

/// Says what is there and returns what is needed and is not.
fn report(root: &Path) -> Vec<&'static Tool> {
    let mut missing = Vec::new();
    for tool in &TOOLS {
        let needed = root.join(tool.needed_by).exists();
        let state = match (find(&tool.search, root), needed) {
            (Some(place), _) => place,
            (None, true) => format!("MISSING (Debian package {})", tool.package),
            (None, false) => format!("not there, and not needed before {}", tool.needed_by),
        };
        println!("  {:<13} {state}  [{}]", tool.name, tool.purpose);
        if needed && find(&tool.search, root).is_none() {
            missing.push(tool);
        }
    }
    missing
}

/// Where the tool is.
fn find(search: &Search, root: &Path) -> Option<String> {
    let place = match search {
        Search::Path(program) => find_program(program, path_folders()),
        Search::PostgreSql(program) => find_program(
            program,
            path_folders()
                .into_iter()
                .chain(postgresql_folders(Path::new("/usr/lib/postgresql"))),
        ),
        Search::Probe(command) => {
            let (program, arguments) = command.split_first()?;
            return CommandLine::new(program, arguments)
                .succeeds(root)
                .then(|| "found".to_owned());
        }
    };
    place.map(|place| place.display().to_string())
}

fn find_program(program: &str, folders: impl IntoIterator<Item = PathBuf>) -> Option<PathBuf> {
    folders
        .into_iter()
        .map(|folder| folder.join(program))
        .find(|place| is_executable(place))
}

fn path_folders() -> Vec<PathBuf> {
    env::var_os("PATH")
        .map(|path| env::split_paths(&path).collect())
        .unwrap_or_default()
}

/// The program folders of the installed PostgreSQL versions, the newest first.
fn postgresql_folders(parent: &Path) -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by(|left, right| right.cmp(left));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

fn on_path(program: &str) -> bool {
    find_program(program, path_folders()).is_some()
}

fn is_root(root: &Path) -> bool {
    CommandLine::new("id", ["-u"])
        .output(root)
        .is_ok_and(|user| user.trim() == "0")
}

fn names(tools: &[&Tool]) -> String {
    let names: Vec<&str> = tools.iter().map(|tool| tool.name).collect();
    match names.as_slice() {
        [name] => format!("{name} is"),
        _ => format!("{} are", names.join(", ")),
    }
}

fn packages(tools: &[&Tool]) -> Vec<&'static str> {
    let mut packages: Vec<&str> = tools.iter().map(|tool| tool.package).collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

fn by_hand(packages: &[&str]) -> String {
    format!(
        "sudo apt-get update && sudo apt-get install -y --no-install-recommends {}",
        packages.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_postgresql_comes_first() {
        let parent = tempfile::tempdir().unwrap();
        for version in ["9", "15", "17", "notes"] {
            fs::create_dir(parent.path().join(version)).unwrap();
        }
        let folders = postgresql_folders(parent.path());
        let expected: Vec<PathBuf> = ["17/bin", "15/bin", "9/bin"]
            .iter()
            .map(|folder| parent.path().join(folder))
            .collect();
        assert_eq!(folders, expected);
        assert!(postgresql_folders(Path::new("/no/such/folder")).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn only_what_can_be_executed_is_a_program() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("tool");
        fs::write(&program, "").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o644)).unwrap();
        let search = || find_program("tool", [folder.path().to_owned()]);
        assert_eq!(search(), None);
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(search(), Some(program));
    }

    #[test]
    fn a_package_is_installed_once_for_all_its_programs() {
        let tools: Vec<&Tool> = TOOLS.iter().take(3).collect();
        assert_eq!(packages(&tools), ["postgresql", "redis-server"]);
        assert_eq!(
            by_hand(&packages(&tools)),
            "sudo apt-get update && sudo apt-get install -y --no-install-recommends postgresql redis-server"
        );
        assert_eq!(names(&tools), "redis-server, initdb, postgres are");
        assert_eq!(names(&tools[..1]), "redis-server is");
    }
}
