//! `cargo xtask tidy`: the rules of the repository that the compiler does not know.

mod attributes;
mod bodies;
mod dependencies;
mod examples;
mod facade;
#[cfg(test)]
mod fixture;
mod layout;
mod manifests;
mod modules;
mod public_api;
mod readiness;
mod sources;

use std::{
    fmt,
    path::{Path, PathBuf},
};

#[cfg(test)]
pub(crate) use self::fixture::Fixture;
use self::sources::Source;
use crate::{Failure, Outcome, workspace::Workspace};

/// A group of rules: what it is called and what it finds.
type Rule = (&'static str, fn(&Tree) -> Vec<Finding>);

const RULES: [Rule; 9] = [
    ("layout", layout::check),
    ("manifests", manifests::check),
    ("dependency rule", dependencies::check),
    ("examples", examples::check),
    ("lib.rs files", facade::check),
    ("attributes and placeholders", attributes::check),
    ("cfg inside functions", bodies::check),
    ("ready services", readiness::check),
    ("external types in public APIs", public_api::check),
];

pub(crate) fn run(root: &Path) -> Outcome {
    let (tree, mut findings) = Tree::load(root)?;
    for (name, rule) in RULES {
        let found = rule(&tree);
        println!("  {name}: {}", count(found.len()));
        findings.extend(found);
    }
    findings.sort();
    findings.dedup();
    if findings.is_empty() {
        return Ok(());
    }
    for finding in &findings {
        println!("{finding}");
    }
    Err(Failure::new(count(findings.len())))
}

fn count(findings: usize) -> String {
    match findings {
        0 => "nothing found".to_owned(),
        1 => "1 finding".to_owned(),
        _ => format!("{findings} findings"),
    }
}

/// Everything that the rules look at, read once.
#[derive(Debug)]
struct Tree {
    workspace: Workspace,
    sources: Vec<Source>,
}

impl Tree {
    /// Files that are no Rust are findings: the other rules still say what they can.
    fn load(root: &Path) -> Outcome<(Self, Vec<Finding>)> {
        let workspace = Workspace::load(root)?;
        let (sources, findings) = sources::load(&workspace)?;
        Ok((Self { workspace, sources }, findings))
    }

    /// The library sources of published crates, without what is compiled for tests only.
    fn published_sources(&self) -> impl Iterator<Item = &Source> {
        self.sources
            .iter()
            .filter(|source| source.published && source.in_src && !source.test_only)
    }
}

/// One place that breaks a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    file: PathBuf,
    line: usize,
    what: String,
    allowed: String,
}

impl Finding {
    fn new(file: &Path, line: usize, what: impl Into<String>, allowed: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line,
            what: what.into(),
            allowed: allowed.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}: {}: {}",
            self.file.display(),
            self.line,
            self.what,
            self.allowed
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valid_tree_passes_every_rule() {
        let fixture = Fixture::valid();
        for (name, rule) in RULES {
            assert_eq!(fixture.findings(rule), [""; 0], "{name}");
        }
        run(fixture.root()).unwrap();
    }

    #[test]
    fn a_finding_is_a_place_a_fault_and_a_way_out() {
        let finding = Finding::new(
            Path::new("a/b.rs"),
            7,
            "`x` is wrong",
            "only `y` is allowed",
        );
        assert_eq!(
            finding.to_string(),
            "a/b.rs:7: `x` is wrong: only `y` is allowed"
        );
    }

    #[test]
    fn what_is_no_rust_is_found_and_fails_the_run() {
        let fixture = Fixture::valid();
        fixture.write("crates/buttress-limit/src/broken.rs", "fn f( {");
        let failure = run(fixture.root()).unwrap_err().to_string();
        assert_eq!(failure, "1 finding");
    }
}
