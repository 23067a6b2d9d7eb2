//! Only listed external types in public APIs: what users see of our dependencies is a promise to them.
//!
//! Each published crate lists the dependencies that may be seen in `[package.metadata.buttress]
//! public-dependencies`. Everything public is read: signatures, fields, bounds, implementations of foreign traits,
//! aliases, constants and re-exports. The standard library and the workspace's own crates (whom the dependency rule
//! governs) need no listing. What a macro of ours would generate is not seen.

mod exposure;
mod names;

use std::collections::BTreeSet;

use self::{exposure::Exposure, names::Names};
use super::{Finding, Tree, modules};
use crate::workspace::{Package, Workspace};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let workspace = &tree.workspace;
    workspace
        .published()
        .flat_map(|package| check_package(tree, workspace, package))
        .collect()
}

fn check_package(tree: &Tree, workspace: &Workspace, package: &Package) -> Vec<Finding> {
    let modules = modules::of(package, &tree.sources);
    let dependencies = package
        .manifest
        .dependencies()
        .iter()
        .map(|dependency| as_ident(dependency.name))
        .collect();
    let names = Names::new(&modules, dependencies);
    let listed = listed(package);
    let own: BTreeSet<String> = workspace
        .packages
        .iter()
        .map(|package| as_ident(&package.name))
        .collect();

    let mut findings = Vec::new();
    // The first place in a file tells; a library that is let in is let in for all of them.
    let mut told = BTreeSet::new();
    for (index, module) in modules.iter().enumerate() {
        if module.hidden || module.test_only {
            continue;
        }
        for seen in Exposure::of(index, &names) {
            let known = listed.contains(&seen.library) || own.contains(&seen.library);
            if known || !told.insert((&module.source.path, seen.library.clone())) {
                continue;
            }
            findings.push(Finding::new(
                &module.source.path,
                seen.line,
                format!(
                    "`{}` is visible in the public API ({})",
                    seen.library, seen.item
                ),
                format!(
                    "public-dependencies in the crate's Cargo.toml allows {}",
                    shown(&listed)
                ),
            ));
        }
    }
    findings
}

fn listed(package: &Package) -> BTreeSet<String> {
    package
        .manifest
        .strings(&["package", "metadata", "buttress", "public-dependencies"])
        .iter()
        .map(|name| as_ident(name))
        .collect()
}

fn shown(listed: &BTreeSet<String>) -> String {
    if listed.is_empty() {
        return "none".to_owned();
    }
    let names: Vec<&str> = listed.iter().map(String::as_str).collect();
    names.join(", ")
}

/// The name of a package as it is written in a path.
fn as_ident(name: &str) -> String {
    name.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::{super::Fixture, *};

    const FILE: &str = "crates/buttress-limit/src/layer.rs";

    /// What is found when `text` is the module `layer` of a crate that lists `http` and `tower-service`.
    fn findings(text: &str) -> Vec<String> {
        let fixture = Fixture::valid();
        fixture.write("crates/buttress-limit/src/lib.rs", "mod layer;");
        fixture.write(FILE, text);
        fixture.findings(check)
    }

    fn finds(text: &str, library: &str) {
        let found = findings(text);
        assert_eq!(found.len(), 1, "{text}\n{found:#?}");
        let expected = format!("`{library}` is visible in the public API");
        assert!(found[0].contains(&expected), "{text}\n{}", found[0]);
    }

    fn passes(text: &str) {
        assert_eq!(findings(text), [""; 0], "{text}");
    }

    #[test]
    fn a_finding_names_place_library_item_and_list() {
        assert_eq!(
            findings("use redis::Client;\n\npub fn connect() -> Client { f() }"),
            [format!(
                "{FILE}:3: `redis` is visible in the public API (fn `connect`): \
                 public-dependencies in the crate's Cargo.toml allows http, tower_service"
            )]
        );
    }

    #[test]
    fn every_kind_of_public_item_is_read() {
        for text in [
            "pub fn f(a: redis::Client) {}",
            "pub fn f<T: redis::Cmd>(a: T) {}",
            "pub fn f() -> impl Into<redis::Client> { g() }",
            "pub fn f() -> Result<Option<Vec<redis::Client>>, ()> { g() }",
            "pub async fn f(a: &dyn redis::Cmd) {}",
            "pub struct S { pub a: redis::Client }",
            "pub struct S(pub redis::Client);",
            "pub struct S<T> where T: redis::Cmd { a: T }",
            "pub enum E { A(redis::Client) }",
            "pub type A = redis::Client;",
            "pub const C: redis::Kind = x();",
            "pub static C: redis::Kind = x();",
            "pub trait T: redis::Cmd {}",
            "pub trait T { fn f(&self) -> redis::Client; }",
            "pub trait T { type A: redis::Cmd; }",
            "pub use redis::Client;",
            "pub use redis as store;",
            "pub use redis::*;",
            "pub extern crate redis;",
            "pub struct S; impl S { pub fn f(a: redis::Client) {} }",
            "pub struct S; impl S { pub const C: redis::Kind = x(); }",
            "pub struct S; impl From<redis::Error> for S {}",
            "pub struct S; impl redis::FromValue for S {}",
            "pub struct S; impl Iterator for S { type Item = redis::Value; }",
            "pub struct S<T>(T); impl<T: redis::Cmd> S<T> { pub fn f() {} }",
            "pub trait T {} impl T for redis::Client {}",
            "pub fn f<T>() where <T as redis::Cmd>::Out: Send {}",
        ] {
            finds(text, "redis");
        }
    }

    #[test]
    fn derives_and_projections_are_public_too() {
        finds("#[derive(Debug, redis::FromValue)] pub struct S;", "redis");
        finds(
            "#[cfg_attr(feature = \"redis\", derive(redis::FromValue))] pub enum S {}",
            "redis",
        );
        passes("#[derive(Debug, thiserror::Error)] pub struct S;");
        finds(
            "pin_project_lite::pin_project! { pub struct S { #[pin] pub a: redis::Client } }",
            "redis",
        );
        passes("pin_project_lite::pin_project! { pub struct S { #[pin] a: redis::Client } }");
    }

    #[test]
    fn what_users_do_not_see_is_free() {
        for text in [
            "fn f(a: redis::Client) {}",
            "pub(crate) fn f(a: redis::Client) {}",
            "pub fn f() { let a: redis::Client = redis::open(); }",
            "pub struct S { a: redis::Client }",
            "pub struct S(redis::Client);",
            "#[doc(hidden)] pub fn f(a: redis::Client) {}",
            "#[doc(hidden)] pub mod m { pub fn f(a: redis::Client) {} }",
            "#[cfg(test)] pub fn f(a: redis::Client) {}",
            "#[cfg(test)] mod tests { pub fn f(a: redis::Client) {} }",
            "pub struct S; impl S { fn f(a: redis::Client) {} }",
            "pub struct S; impl S { pub(crate) fn f(a: redis::Client) {} }",
            "struct S; impl From<redis::Error> for S {}",
            "struct S; impl S { pub fn f(a: redis::Client) {} }",
            "trait T {} impl T for redis::Client {}",
            "pub(crate) use redis::Client;",
            "#[derive(redis::FromValue)] struct S;",
        ] {
            passes(text);
        }
    }

    #[test]
    fn the_standard_library_the_list_and_our_own_are_free() {
        for text in [
            "pub fn f(a: std::time::Duration, b: alloc::string::String, c: core::fmt::Error) {}",
            "pub fn f(a: String, b: Option<u8>, c: &str, d: [u8; 4]) {}",
            "pub fn f(a: http::Uri) -> tower_service::Out { g() }",
            "use http::header::{self, HeaderName}; pub fn f(a: HeaderName, b: header::Iter) {}",
            "pub fn f(a: buttress_problem::Problem) {}",
            "pub use buttress_problem::Problem;",
        ] {
            passes(text);
        }
    }

    #[test]
    fn names_are_followed_to_their_origin() {
        for text in [
            "use redis::Client as Connection; pub fn f(a: Connection) {}",
            "use redis::{aio::{self, Multiplexed}}; pub fn f(a: Multiplexed) {}",
            "use redis::{aio::{self}}; pub fn f(a: aio::Multiplexed) {}",
            "use redis::{self}; pub fn f(a: redis::Client) {}",
            "use redis as r; pub fn f(a: r::Client) {}",
            "extern crate redis as r; pub fn f(a: r::Client) {}",
            "pub fn f(a: ::redis::Client) {}",
            "type Private = redis::Client; pub fn f(a: Private) {}",
            "mod inner { pub(crate) use redis::Client; } pub fn f(a: inner::Client) {}",
            "mod inner { pub(crate) use redis::Client; } use inner::*; pub fn f(a: Client) {}",
            "mod inner { pub(super) type A = redis::Client; } use self::inner::A; pub fn f(a: A) {}",
            "use redis::Client; mod inner { pub fn f(a: super::Client) {} }",
            "use redis::*; pub fn f(a: Client) {}",
        ] {
            finds(text, "redis");
        }
        finds("pub fn f(a: hyper::body::Incoming) {}", "hyper");
    }

    #[test]
    fn names_are_not_followed_too_far() {
        for text in [
            "use redis::Client; pub fn f<Client>(a: Client) {}",
            "use redis::Client; pub struct S<Client>(pub Client);",
            "mod redis { pub struct Client; } pub fn f(a: self::redis::Client) {}",
            "pub struct Client; mod inner { pub fn f(a: super::Client) {} }",
            "pub struct S<T>(T); impl<T: Iterator> S<T> { pub fn f(a: T::Item) {} }",
            "use redis::*; pub fn f(a: String, b: Option<u8>) {}",
            "use redis::*; pub struct S; pub fn f(a: S) {}",
        ] {
            passes(text);
        }
    }

    #[test]
    fn files_and_features_are_read_alike() {
        let fixture = Fixture::valid();
        fixture.write(
            "crates/buttress-limit/src/lib.rs",
            "#[cfg(feature = \"redis\")]\nmod store;",
        );
        fixture.write("crates/buttress-limit/src/store/mod.rs", "pub mod redis;");
        fixture.write(
            "crates/buttress-limit/src/store/redis.rs",
            "pub struct RedisStore;\nimpl RedisStore { pub fn new(a: ::redis::Client) {} }",
        );
        let found = fixture.findings(check);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].starts_with("crates/buttress-limit/src/store/redis.rs:2: `redis`"));
    }
}
