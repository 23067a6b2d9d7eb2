//! An example is a template: it has to make sense when its folder is copied out of the workspace.

use toml::{Table, Value};

use super::{Finding, Tree};
use crate::workspace::Package;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let workspace = &tree.workspace;
    let mut findings = Vec::new();
    for package in workspace
        .packages
        .iter()
        .filter(|package| package.is_example())
    {
        findings.extend(inheritance(package));
        findings.extend(paths(package));
        findings.extend(versions(package, workspace.version()));
        findings.extend(default_run(package));
        let readme = package.directory.join("README.md");
        if !workspace.root.join(&readme).is_file() {
            findings.push(Finding::new(
                &readme,
                1,
                "missing",
                "every example explains itself in a README.md",
            ));
        }
    }
    findings
}

fn inheritance(package: &Package) -> Vec<Finding> {
    let manifest = &package.manifest;
    let mut keys = Vec::new();
    inheriting(manifest.root_table(), &mut keys);
    keys.into_iter()
        .map(|key| {
            Finding::new(
                &manifest.path,
                manifest.line(key),
                format!("`{key}` is taken from the workspace"),
                "an example spells everything in full, as there is no workspace where it is copied to",
            )
        })
        .collect()
}

/// The keys under which `workspace = true` stands.
fn inheriting<'a>(table: &'a Table, keys: &mut Vec<&'a str>) {
    for (key, value) in table {
        if let Value::Table(inner) = value {
            if inner.get("workspace").is_some() {
                keys.push(key);
            }
            inheriting(inner, keys);
        }
    }
}

fn paths(package: &Package) -> Vec<Finding> {
    let manifest = &package.manifest;
    manifest
        .dependencies()
        .iter()
        .filter(|dependency| dependency.path)
        .map(|dependency| {
            Finding::new(
                &manifest.path,
                manifest.line(dependency.name),
                format!("`{}` is depended on by path", dependency.name),
                "an example names versions; the root's [patch.crates-io] points them at crates/",
            )
        })
        .collect()
}

fn versions(package: &Package, shared: &str) -> Vec<Finding> {
    let manifest = &package.manifest;
    manifest
        .dependencies()
        .iter()
        .filter(|dependency| dependency.name.starts_with("buttress"))
        .filter(|dependency| {
            dependency
                .version
                .is_none_or(|version| !means(version, shared))
        })
        .map(|dependency| {
            Finding::new(
                &manifest.path,
                manifest.line(dependency.name),
                format!(
                    "`{}` in another version than the workspace's",
                    dependency.name
                ),
                format!("versions move in lockstep, so it is \"{shared}\""),
            )
        })
        .collect()
}

/// `0.1` and `0.1.0` both mean version 0.1.0.
fn means(version: &str, shared: &str) -> bool {
    version == shared
        || shared
            .strip_prefix(version)
            .is_some_and(|rest| rest.starts_with('.'))
}

fn default_run(package: &Package) -> Option<Finding> {
    let manifest = &package.manifest;
    manifest
        .string(&["package", "default-run"])
        .is_none()
        .then(|| {
            Finding::new(
                &manifest.path,
                manifest.line("[package]"),
                "`default-run` is missing",
                "`cargo run` in an example starts it, whatever further programs it gets",
            )
        })
}

#[cfg(test)]
mod tests {
    use super::{super::Fixture, *};

    const SHOP: &str = "examples/shop/Cargo.toml";

    fn only(fixture: &Fixture) -> String {
        let findings = fixture.findings(check);
        assert_eq!(findings.len(), 1, "{findings:#?}");
        findings.into_iter().next().unwrap()
    }

    #[test]
    fn nothing_is_inherited() {
        for (old, new, key) in [
            ("http = \"1\"", "http.workspace = true", "http"),
            (
                "http = \"1\"",
                "http = { workspace = true, features = [] }",
                "http",
            ),
            (
                "http = \"1\"",
                "http = \"1\"\n[lints]\nworkspace = true",
                "lints",
            ),
        ] {
            let fixture = Fixture::valid();
            fixture.replace(SHOP, old, new);
            assert!(only(&fixture).contains(&format!("`{key}` is taken from the workspace")));
        }
    }

    #[test]
    fn nothing_is_a_path() {
        let fixture = Fixture::valid();
        fixture.replace(
            SHOP,
            "http = \"1\"",
            "http = { version = \"1\", path = \"../../http\" }",
        );
        assert!(only(&fixture).contains("`http` is depended on by path"));
    }

    #[test]
    fn the_crates_are_in_the_version_of_the_workspace() {
        let fixture = Fixture::valid();
        fixture.replace(
            SHOP,
            "buttress-problem = \"0.1.0\"",
            "buttress-problem = \"0.2\"",
        );
        assert!(only(&fixture).ends_with("so it is \"0.1.0\""));

        let fixture = Fixture::valid();
        fixture.replace(
            SHOP,
            "buttress-problem = \"0.1.0\"",
            "buttress-problem = \"0.1\"",
        );
        assert_eq!(fixture.findings(check), [""; 0]);
    }

    #[test]
    fn an_example_can_be_run_and_read() {
        let fixture = Fixture::valid();
        fixture.replace(SHOP, "default-run = \"shop\"", "");
        assert!(only(&fixture).contains("`default-run` is missing"));

        let fixture = Fixture::valid();
        fixture.remove("examples/shop/README.md");
        assert!(only(&fixture).starts_with("examples/shop/README.md:1: missing"));
    }
}
