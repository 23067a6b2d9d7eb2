//! The workspace as its manifests describe it.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use crate::{Failure, Outcome, command::CommandLine};

/// The package of the benches: its feature `peers` builds half of crates.io, so no step turns all features on for it.
pub(crate) const BENCHES: &str = "buttress-benches";

/// The root and all members.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) manifest: Manifest,
    pub(crate) packages: Vec<Package>,
}

impl Workspace {
    pub(crate) fn load(root: &Path) -> Outcome<Self> {
        let manifest = Manifest::read(root, Path::new("Cargo.toml"))?;
        let mut packages = Vec::new();
        for pattern in manifest.strings(&["workspace", "members"]) {
            for directory in expand(root, &pattern)? {
                packages.push(Package::load(root, &directory)?);
            }
        }
        Ok(Self {
            root: root.to_owned(),
            manifest,
            packages,
        })
    }

    pub(crate) fn published(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.published())
    }

    pub(crate) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }

    /// Where cargo puts what it builds, by the environment and all configuration files.
    pub(crate) fn target_folder(&self) -> Outcome<PathBuf> {
        let line = CommandLine::cargo(["metadata", "--no-deps", "--format-version", "1"]);
        let metadata: serde_json::Value = serde_json::from_str(&line.output(&self.root)?)
            .map_err(|error| Failure::new(format!("cargo metadata is no JSON: {error}")))?;
        metadata["target_directory"]
            .as_str()
            .map(PathBuf::from)
            .ok_or_else(|| Failure::new("cargo metadata names no target directory"))
    }

    /// The version that all crates share.
    pub(crate) fn version(&self) -> &str {
        self.manifest
            .string(&["workspace", "package", "version"])
            .unwrap_or_default()
    }
}

/// A member of the workspace.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Relative to the root of the workspace.
    pub(crate) directory: PathBuf,
    pub(crate) manifest: Manifest,
}

impl Package {
    fn load(root: &Path, directory: &Path) -> Outcome<Self> {
        let manifest = Manifest::read(root, &directory.join("Cargo.toml"))?;
        let name = manifest
            .string(&["package", "name"])
            .ok_or_else(|| Failure::new(format!("{} names no package", manifest.path.display())))?
            .to_owned();
        Ok(Self {
            name,
            directory: directory.to_owned(),
            manifest,
        })
    }

    pub(crate) fn published(&self) -> bool {
        self.manifest.get(&["package", "publish"]) != Some(&Value::Boolean(false))
    }

    pub(crate) fn is_crate(&self) -> bool {
        self.directory.starts_with("crates")
    }

    pub(crate) fn is_example(&self) -> bool {
        self.directory.starts_with("examples")
    }

    pub(crate) fn is_proc_macro(&self) -> bool {
        self.manifest.get(&["lib", "proc-macro"]) == Some(&Value::Boolean(true))
    }

    /// All features, with those that an optional dependency brings by its mere name.
    pub(crate) fn features(&self) -> BTreeSet<String> {
        let table = self.manifest.table(&["features"]);
        let mut features: BTreeSet<String> =
            table.map_or_else(BTreeSet::new, |table| table.keys().cloned().collect());
        let hidden: BTreeSet<&str> = table
            .into_iter()
            .flat_map(Table::values)
            .filter_map(Value::as_array)
            .flatten()
            .filter_map(Value::as_str)
            .filter_map(|value| value.strip_prefix("dep:"))
            .collect();
        for dependency in self.manifest.dependencies() {
            let implicit = dependency.optional && !hidden.contains(dependency.name);
            if implicit && dependency.kind == Kind::Normal {
                features.insert(dependency.name.to_owned());
            }
        }
        features
    }
}

/// A `Cargo.toml`.
#[derive(Debug)]
pub(crate) struct Manifest {
    /// Relative to the root of the workspace.
    pub(crate) path: PathBuf,
    text: String,
    table: Table,
}

impl Manifest {
    pub(crate) fn read(root: &Path, path: &Path) -> Outcome<Self> {
        let text = fs::read_to_string(root.join(path))
            .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        let table = text
            .parse()
            .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        Ok(Self {
            path: path.to_owned(),
            text,
            table,
        })
    }

    pub(crate) fn get(&self, keys: &[&str]) -> Option<&Value> {
        let (last, tables) = keys.split_last()?;
        let mut table = &self.table;
        for key in tables {
            table = table.get(*key)?.as_table()?;
        }
        table.get(*last)
    }

    pub(crate) fn string(&self, keys: &[&str]) -> Option<&str> {
        self.get(keys)?.as_str()
    }

    pub(crate) fn table(&self, keys: &[&str]) -> Option<&Table> {
        self.get(keys)?.as_table()
    }

    pub(crate) fn strings(&self, keys: &[&str]) -> Vec<String> {
        self.get(keys)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|value| value.as_str().map(str::to_owned))
            .collect()
    }

    pub(crate) fn root_table(&self) -> &Table {
        &self.table
    }

    /// The dependencies of every kind and for every platform.
    pub(crate) fn dependencies(&self) -> Vec<Dependency<'_>> {
        let targets = self
            .table(&["target"])
            .into_iter()
            .flat_map(Table::values)
            .filter_map(Value::as_table);
        [&self.table]
            .into_iter()
            .chain(targets)
            .flat_map(|table| {
                Kind::ALL.into_iter().flat_map(|kind| {
                    table
                        .get(kind.section())
                        .and_then(Value::as_table)
                        .into_iter()
                        .flatten()
                        .map(move |(name, value)| Dependency::new(kind, name, value))
                })
            })
            .collect()
    }

    /// The number of the first line that starts with `start`; 1 when none does.
    pub(crate) fn line(&self, start: &str) -> usize {
        self.text
            .lines()
            .position(|line| line.trim_start().starts_with(start))
            .map_or(1, |index| index + 1)
    }
}

/// A line of a dependency table.
#[derive(Debug)]
pub(crate) struct Dependency<'a> {
    pub(crate) kind: Kind,
    /// The name under which the crate is used.
    pub(crate) name: &'a str,
    pub(crate) optional: bool,
    pub(crate) path: bool,
    pub(crate) version: Option<&'a str>,
}

impl<'a> Dependency<'a> {
    fn new(kind: Kind, name: &'a str, value: &'a Value) -> Self {
        Self {
            kind,
            name,
            optional: value.get("optional").and_then(Value::as_bool) == Some(true),
            path: value.get("path").is_some(),
            version: value
                .as_str()
                .or_else(|| value.get("version").and_then(Value::as_str)),
        }
    }
}

/// For what a dependency is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    Dev,
    Build,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Normal, Self::Dev, Self::Build];

    fn section(self) -> &'static str {
        match self {
            Self::Normal => "dependencies",
            Self::Dev => "dev-dependencies",
            Self::Build => "build-dependencies",
        }
    }
}

/// The root of the workspace that xtask was started for.
///
/// The variable is read when xtask runs: worktrees that share a target folder share the binary's place too.
pub(crate) fn root() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package
        .ancestors()
        .nth(2)
        .unwrap_or(Path::new("."))
        .to_owned()
}

/// The folders that a member pattern means: a plain path, or every package below `folder/*`.
fn expand(root: &Path, pattern: &str) -> Outcome<Vec<PathBuf>> {
    let Some(parent) = pattern.strip_suffix("/*") else {
        return Ok(vec![PathBuf::from(pattern)]);
    };
    let entries = match fs::read_dir(root.join(parent)) {
        Ok(entries) => entries,
        // Cargo takes a pattern that matches nothing for an empty one as well.
        Err(_) => return Ok(Vec::new()),
    };
    let mut directories = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| Failure::new(format!("{parent}: {error}")))?;
        if entry.path().join("Cargo.toml").is_file() {
            directories.push(Path::new(parent).join(entry.file_name()));
        }
    }
    directories.sort();
    Ok(directories)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(manifest: &str) -> Package {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("crates")).unwrap();
        fs::write(directory.path().join("crates/Cargo.toml"), manifest).unwrap();
        Package::load(directory.path(), Path::new("crates")).unwrap()
    }

    #[test]
    fn the_workspace_of_this_package_is_found() {
        let workspace = Workspace::load(&root()).unwrap();
        let xtask = workspace.package("xtask").unwrap();
        assert!(!xtask.published());
        assert!(xtask.is_crate());
        assert!(workspace.package("buttress").unwrap().published());
        assert!(workspace.target_folder().unwrap().is_absolute());
    }

    #[test]
    fn implicit_features_are_features() {
        let package = package(
            r#"
            [package]
            name = "a"
            [features]
            default = ["layer"]
            layer = ["dep:tower"]
            [dependencies]
            tower = { version = "1", optional = true }
            uuid = { version = "1", optional = true }
            http = "1"
            "#,
        );
        let features: Vec<String> = package.features().into_iter().collect();
        assert_eq!(features, ["default", "layer", "uuid"]);
    }

    #[test]
    fn dependencies_of_all_tables_are_listed() {
        let package = package(
            r#"
            [package]
            name = "a"
            [dependencies]
            http = "1"
            [dev-dependencies]
            tokio = { path = "../tokio" }
            [target.'cfg(unix)'.dependencies]
            rustix = { version = "1" }
            "#,
        );
        let dependencies = package.manifest.dependencies();
        let names: Vec<(&str, Kind)> = dependencies
            .iter()
            .map(|dependency| (dependency.name, dependency.kind))
            .collect();
        assert_eq!(
            names,
            [
                ("http", Kind::Normal),
                ("tokio", Kind::Dev),
                ("rustix", Kind::Normal)
            ]
        );
        assert_eq!(dependencies[0].version, Some("1"));
        assert!(dependencies[1].path);
        assert_eq!(dependencies[2].version, Some("1"));
    }

    #[test]
    fn lines_are_counted_from_one() {
        let package = package("[package]\nname = \"a\"\n");
        assert_eq!(package.manifest.line("name"), 2);
        assert_eq!(package.manifest.line("absent"), 1);
    }
}
