//! A small workspace in a temporary folder, for the tests of the rules.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{Finding, Tree};
use crate::workspace::Workspace;

/// A workspace that breaks no rule until a test changes it.
pub(crate) struct Fixture {
    folder: TempDir,
}

impl Fixture {
    pub(crate) fn valid() -> Self {
        let fixture = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        fixture.write("Cargo.toml", ROOT);
        fixture.write("Cargo.lock", "");
        fixture.write(".gitignore", "/target\n");
        fixture.write("LICENSE", "MIT\n");
        fixture.write("CHANGELOG.md", "# Changelog\n");
        fixture.write("docs/architecture.md", "# Architecture\n");
        fixture.write(
            "README.md",
            "`buttress` `buttress-limit` `buttress-problem` `buttress-testkit`\n",
        );
        for (name, dependencies) in [
            (
                "buttress",
                "buttress-limit.workspace = true\nbuttress-problem.workspace = true\n",
            ),
            ("buttress-limit", LIMIT),
            ("buttress-problem", "http.workspace = true\n"),
        ] {
            fixture.published(name, dependencies);
        }
        fixture.write(
            "crates/buttress/src/lib.rs",
            "pub use buttress_problem as problem;\n",
        );
        fixture.write(
            "crates/buttress-testkit/Cargo.toml",
            "[package]\nname = \"buttress-testkit\"\nversion.workspace = true\npublish = false\n",
        );
        fixture.write("crates/buttress-testkit/src/lib.rs", "");
        fixture.write("examples/shop/Cargo.toml", EXAMPLE);
        fixture.write("examples/shop/README.md", "# Shop\n");
        fixture.write("examples/shop/src/main.rs", "fn main() {}\n");
        fixture.write(
            "benches/Cargo.toml",
            "[package]\nname = \"buttress-benches\"\npublish = false\n[features]\npeers = []\n",
        );
        fixture
    }

    pub(super) fn published(&self, name: &str, dependencies: &str) {
        let text = PUBLISHED.replace("NAME", name);
        let folder = format!("crates/{name}");
        self.write(
            &format!("{folder}/Cargo.toml"),
            &text.replace("DEPENDENCIES", dependencies),
        );
        self.write(&format!("{folder}/README.md"), "# A crate\n");
        self.write(&format!("{folder}/src/lib.rs"), "//! A crate.\n");
        self.link(&format!("{folder}/LICENSE"));
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn workspace(&self) -> Workspace {
        Workspace::load(self.root()).unwrap()
    }

    /// What the rule finds, as it is shown.
    pub(super) fn findings(&self, rule: fn(&Tree) -> Vec<Finding>) -> Vec<String> {
        let (tree, unreadable) = Tree::load(self.root()).unwrap();
        assert_eq!(unreadable, []);
        rule(&tree).iter().map(ToString::to_string).collect()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Replaces a part of a file, which must be there.
    pub(crate) fn replace(&self, path: &str, old: &str, new: &str) {
        let text = fs::read_to_string(self.path(path)).unwrap();
        assert!(text.contains(old), "{path} does not contain {old}");
        self.write(path, &text.replace(old, new));
    }

    pub(crate) fn remove(&self, path: &str) {
        let path = self.path(path);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }

    #[cfg(unix)]
    fn link(&self, path: &str) {
        std::os::unix::fs::symlink("../../LICENSE", self.path(path)).unwrap();
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }
}

const ROOT: &str = r#"
[workspace]
members = ["crates/*", "examples/*", "benches"]

[workspace.package]
version = "0.1.0"

[workspace.dependencies]
buttress-limit = { path = "crates/buttress-limit", version = "=0.1.0" }
buttress-problem = { path = "crates/buttress-problem", version = "=0.1.0" }
buttress-testkit = { path = "crates/buttress-testkit" }
http = "1"
redis = "1"
"#;

const PUBLISHED: &str = r#"
[package]
name = "NAME"
description = "A crate"
version.workspace = true
license.workspace = true
keywords = ["tower"]
readme = "README.md"

[dependencies]
DEPENDENCIES

[lints]
workspace = true

[package.metadata.docs.rs]
all-features = true
rustdoc-args = ["--cfg", "docsrs"]
"#;

const LIMIT: &str = r#"
buttress-problem.workspace = true
http.workspace = true
tower-service = "0.3"
axum = { version = "0.8", optional = true }
redis = { workspace = true, optional = true }

[dev-dependencies]
buttress-testkit.workspace = true

[features]
default = []
axum = ["dep:axum"]
redis = ["dep:redis"]

[package.metadata.buttress]
public-dependencies = ["http", "tower-service"]
"#;

const EXAMPLE: &str = r#"
[package]
name = "shop"
version = "0.1.0"
publish = false
default-run = "shop"

[dependencies]
buttress-problem = "0.1.0"
http = "1"
"#;
