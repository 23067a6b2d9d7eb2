//! `cargo xtask test`: every suite, one package at a time, so that a failure names its package.

use std::env;

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
}
