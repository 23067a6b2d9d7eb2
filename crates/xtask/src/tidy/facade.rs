//! `lib.rs` is a table of contents: documentation, modules and re-exports.

use syn::{Attribute, Item, Visibility, spanned::Spanned as _};

use super::{Finding, Tree, modules::for_tests};
use crate::workspace::Package;

/// The crate that only re-exports the others.
const FACADE: &str = "buttress";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in tree.workspace.published() {
        let sources = || {
            tree.published_sources()
                .filter(|source| source.package == package.name)
        };
        let root = package.directory.join("src/lib.rs");
        for source in sources() {
            if source.path == root {
                foreign_items(package, &source.syntax.items, &mut |item| {
                    findings.push(Finding::new(
                        &source.path,
                        item.span().start().line,
                        "something else than a module or a re-export",
                        "lib.rs holds documentation, mod and pub use, nothing else",
                    ));
                });
            } else if package.name == FACADE {
                findings.push(Finding::new(
                    &source.path,
                    1,
                    "a file of the facade",
                    "the facade is its lib.rs: re-exports only, no code",
                ));
            }
        }
    }
    findings
}

fn foreign_items<'a>(package: &Package, items: &'a [Item], report: &mut dyn FnMut(&'a Item)) {
    for item in items {
        match item {
            Item::Mod(module) => match &module.content {
                Some(_) if for_tests(&module.attrs) => report(item),
                Some((_, inner)) => foreign_items(package, inner, report),
                None => {}
            },
            Item::Use(import) if matches!(import.vis, Visibility::Public(_)) => {}
            Item::Use(_) if package.is_proc_macro() => {}
            // The compiler takes the entry points of a procedural macro from the root of its crate only.
            Item::Fn(function) if package.is_proc_macro() && is_entry(&function.attrs) => {}
            _ => report(item),
        }
    }
}

fn is_entry(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        ["proc_macro", "proc_macro_derive", "proc_macro_attribute"]
            .iter()
            .any(|name| attribute.path().is_ident(name))
    })
}

#[cfg(test)]
mod tests {
    use super::{super::Fixture, *};

    const LIB: &str = "crates/buttress-limit/src/lib.rs";

    #[test]
    fn contents_pass() {
        let fixture = Fixture::valid();
        fixture.write(
            LIB,
            "//! Docs.\nmod layer;\n#[cfg(feature = \"redis\")]\npub mod store;\npub use layer::Layer;\n\
             #[doc(hidden)]\npub mod private { pub use http; }\n",
        );
        assert_eq!(fixture.findings(check), [""; 0]);
    }

    #[test]
    fn code_does_not() {
        for text in [
            "//! Docs.\nfn f() {}",
            "//! Docs.\npub struct S;",
            "//! Docs.\nuse http::Request;",
            "//! Docs.\nmacro_rules! m { () => {} }",
            "//! Docs.\n#[cfg(test)] mod tests { fn f() {} }",
            "//! Docs.\nmod inner { fn f() {} }",
        ] {
            let fixture = Fixture::valid();
            fixture.write(LIB, text);
            let findings = fixture.findings(check);
            assert_eq!(findings.len(), 1, "{text}");
            assert!(findings[0].starts_with(&format!("{LIB}:2: something else")));
        }
    }

    #[test]
    fn entry_points_of_macros_stand_at_the_root() {
        let text = "use proc_macro::TokenStream; #[proc_macro_derive(Problem)]\npub fn derive(input: TokenStream) -> TokenStream { input }\n";
        let fixture = Fixture::valid();
        fixture.write(LIB, text);
        assert_eq!(fixture.findings(check).len(), 2);
        fixture.replace(
            "crates/buttress-limit/Cargo.toml",
            "[dependencies]",
            "[lib]\nproc-macro = true\n[dependencies]",
        );
        assert_eq!(fixture.findings(check), [""; 0]);
    }

    #[test]
    fn the_facade_has_no_code() {
        let fixture = Fixture::valid();
        fixture.write("crates/buttress/src/extra.rs", "");
        assert!(fixture.findings(check)[0].contains("a file of the facade"));
    }
}
