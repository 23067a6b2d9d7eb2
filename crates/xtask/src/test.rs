//! `cargo xtask test`: every suite, one package at a time, so that a failure names its package.

use std::{env, path::Path};

use crate::{
    Outcome,
    command::CommandLine,
    leftovers::Watch,
    setup,
    step::Steps,
    workspace::{BENCHES, Package, Workspace},
};

/// Cases per property. Enough to meet the edges that generators favour, few enough to stay within a minute per crate.
const PROPERTY_CASES: &str = "128";

pub(crate) fn run(workspace: &Workspace, steps: &mut Steps) -> Outcome {
    setup::run(workspace, steps)?;
    let watch = Watch::begin(steps)?;
    let tested = suites(workspace, steps);
    let watched = steps.check("processes left behind", "cargo xtask test", || watch.end());
    tested.and(watched)
}

fn suites(workspace: &Workspace, steps: &mut Steps) -> Outcome {
    for package in &workspace.packages {
        if let Some(line) = suite(package) {
            steps.run(&format!("test {}", package.name), &line)?;
        }
    }
    let target = workspace.target_folder()?;
    for package in &workspace.packages {
        if let Some(line) = models(package, &target) {
            steps.run(&format!("loom {}", package.name), &line)?;
        }
    }
    Ok(())
}

/// Unit tests, integration tests, doc tests, and the examples built: what `cargo test` does for a package.
fn suite(package: &Package) -> Option<CommandLine> {
    if package.name == BENCHES {
        return None;
    }
    let line = CommandLine::cargo(["test", "-p", &package.name, "--all-features"]);
    Some(if env::var_os("PROPTEST_CASES").is_some() {
        line
    } else {
        line.with_environment("PROPTEST_CASES", PROPERTY_CASES)
    })
}

/// The unit tests of that name, with the locks of loom, in every order of their steps: of packages that depend on loom
/// under our cfg for it. With other flags everything is built anew, so it has a folder of its own, that the next
/// build does not begin from the start.
fn models(package: &Package, target: &Path) -> Option<CommandLine> {
    let loom = ["target", "cfg(buttress_loom)", "dependencies", "loom"];
    package.manifest.get(&loom)?;
    let folder = target.join("loom");
    let folder = folder.to_string_lossy();
    let arguments = [
        "test",
        "-p",
        &package.name,
        "--lib",
        "--target-dir",
        &folder,
        "loom",
    ];
    Some(CommandLine::cargo(arguments).with_environment("RUSTFLAGS", "--cfg buttress_loom"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::Fixture;

    #[test]
    fn each_package_but_the_benches_is_a_suite() {
        let fixture = Fixture::valid();
        let workspace = fixture.workspace();
        let lines: Vec<String> = workspace
            .packages
            .iter()
            .filter_map(suite)
            .map(|line| line.to_string())
            .collect();
        assert!(workspace.package(BENCHES).is_some());
        assert_eq!(lines.len(), workspace.packages.len() - 1);
        assert!(lines.iter().all(|line| !line.contains(BENCHES)));
        assert!(
            lines
                .iter()
                .any(|line| line.contains("cargo test -p buttress --all-features"))
        );
    }

    #[test]
    fn packages_with_loom_are_tried_with_it() {
        let fixture = Fixture::valid();
        let all = |fixture: &Fixture| -> Vec<String> {
            let workspace = fixture.workspace();
            let lines = workspace
                .packages
                .iter()
                .filter_map(|package| models(package, Path::new("t")));
            lines.map(|line| line.to_string()).collect()
        };
        assert_eq!(all(&fixture), [""; 0]);
        fixture.write(
            "crates/buttress-testkit/Cargo.toml",
            "[package]\nname = \"buttress-testkit\"\nversion.workspace = true\npublish = false\n\
             [target.'cfg(buttress_loom)'.dependencies]\nloom.workspace = true\n",
        );
        assert_eq!(
            all(&fixture),
            [
                "RUSTFLAGS='--cfg buttress_loom' cargo test -p buttress-testkit --lib --target-dir t/loom loom"
            ]
        );
    }
}
