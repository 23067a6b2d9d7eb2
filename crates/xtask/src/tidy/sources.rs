//! The Rust files of the workspace, parsed.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::{Finding, modules};
use crate::{Failure, Outcome, workspace::Workspace};

/// A Rust file.
#[derive(Debug)]
pub(super) struct Source {
    /// The package that it belongs to.
    pub(super) package: String,
    pub(super) published: bool,
    /// Below `src`: part of the library or the program, not of its tests.
    pub(super) in_src: bool,
    /// Only compiled under `cfg(test)`.
    pub(super) test_only: bool,
    /// Relative to the root of the workspace.
    pub(super) path: PathBuf,
    pub(super) syntax: syn::File,
}

/// Reads all files; a file that is no Rust is a finding.
pub(super) fn load(workspace: &Workspace) -> Outcome<(Vec<Source>, Vec<Finding>)> {
    let mut sources = Vec::new();
    let mut findings = Vec::new();
    for package in &workspace.packages {
        let mut files = Vec::new();
        collect(&workspace.root, &package.directory, &mut files)
            .map_err(|error| Failure::new(format!("{}: {error}", package.directory.display())))?;
        for path in files {
            let text = fs::read_to_string(workspace.root.join(&path))
                .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
            match syn::parse_file(&text) {
                Ok(syntax) => sources.push(Source {
                    package: package.name.clone(),
                    published: package.published(),
                    in_src: path.starts_with(package.directory.join("src")),
                    test_only: false,
                    path,
                    syntax,
                }),
                Err(error) => findings.push(Finding::new(
                    &path,
                    error.span().start().line,
                    format!("this is no Rust ({error})"),
                    "every file of a package is parsed",
                )),
            }
        }
    }
    let test_only: BTreeSet<PathBuf> = workspace
        .packages
        .iter()
        .flat_map(|package| modules::of(package, &sources))
        .filter(|module| module.test_only && module.is_file)
        .map(|module| module.source.path.clone())
        .collect();
    for source in &mut sources {
        source.test_only = test_only.contains(&source.path);
    }
    Ok((sources, findings))
}

/// All `.rs` files below the folder, in a stable order. `ui` holds programs that are not meant to compile.
fn collect(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(root.join(folder))?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let path = folder.join(&*name);
        if entry.file_type()?.is_dir() {
            if !matches!(&*name, "target" | "ui") && !name.starts_with('.') {
                collect(root, &path, files)?;
            }
        } else if name.ends_with(".rs") {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Fixture, Tree};

    #[test]
    fn files_of_a_test_module_are_known_as_such() {
        let fixture = Fixture::valid();
        let src = "crates/buttress-limit/src";
        fixture.write(&format!("{src}/lib.rs"), "mod bucket;\n");
        fixture.write(
            &format!("{src}/bucket.rs"),
            "mod rules;\n#[cfg(test)]\nmod tests;\n",
        );
        fixture.write(&format!("{src}/bucket/rules.rs"), "");
        fixture.write(&format!("{src}/bucket/tests.rs"), "mod cases;\n");
        fixture.write(&format!("{src}/bucket/tests/cases.rs"), "");
        let (tree, findings) = Tree::load(fixture.root()).unwrap();
        assert_eq!(findings, []);
        let test_only: Vec<String> = tree
            .sources
            .iter()
            .filter(|source| source.test_only)
            .map(|source| source.path.display().to_string())
            .collect();
        assert_eq!(
            test_only,
            [
                format!("{src}/bucket/tests/cases.rs"),
                format!("{src}/bucket/tests.rs")
            ]
        );
    }

    #[test]
    fn programs_that_must_not_compile_are_left_alone() {
        let fixture = Fixture::valid();
        fixture.write("crates/buttress-limit/tests/ui/bad.rs", "fn f( {");
        let (_, findings) = Tree::load(fixture.root()).unwrap();
        assert_eq!(findings, []);
    }
}
