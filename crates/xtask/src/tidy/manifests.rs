//! What a manifest has to say: metadata of published crates, one version for all.

use super::{Finding, Tree};
use crate::workspace::{Manifest, Package, Workspace};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let workspace = &tree.workspace;
    let mut findings = Vec::new();
    for package in workspace.published() {
        findings.extend(metadata(package));
        findings.extend(docs_rs(package));
        findings.extend(public_dependencies(package));
    }
    for package in workspace
        .packages
        .iter()
        .filter(|package| package.is_crate())
    {
        findings.extend(inherited_version(package));
    }
    findings.extend(lockstep(workspace));
    findings
}

fn metadata(package: &Package) -> Vec<Finding> {
    let manifest = &package.manifest;
    ["description", "license", "keywords", "readme"]
        .into_iter()
        .filter(|key| manifest.get(&["package", key]).is_none_or(is_empty))
        .map(|key| {
            Finding::new(
                &manifest.path,
                manifest.line("[package]"),
                format!("`{key}` is missing"),
                "a published crate states description, license, keywords and readme",
            )
        })
        .collect()
}

fn is_empty(value: &toml::Value) -> bool {
    value.as_str().is_some_and(str::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}

fn docs_rs(package: &Package) -> Option<Finding> {
    let manifest = &package.manifest;
    let key = |name| ["package", "metadata", "docs", "rs", name];
    let complete = manifest.get(&key("all-features")) == Some(&toml::Value::Boolean(true))
        && manifest.strings(&key("rustdoc-args")) == ["--cfg", "docsrs"];
    (!complete).then(|| {
        Finding::new(
            &manifest.path,
            manifest.line("[package.metadata.docs.rs]"),
            "docs.rs is not told how to build the documentation",
            "[package.metadata.docs.rs] has all-features = true and rustdoc-args = [\"--cfg\", \"docsrs\"]",
        )
    })
}

/// A name on the list that is no dependency (any more) would let the next one in unseen.
fn public_dependencies(package: &Package) -> Vec<Finding> {
    let manifest = &package.manifest;
    let dependencies = manifest.dependencies();
    manifest
        .strings(&["package", "metadata", "buttress", "public-dependencies"])
        .into_iter()
        .filter(|name| {
            dependencies
                .iter()
                .all(|dependency| dependency.name != name)
        })
        .map(|name| {
            Finding::new(
                &manifest.path,
                manifest.line("public-dependencies"),
                format!("`{name}` is on the list of public dependencies and is no dependency"),
                "the list names dependencies of the package",
            )
        })
        .collect()
}

fn inherited_version(package: &Package) -> Option<Finding> {
    let manifest = &package.manifest;
    let inherited = manifest.get(&["package", "version", "workspace"]);
    (inherited != Some(&toml::Value::Boolean(true))).then(|| {
        Finding::new(
            &manifest.path,
            manifest.line("version"),
            "a version of its own",
            "all crates share `version.workspace = true`",
        )
    })
}

/// Inside the workspace a published crate is depended on in exactly the shared version, an unpublished one in none.
fn lockstep(workspace: &Workspace) -> Vec<Finding> {
    let manifest = &workspace.manifest;
    let exact = format!("={}", workspace.version());
    let Some(dependencies) = manifest.table(&["workspace", "dependencies"]) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    for package in workspace
        .packages
        .iter()
        .filter(|package| package.is_crate())
    {
        let Some(dependency) = dependencies.get(&package.name) else {
            continue;
        };
        let version = dependency.get("version").and_then(toml::Value::as_str);
        let expected = package.published().then_some(exact.as_str());
        if version != expected {
            findings.push(lockstep_finding(manifest, &package.name, version, expected));
        }
    }
    findings
}

fn lockstep_finding(
    manifest: &Manifest,
    name: &str,
    version: Option<&str>,
    expected: Option<&str>,
) -> Finding {
    let allowed = match expected {
        Some(expected) => format!("versions move in lockstep, so it is version = \"{expected}\""),
        None => "what is never published is depended on by path alone".to_owned(),
    };
    Finding::new(
        &manifest.path,
        manifest.line(&format!("{name} ")),
        match version {
            Some(version) => format!("`{name}` in version \"{version}\""),
            None => format!("`{name}` in no version"),
        },
        allowed,
    )
}

#[cfg(test)]
mod tests {
    use super::{super::Fixture, *};

    const LIMIT: &str = "crates/buttress-limit/Cargo.toml";

    fn only(fixture: &Fixture) -> String {
        let findings = fixture.findings(check);
        assert_eq!(findings.len(), 1, "{findings:#?}");
        findings.into_iter().next().unwrap()
    }

    #[test]
    fn metadata_is_complete() {
        for (line, key) in [
            ("description = \"A crate\"", "description"),
            ("license.workspace = true", "license"),
            ("keywords = [\"tower\"]", "keywords"),
            ("readme = \"README.md\"", "readme"),
        ] {
            let fixture = Fixture::valid();
            fixture.replace(LIMIT, line, "");
            assert!(only(&fixture).contains(&format!("2: `{key}` is missing")));
        }
        let fixture = Fixture::valid();
        fixture.replace(LIMIT, "description = \"A crate\"", "description = \"\"");
        assert!(only(&fixture).contains("`description` is missing"));
    }

    #[test]
    fn docs_rs_builds_all_features() {
        let fixture = Fixture::valid();
        fixture.replace(LIMIT, "all-features = true", "all-features = false");
        assert!(only(&fixture).contains("docs.rs is not told"));
    }

    #[test]
    fn the_list_of_public_dependencies_is_current() {
        let fixture = Fixture::valid();
        fixture.replace(LIMIT, "[\"http\", ", "[\"bytes\", \"http\", ");
        assert!(only(&fixture).contains("`bytes` is on the list"));
    }

    #[test]
    fn versions_are_shared() {
        let fixture = Fixture::valid();
        fixture.replace(LIMIT, "version.workspace = true", "version = \"0.2.0\"");
        assert!(only(&fixture).contains("a version of its own"));

        let fixture = Fixture::valid();
        fixture.replace("Cargo.toml", "version = \"0.1.0\"", "version = \"0.2.0\"");
        let findings = fixture.findings(check);
        assert_eq!(findings.len(), 2, "{findings:#?}");
        assert!(findings[0].contains("`buttress-limit` in version \"=0.1.0\""));
        assert!(findings[0].ends_with("so it is version = \"=0.2.0\""));
    }

    #[test]
    fn what_is_never_published_has_no_version() {
        let fixture = Fixture::valid();
        fixture.replace(
            "Cargo.toml",
            "\"crates/buttress-testkit\" }",
            "\"crates/buttress-testkit\", version = \"=0.1.0\" }",
        );
        assert!(only(&fixture).contains("by path alone"));
    }
}
