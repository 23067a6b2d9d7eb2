//! `cargo xtask ci`: everything that has to pass before a merge.

use std::{
    fs,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    path::Path,
    time::Duration,
};

use crate::{
    Failure, Outcome,
    command::CommandLine,
    step::{Steps, minutes},
    templates, test, tidy,
    workspace::{BENCHES, Package, Workspace},
};

/// On two cores, from a cold start.
const BUDGET: Duration = Duration::from_secs(60 * 60);
const AIM: Duration = Duration::from_secs(40 * 60);

pub(crate) fn run(workspace: &Workspace, steps: &mut Steps) -> Outcome {
    let outcome = all(workspace, steps);
    println!("\n{}", against_budget(steps.total()));
    outcome
}

/// What fails in seconds comes first.
fn all(workspace: &Workspace, steps: &mut Steps) -> Outcome {
    steps.check("tidy", "cargo xtask tidy", || tidy::run(&workspace.root))?;
    steps.run("fmt", &CommandLine::cargo(["fmt", "--all", "--check"]))?;
    test::run(workspace, steps)?;
    for line in clippy(workspace) {
        steps.run("clippy", &line)?;
    }
    for line in docs(workspace) {
        steps.run("docs", &line)?;
    }
    for package in workspace.published() {
        for line in features(package) {
            steps.run("each feature", &line)?;
        }
    }
    templates::check(workspace, steps)?;
    packages(workspace, steps)?;
    if workspace.package(BENCHES).is_some() {
        steps.run("benches", &benches())?;
    }
    Ok(())
}

/// Default features for all, and all features for each published crate on its own.
fn clippy(workspace: &Workspace) -> Vec<CommandLine> {
    let strict = ["--all-targets", "--", "-D", "warnings"];
    let mut lines = vec![CommandLine::cargo(
        [&["clippy", "--workspace"][..], &strict].concat().iter(),
    )];
    lines.extend(workspace.published().map(|package| {
        CommandLine::cargo(
            [
                &["clippy", "-p", package.name.as_str(), "--all-features"][..],
                &strict,
            ]
            .concat()
            .iter(),
        )
    }));
    lines
}

fn docs(workspace: &Workspace) -> Vec<CommandLine> {
    workspace
        .published()
        .map(|package| {
            CommandLine::cargo(["doc", "-p", &package.name, "--no-deps", "--all-features"])
                .with_environment("RUSTDOCFLAGS", "-D warnings")
        })
        .collect()
}

/// The library alone: a target with dev-dependencies would turn on features that the crate forgot to ask for.
fn features(package: &Package) -> Vec<CommandLine> {
    let bare = [
        "check",
        "-p",
        &package.name,
        "--lib",
        "--no-default-features",
    ];
    let mut lines = vec![CommandLine::cargo(bare)];
    lines.extend(
        package.features().iter().map(|feature| {
            CommandLine::cargo([&bare[..], &["--features", feature]].concat().iter())
        }),
    );
    lines
}

/// All published crates at once: cargo verifies each against the packages of the others, as none is on crates.io yet.
///
/// For that cargo makes a registry in the target folder, and takes what a registry holds for unchangeable: a second run in
/// the same folder would verify against the packages of the first. So each run has a folder of its own.
fn packages(workspace: &Workspace, steps: &mut Steps) -> Outcome {
    let run = format!(
        "package-{:016x}",
        RandomState::new().build_hasher().finish()
    );
    let folder = workspace.target_folder()?.join(run);
    let clean = CommandLine::new("git", ["diff", "--quiet", "HEAD"]).succeeds(&workspace.root);
    let packaged = steps.run("package", &package(workspace, &folder, clean));
    let removed = fs::remove_dir_all(&folder)
        .map_err(|error| Failure::new(format!("{}: {error}", folder.display())));
    packaged.and(removed)
}

fn package(workspace: &Workspace, folder: &Path, clean: bool) -> CommandLine {
    let mut arguments = vec!["package"];
    for package in workspace.published() {
        arguments.extend(["-p", &package.name]);
    }
    let folder = folder.to_string_lossy();
    arguments.extend(["--target-dir", &*folder]);
    if !clean {
        arguments.push("--allow-dirty");
    }
    CommandLine::cargo(arguments)
}

/// Every bench runs once, unmeasured, in the dev profile and without the peers.
fn benches() -> CommandLine {
    CommandLine::cargo(["test", "--benches", "-p", BENCHES])
}

fn against_budget(total: Duration) -> String {
    let verdict = if total > BUDGET {
        "OVER BUDGET"
    } else if total > AIM {
        "within the budget, over the aim"
    } else {
        "within the aim"
    };
    format!(
        "{} minutes of {} (aim: {}): {verdict}",
        minutes(total),
        minutes(BUDGET),
        minutes(AIM)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::Fixture;

    fn shown(lines: &[CommandLine]) -> Vec<String> {
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_feature_is_checked_alone_and_without_dev_dependencies() {
        let fixture = Fixture::valid();
        let workspace = fixture.workspace();
        let package = workspace.package("buttress-limit").unwrap();
        assert_eq!(
            shown(&features(package)),
            [
                "cargo check -p buttress-limit --lib --no-default-features",
                "cargo check -p buttress-limit --lib --no-default-features --features axum",
                "cargo check -p buttress-limit --lib --no-default-features --features default",
                "cargo check -p buttress-limit --lib --no-default-features --features redis",
            ]
        );
    }

    #[test]
    fn no_step_turns_on_the_peers() {
        let fixture = Fixture::valid();
        let workspace = fixture.workspace();
        let mut lines = shown(&clippy(&workspace));
        lines.extend(shown(&docs(&workspace)));
        lines.push(benches().to_string());
        for line in lines {
            let whole = line.contains("--workspace") || line.contains(BENCHES);
            assert!(!(whole && line.contains("--all-features")), "{line}");
            assert!(!line.contains("peers"), "{line}");
        }
    }

    #[test]
    fn unpublished_crates_are_not_packaged() {
        let fixture = Fixture::valid();
        let workspace = fixture.workspace();
        assert_eq!(
            package(&workspace, Path::new("t"), true).to_string(),
            "cargo package -p buttress -p buttress-limit -p buttress-problem --target-dir t"
        );
        assert!(
            package(&workspace, Path::new("t"), false)
                .to_string()
                .ends_with(" --allow-dirty")
        );
    }

    #[test]
    fn the_total_is_held_against_the_budget() {
        let verdict = |minutes: u64| against_budget(Duration::from_secs(minutes * 60));
        assert_eq!(
            verdict(10),
            "10.0 minutes of 60.0 (aim: 40.0): within the aim"
        );
        assert!(verdict(50).ends_with("over the aim"));
        assert!(verdict(61).ends_with("OVER BUDGET"));
    }
}
