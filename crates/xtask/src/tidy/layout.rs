//! What lies where: the top level, and the files that every crate has.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::{Finding, Tree};
use crate::{
    command::CommandLine,
    workspace::{Package, Workspace},
};

/// The top level besides dotfiles, `Cargo.lock` and what git ignores.
const TOP_LEVEL: [&str; 8] = [
    "Cargo.toml",
    "crates",
    "examples",
    "benches",
    "docs",
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let workspace = &tree.workspace;
    let mut findings = top_level(&workspace.root);
    findings.extend(workspace.packages.iter().filter_map(folder_name));
    for package in workspace.published() {
        findings.extend(readme(&workspace.root, package));
        findings.extend(license(&workspace.root, package));
    }
    findings.extend(listed_in_readme(workspace));
    findings
}

fn top_level(root: &Path) -> Vec<Finding> {
    let present: BTreeSet<String> = fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let missing = TOP_LEVEL
        .iter()
        .filter(|name| !present.contains(**name))
        .map(|name| {
            Finding::new(
                Path::new(name),
                1,
                "missing at the top level",
                format!("the top level is exactly {}", TOP_LEVEL.join(" ")),
            )
        });
    let extra = present
        .iter()
        .filter(|name| !name.starts_with('.'))
        .filter(|name| !TOP_LEVEL.contains(&name.as_str()))
        .filter(|name| !matches!(name.as_str(), "Cargo.lock" | "target"))
        .filter(|name| !ignored(root, name))
        .map(|name| {
            Finding::new(
                Path::new(name),
                1,
                "does not belong at the top level",
                format!("the top level is exactly {}", TOP_LEVEL.join(" ")),
            )
        });
    missing.chain(extra).collect()
}

fn ignored(root: &Path, name: &str) -> bool {
    CommandLine::new("git", ["check-ignore", "--quiet", "--", name]).succeeds(root)
}

fn folder_name(package: &Package) -> Option<Finding> {
    let folder = package.directory.file_name()?.to_str()?;
    // The benches are one member with a folder of its own at the top level.
    let right = folder == package.name || folder == "benches";
    (!right).then(|| {
        Finding::new(
            &package.manifest.path,
            package.manifest.line("name"),
            format!("package `{}` in the folder `{folder}`", package.name),
            "a folder has the name of its package",
        )
    })
}

fn readme(root: &Path, package: &Package) -> Option<Finding> {
    let path = package.directory.join("README.md");
    let text = fs::read_to_string(root.join(&path)).unwrap_or_default();
    text.trim().is_empty().then(|| {
        Finding::new(
            &path,
            1,
            "missing or empty",
            "every published crate has a README.md, which is its documentation too",
        )
    })
}

fn license(root: &Path, package: &Package) -> Option<Finding> {
    let path = package.directory.join("LICENSE");
    let target = fs::read_link(root.join(&path)).ok();
    (target.as_deref() != Some(Path::new("../../LICENSE"))).then(|| {
        Finding::new(
            &path,
            1,
            "missing or no symbolic link",
            "every published crate links LICENSE to ../../LICENSE",
        )
    })
}

fn listed_in_readme(workspace: &Workspace) -> Vec<Finding> {
    let path = PathBuf::from("README.md");
    let Ok(text) = fs::read_to_string(workspace.root.join(&path)) else {
        // That it is missing has been said for the top level.
        return Vec::new();
    };
    let word = |character: char| !character.is_alphanumeric() && !"-_".contains(character);
    let words: BTreeSet<&str> = text.split(word).collect();
    workspace
        .packages
        .iter()
        .filter(|package| package.is_crate() && !words.contains(package.name.as_str()))
        .map(|package| {
            Finding::new(
                &path,
                1,
                format!("does not name `{}`", package.name),
                "the README lists every crate in crates/",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{super::Fixture, *};

    fn only(fixture: &Fixture) -> String {
        let findings = fixture.findings(check);
        assert_eq!(findings.len(), 1, "{findings:#?}");
        findings.into_iter().next().unwrap()
    }

    #[test]
    fn the_top_level_is_closed() {
        let fixture = Fixture::valid();
        fixture.write("scripts/run.sh", "");
        assert!(only(&fixture).starts_with("scripts:1: does not belong"));
    }

    #[test]
    fn the_top_level_is_complete() {
        let fixture = Fixture::valid();
        fixture.remove("CHANGELOG.md");
        assert!(only(&fixture).starts_with("CHANGELOG.md:1: missing"));
    }

    #[test]
    fn what_git_ignores_and_dotfiles_are_free() {
        let fixture = Fixture::valid();
        fixture.write(".gitignore", "/target\n/shop.db*\n");
        fixture.write("shop.db-wal", "");
        fixture.write("target/debug/x", "");
        fixture.write(".editorconfig", "");
        assert!(CommandLine::new("git", ["init", "--quiet"]).succeeds(fixture.root()));
        assert_eq!(fixture.findings(check), [""; 0]);
    }

    #[test]
    fn a_folder_has_the_name_of_its_package() {
        let fixture = Fixture::valid();
        fixture.replace(
            "examples/shop/Cargo.toml",
            "name = \"shop\"",
            "name = \"store\"",
        );
        assert_eq!(
            only(&fixture),
            "examples/shop/Cargo.toml:3: package `store` in the folder `shop`: a folder has the name of its package"
        );
    }

    #[test]
    fn every_published_crate_has_a_readme() {
        let fixture = Fixture::valid();
        fixture.write("crates/buttress-limit/README.md", "\n");
        assert!(only(&fixture).starts_with("crates/buttress-limit/README.md:1: missing or empty"));
    }

    #[test]
    fn the_license_is_a_link() {
        let fixture = Fixture::valid();
        fixture.remove("crates/buttress-limit/LICENSE");
        fixture.write("crates/buttress-limit/LICENSE", "MIT\n");
        assert!(
            only(&fixture).starts_with("crates/buttress-limit/LICENSE:1: missing or no symbolic")
        );
    }

    #[test]
    fn the_readme_names_every_crate_by_its_whole_name() {
        let fixture = Fixture::valid();
        fixture.replace("README.md", "`buttress` ", "");
        assert!(only(&fixture).starts_with("README.md:1: does not name `buttress`"));
    }
}
