//! The modules of a crate: which file holds which, and which of them users never see.

use std::path::{Path, PathBuf};

use syn::{Attribute, Item, Meta, Token, punctuated::Punctuated};

use super::sources::Source;
use crate::workspace::Package;

/// A module, in a file of its own or inline.
#[derive(Clone, Debug)]
pub(super) struct Module<'a> {
    /// Its names below the root of the crate.
    pub(super) path: Vec<String>,
    pub(super) source: &'a Source,
    pub(super) items: &'a [Item],
    pub(super) is_file: bool,
    /// Only compiled under `cfg(test)`.
    pub(super) test_only: bool,
    /// Under `#[doc(hidden)]`.
    pub(super) hidden: bool,
}

/// All modules that are reachable from the roots of the package: `src/lib.rs` and `src/main.rs`.
pub(super) fn of<'a>(package: &Package, sources: &'a [Source]) -> Vec<Module<'a>> {
    let mut modules = Vec::new();
    for root in ["src/lib.rs", "src/main.rs"] {
        let root = package.directory.join(root);
        if let Some(source) = sources.iter().find(|source| source.path == root) {
            let module = Module {
                path: Vec::new(),
                source,
                items: &source.syntax.items,
                is_file: true,
                test_only: false,
                hidden: false,
            };
            let folder = package.directory.join("src");
            descend(&module, &folder, sources, &mut modules);
        }
    }
    modules
}

/// Adds the module and those below it, whose files are in `folder`.
fn descend<'a>(
    module: &Module<'a>,
    folder: &Path,
    sources: &'a [Source],
    modules: &mut Vec<Module<'a>>,
) {
    modules.push(module.clone());
    for item in module.items {
        let Item::Mod(declared) = item else { continue };
        let name = declared.ident.to_string();
        let mut path = module.path.clone();
        path.push(name.clone());
        let below = folder.join(&name);
        let in_file = || -> Option<(&'a Source, &'a [Item])> {
            let source = files(folder, &name, &declared.attrs, module.source)
                .iter()
                .find_map(|file| sources.iter().find(|source| source.path == *file))?;
            Some((source, &source.syntax.items))
        };
        let is_file = declared.content.is_none();
        let place = match &declared.content {
            Some((_, items)) => Some((module.source, items.as_slice())),
            None => in_file(),
        };
        if let Some((source, items)) = place {
            let inner = Module {
                path,
                source,
                items,
                is_file,
                test_only: module.test_only || for_tests(&declared.attrs),
                hidden: module.hidden || hidden(&declared.attrs),
            };
            descend(&inner, &below, sources, modules);
        }
    }
}

/// Where the file of a module may be.
fn files(folder: &Path, name: &str, attributes: &[Attribute], parent: &Source) -> Vec<PathBuf> {
    let named = attributes.iter().find_map(|attribute| {
        let Meta::NameValue(pair) = &attribute.meta else {
            return None;
        };
        match &pair.value {
            syn::Expr::Lit(literal) if pair.path.is_ident("path") => match &literal.lit {
                syn::Lit::Str(path) => Some(path.value()),
                _ => None,
            },
            _ => None,
        }
    });
    match named {
        Some(path) => vec![parent.path.parent().unwrap_or(folder).join(path)],
        None => vec![
            folder.join(format!("{name}.rs")),
            folder.join(name).join("mod.rs"),
        ],
    }
}

/// Whether the attributes let the item exist under `cfg(test)` only.
pub(super) fn for_tests(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
        .filter_map(|attribute| attribute.parse_args::<Meta>().ok())
        .any(|condition| requires_test(&condition))
}

fn requires_test(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) => {
            let Some(parts) = parts(list) else {
                return false;
            };
            if list.path.is_ident("all") {
                parts.iter().any(requires_test)
            } else {
                list.path.is_ident("any") && !parts.is_empty() && parts.iter().all(requires_test)
            }
        }
        Meta::NameValue(_) => false,
    }
}

/// Whether the documentation leaves the item out.
pub(super) fn hidden(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("doc"))
        .filter_map(|attribute| attribute.parse_args::<Meta>().ok())
        .any(|meta| meta.path().is_ident("hidden"))
}

/// The comma-separated parts between the parentheses.
pub(super) fn parts(list: &syn::MetaList) -> Option<Vec<Meta>> {
    let parts = list
        .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
        .ok()?;
    Some(parts.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(text: &str) -> Vec<Attribute> {
        syn::parse_str::<syn::ItemMod>(&format!("{text}\nmod m;"))
            .unwrap()
            .attrs
    }

    #[test]
    fn only_what_cannot_exist_outside_tests_is_for_tests() {
        for text in [
            "#[cfg(test)]",
            "#[cfg(all(test, unix))]",
            "#[cfg(any(test, all(test, unix)))]",
        ] {
            assert!(for_tests(&attributes(text)), "{text}");
        }
        for text in [
            "",
            "#[cfg(unix)]",
            "#[cfg(not(test))]",
            "#[cfg(any(test, feature = \"testing\"))]",
        ] {
            assert!(!for_tests(&attributes(text)), "{text}");
        }
    }

    #[test]
    fn hidden_is_what_the_docs_leave_out() {
        assert!(hidden(&attributes("#[doc(hidden)]")));
        assert!(!hidden(&attributes("#[doc(inline)]")));
        assert!(!hidden(&attributes("/// hidden")));
    }
}
