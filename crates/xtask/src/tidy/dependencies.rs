//! The dependency rule: `buttress` → every crate → `buttress-problem` and `buttress-redis`, and back ends only where they
//! belong.

use std::path::Path;

use syn::{
    Item,
    visit::{self, Visit},
};

use super::{Finding, Tree, sources::Source};
use crate::workspace::{Dependency, Kind, Package};

const FACADE: &str = "buttress";
const PROBLEM: &str = "buttress-problem";
const REDIS: &str = "buttress-redis";
const TESTKIT: &str = "buttress-testkit";

/// Below `src`: what a crate re-exports for the code that its derive writes.
const PRIVATE: &str = "private.rs";

/// A library that only some files of a published crate may name, and only behind features of certain names.
struct Confined {
    /// As written in a manifest; a trailing `*` stands for any ending.
    library: &'static str,
    /// Modules below `src`: the file or everything in the folder.
    modules: &'static [&'static str],
    features: &'static [&'static str],
}

const CONFINED: [Confined; 5] = [
    Confined {
        library: "redis",
        modules: &["store/redis", "api_key/store/redis"],
        features: &["redis"],
    },
    Confined {
        library: REDIS,
        modules: &["store/redis", "api_key/store/redis"],
        features: &["redis"],
    },
    Confined {
        library: "sqlx*",
        // A crate without stores may still write SQL for its users.
        modules: &[
            "store/sqlite",
            "store/postgres",
            "api_key/store/sqlite",
            "api_key/store/postgres",
            "sqlx",
        ],
        features: &["sqlite", "postgres", "sqlx"],
    },
    Confined {
        library: "axum*",
        modules: &["axum"],
        features: &["axum"],
    },
    Confined {
        library: "actix*",
        modules: &["actix"],
        features: &["actix"],
    },
];

impl Confined {
    fn is(&self, library: &str) -> bool {
        match self.library.strip_suffix('*') {
            Some(start) => library.starts_with(start),
            None => library == self.library,
        }
    }

    fn of(library: &str) -> Option<&'static Self> {
        CONFINED.iter().find(|confined| confined.is(library))
    }

    /// Whether the rule is for this crate: the one that is all about Redis has no need of it.
    fn concerns(&self, package: &Package) -> bool {
        package.name != REDIS || self.library != "redis"
    }

    /// Whether a file, given by its path below `src`, may name the library.
    fn allows(&self, file: &Path) -> bool {
        self.modules
            .iter()
            .any(|module| file.starts_with(module) || file.with_extension("") == Path::new(module))
    }

    fn files(&self) -> String {
        let files: Vec<String> = self
            .modules
            .iter()
            .map(|module| format!("src/{module}.rs"))
            .collect();
        files.join(" and ")
    }
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let workspace = &tree.workspace;
    let mut findings = Vec::new();
    for package in workspace
        .packages
        .iter()
        .filter(|package| package.is_crate())
    {
        for dependency in package.manifest.dependencies() {
            findings.extend(sibling(package, &dependency));
            if package.published() {
                findings.extend(behind_feature(package, &dependency));
            }
        }
    }
    for package in workspace.published() {
        let sources = tree
            .published_sources()
            .filter(|source| source.package == package.name);
        for source in sources {
            findings.extend(names(package, source));
        }
    }
    findings
}

fn sibling(package: &Package, dependency: &Dependency<'_>) -> Option<Finding> {
    let (from, to) = (package.name.as_str(), dependency.name);
    if !to.starts_with(FACADE) {
        return None;
    }
    let relative = |name: &str| [PROBLEM, REDIS].contains(&name) || family(from) == family(name);
    let allowed = match dependency.kind {
        Kind::Normal if from == FACADE => to != TESTKIT,
        Kind::Normal if from == TESTKIT || from == "xtask" => false,
        Kind::Normal => relative(to),
        Kind::Dev => from == FACADE || to == TESTKIT || relative(to),
        Kind::Build => false,
    };
    (!allowed).then(|| {
        Finding::new(
            &package.manifest.path,
            package.manifest.line(to),
            format!("`{from}` depends on `{to}`"),
            "the facade depends on every crate, every crate on buttress-problem, buttress-redis and its own \
             derive; siblings do not know each other, and only tests know buttress-testkit",
        )
    })
}

/// A crate and its derive are one family.
fn family(name: &str) -> &str {
    name.strip_suffix("-derive").unwrap_or(name)
}

fn behind_feature(package: &Package, dependency: &Dependency<'_>) -> Option<Finding> {
    if dependency.kind != Kind::Normal {
        return None;
    }
    let manifest = &package.manifest;
    let confined = Confined::of(dependency.name).filter(|confined| confined.concerns(package))?;
    let key = format!("dep:{}", dependency.name);
    let enabled_elsewhere = manifest
        .table(&["features"])
        .into_iter()
        .flatten()
        .filter(|(name, _)| !confined.features.contains(&name.as_str()))
        .filter_map(|(_, values)| values.as_array())
        .flatten()
        .any(|value| value.as_str() == Some(&key));
    let right = dependency.optional && !enabled_elsewhere;
    (!right).then(|| {
        Finding::new(
            &manifest.path,
            manifest.line(dependency.name),
            format!("`{}` is not only there behind its feature", dependency.name),
            format!(
                "it is optional and turned on by {} alone",
                confined.features.join(" and ")
            ),
        )
    })
}

fn names(package: &Package, source: &Source) -> Vec<Finding> {
    let Ok(file) = source.path.strip_prefix(package.directory.join("src")) else {
        return Vec::new();
    };
    let mut visitor = Names {
        file,
        package,
        source,
        own_modules: source
            .syntax
            .items
            .iter()
            .filter_map(|item| match item {
                Item::Mod(module) => Some(module.ident.to_string()),
                _ => None,
            })
            .collect(),
        findings: Vec::new(),
    };
    visitor.visit_file(&source.syntax);
    visitor.findings
}

/// Looks for paths that start with the name of a confined library.
struct Names<'a> {
    file: &'a Path,
    package: &'a Package,
    source: &'a Source,
    /// `redis::X` beside `mod redis;` is not the library.
    own_modules: Vec<String>,
    findings: Vec<Finding>,
}

impl Names<'_> {
    fn name(&mut self, leading_colon: bool, ident: &syn::Ident) {
        let name = ident.to_string();
        if !leading_colon && self.own_modules.contains(&name) {
            return;
        }
        if let Some(confined) = Confined::of(&name.replace('_', "-"))
            && confined.concerns(self.package)
            && !confined.allows(self.file)
        {
            self.findings.push(Finding::new(
                &self.source.path,
                ident.span().start().line,
                format!("`{name}` is named here"),
                format!("only {} may name it", confined.files()),
            ));
        }
    }
}

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            self.name(path.leading_colon.is_some(), &path.segments[0].ident);
        }
        visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        // Code that a derive writes reaches the framework through a hidden re-export of the crate.
        if self.file == Path::new(PRIVATE) && matches!(item.vis, syn::Visibility::Public(_)) {
            return;
        }
        let mut trees = vec![&item.tree];
        while let Some(tree) = trees.pop() {
            match tree {
                syn::UseTree::Path(path) => self.name(item.leading_colon.is_some(), &path.ident),
                syn::UseTree::Name(name) => self.name(item.leading_colon.is_some(), &name.ident),
                syn::UseTree::Rename(name) => self.name(item.leading_colon.is_some(), &name.ident),
                syn::UseTree::Group(group) => trees.extend(&group.items),
                _ => {}
            }
        }
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        self.name(true, &item.ident);
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !super::modules::for_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_macro(&mut self, invocation: &'ast syn::Macro) {
        // What a derive writes is code of its users.
        let name = invocation.path.segments.last();
        if name.is_some_and(|name| name.ident.to_string().contains("quote")) {
            return;
        }
        // The arguments of most macros are expressions; those that are not have no paths that could be read.
        let arguments = invocation.parse_body_with(
            syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated,
        );
        for argument in arguments.iter().flatten() {
            self.visit_expr(argument);
        }
        visit::visit_macro(self, invocation);
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Fixture, *};

    const LIMIT: &str = "crates/buttress-limit";

    fn only(fixture: &Fixture) -> String {
        let findings = fixture.findings(check);
        assert_eq!(findings.len(), 1, "{findings:#?}");
        findings.into_iter().next().unwrap()
    }

    fn with_source(file: &str, text: &str) -> Fixture {
        let fixture = Fixture::valid();
        fixture.write(&format!("{LIMIT}/src/{file}"), text);
        fixture
    }

    #[test]
    fn siblings_do_not_know_each_other() {
        let fixture = Fixture::valid();
        let manifest = "crates/buttress-problem/Cargo.toml";
        fixture.replace(
            manifest,
            "[dependencies]",
            "[dependencies]\nbuttress-limit.workspace = true",
        );
        assert!(only(&fixture).contains("`buttress-problem` depends on `buttress-limit`"));

        let fixture = Fixture::valid();
        fixture.replace(
            manifest,
            "[dependencies]",
            "[dependencies]\nbuttress-problem-derive.workspace = true",
        );
        assert_eq!(fixture.findings(check), [""; 0]);
    }

    /// For its public type, and in the files of its back end only.
    #[test]
    fn every_crate_may_know_the_connection_to_redis() {
        let fixture = Fixture::valid();
        fixture.published(REDIS, "redis = \"1\"\n");
        fixture.write(
            "crates/buttress-redis/src/lib.rs",
            "pub use redis::Client;\n",
        );
        let manifest = format!("{LIMIT}/Cargo.toml");
        let dependency = |text: &str| {
            fixture.replace(
                &manifest,
                "[dependencies]",
                &format!("[dependencies]\n{text}"),
            )
        };
        dependency("buttress-redis = { workspace = true, optional = true }");
        let source = format!("{LIMIT}/src/store/redis.rs");
        fixture.write(&source, "use buttress_redis::RedisClient;");
        assert_eq!(fixture.findings(check), [""; 0]);

        fixture.replace(
            &manifest,
            "buttress-redis = { workspace = true, optional = true }",
            "buttress-redis.workspace = true",
        );
        assert!(only(&fixture).contains("`buttress-redis` is not only there behind its feature"));

        let named = with_source("bucket.rs", "use buttress_redis::RedisClient;");
        assert!(only(&named).contains("`buttress_redis` is named here"));
    }

    #[test]
    fn only_tests_know_the_testkit() {
        let fixture = Fixture::valid();
        fixture.replace(
            &format!("{LIMIT}/Cargo.toml"),
            "[dev-dependencies]\n",
            "[build-dependencies]\n",
        );
        assert!(only(&fixture).contains("`buttress-limit` depends on `buttress-testkit`"));
    }

    #[test]
    fn back_ends_stand_behind_their_features() {
        let manifest = format!("{LIMIT}/Cargo.toml");
        let fixture = Fixture::valid();
        fixture.replace(
            &manifest,
            "version = \"0.8\", optional = true",
            "version = \"0.8\"",
        );
        assert!(only(&fixture).contains("`axum` is not only there behind its feature"));

        let fixture = Fixture::valid();
        fixture.replace(&manifest, "default = []", "default = [\"dep:redis\"]");
        assert!(only(&fixture).ends_with("turned on by redis alone"));
    }

    #[test]
    fn back_ends_are_named_in_their_files() {
        for text in [
            "use redis::Client;",
            "use {std::fmt, redis::Client};",
            "use redis as cache;",
            "fn f() -> ::redis::Client { todo() }",
            "fn f() { let _ = redis::Client::open(\"\"); }",
            "fn f() { assert!(redis::ok()); }",
            "extern crate redis;",
        ] {
            let finding = only(&with_source("bucket.rs", text));
            assert!(
                finding.contains("bucket.rs:1: `redis` is named here"),
                "{text}"
            );
            let files = "only src/store/redis.rs and src/api_key/store/redis.rs may name it";
            assert!(finding.ends_with(files), "{finding}");
        }
        for file in ["store/redis.rs", "store/redis/script.rs"] {
            let fixture = with_source(file, "use redis::Client;");
            assert_eq!(fixture.findings(check), [""; 0]);
        }
        let fixture = with_source(
            "store/mod.rs",
            "mod redis;\npub use self::redis::RedisStore;\n",
        );
        assert_eq!(fixture.findings(check), [""; 0]);
    }

    #[test]
    fn frameworks_are_named_in_their_files() {
        let text = "use axum_core::response::IntoResponse;";
        assert!(only(&with_source("layer.rs", text)).contains("`axum_core` is named here"));
        assert_eq!(with_source("axum.rs", text).findings(check), [""; 0]);
        assert_eq!(with_source("axum/json.rs", text).findings(check), [""; 0]);

        let derived = "fn f() { quote!(axum_core::response::IntoResponse) }";
        assert_eq!(with_source("expand.rs", derived).findings(check), [""; 0]);
        let reexport = with_source("private.rs", "pub use axum_core;");
        assert_eq!(reexport.findings(check), [""; 0]);
        assert!(only(&with_source("private.rs", text)).contains("`axum_core` is named here"));

        let fixture = Fixture::valid();
        fixture.write("crates/buttress-testkit/src/client.rs", text);
        fixture.write("crates/buttress-limit/tests/it/main.rs", text);
        fixture.write(
            "crates/buttress-limit/src/layer.rs",
            "#[cfg(test)] mod tests { use axum_core::response::IntoResponse; }",
        );
        assert_eq!(fixture.findings(check), [""; 0]);
    }
}
