//! Where a name in a module comes from.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Item, UseTree};

use super::super::modules::Module;

/// Crates that every Rust program has.
const STANDARD: [&str; 5] = ["std", "core", "alloc", "proc_macro", "test"];

/// What is in scope without an import: the prelude's types and traits, and the primitive types.
const PRELUDE: &str = "AsMut AsRef AsyncFn AsyncFnMut AsyncFnOnce Box Clone Copy Debug Default \
    DoubleEndedIterator Drop Eq Err ExactSizeIterator Extend Fn FnMut FnOnce From FromIterator Future Hash Into \
    IntoFuture IntoIterator Iterator Ok Option Ord PartialEq PartialOrd Result Send Sized Some String Sync ToOwned \
    ToString TryFrom TryInto Unpin Vec bool char str f32 f64 i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize";

/// An import that leads to an import is followed this far; valid programs end long before.
const FOLLOWED: usize = 32;

/// Where a path leads.
#[derive(Clone, Debug)]
pub(super) enum Origin<'a> {
    /// The standard library, or a name that only a macro could explain.
    Standard,
    /// A dependency.
    Library(String),
    /// Inside this crate: the item and the index of its module where both are known.
    Local(Option<(usize, &'a Item)>),
}

/// A path as written in a module.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// Starts with `::`, so the first segment is a library.
    pub(super) global: bool,
    pub(super) segments: Vec<String>,
}

impl Target {
    pub(super) fn of(path: &syn::Path) -> Self {
        Self {
            global: path.leading_colon.is_some(),
            segments: path
                .segments
                .iter()
                .map(|segment| segment.ident.to_string())
                .collect(),
        }
    }
}

/// The names in all modules of a crate.
#[derive(Debug)]
pub(super) struct Names<'a> {
    modules: &'a [Module<'a>],
    scopes: Vec<Scope<'a>>,
    by_path: BTreeMap<&'a [String], usize>,
    dependencies: BTreeSet<String>,
}

/// The names in one module.
#[derive(Debug, Default)]
struct Scope<'a> {
    imports: BTreeMap<String, Target>,
    globs: Vec<Target>,
    items: BTreeMap<String, &'a Item>,
}

impl<'a> Names<'a> {
    pub(super) fn new(modules: &'a [Module<'a>], dependencies: BTreeSet<String>) -> Self {
        Self {
            modules,
            scopes: modules.iter().map(Scope::of).collect(),
            by_path: modules
                .iter()
                .enumerate()
                .map(|(index, module)| (module.path.as_slice(), index))
                .collect(),
            dependencies,
        }
    }

    pub(super) fn items(&self, module: usize) -> &'a [Item] {
        self.modules[module].items
    }

    /// Where a path that is written in the module leads.
    pub(super) fn resolve(&self, module: usize, target: &Target) -> Origin<'a> {
        self.follow(module, target, None, 0)
    }

    /// `from` is the import that led here: a library is often imported under its own name.
    fn follow(
        &self,
        module: usize,
        target: &Target,
        from: Option<&str>,
        depth: usize,
    ) -> Origin<'a> {
        let Some((first, rest)) = target.segments.split_first() else {
            return Origin::Local(None);
        };
        if target.global {
            return library(first);
        }
        let here = &self.modules[module].path;
        match first.as_str() {
            "crate" => return self.inside(&[], rest, depth),
            "self" => return self.inside(here, rest, depth),
            "super" => {
                let above = rest.iter().take_while(|part| *part == "super").count();
                let parent = &here[..here.len().saturating_sub(above + 1)];
                return self.inside(parent, &rest[above..], depth);
            }
            "Self" => return Origin::Local(None),
            _ => {}
        }
        if let Some(origin) = self.declared(module, first, rest, from, depth) {
            return origin;
        }
        if self.dependencies.contains(first) || STANDARD.contains(&first.as_str()) {
            return library(first);
        }
        let built_in = PRELUDE.split(' ').any(|name| name == first);
        if !built_in && let Some(origin) = self.foreign_glob(module, depth) {
            return origin;
        }
        let module_like = first.starts_with(|letter: char| letter.is_ascii_lowercase());
        if !built_in && module_like && !rest.is_empty() {
            return library(first);
        }
        Origin::Standard
    }

    /// A path relative to a module of this crate, which cannot lead to a library by its mere name.
    fn inside(&self, module: &[String], rest: &[String], depth: usize) -> Origin<'a> {
        match (self.by_path.get(module), rest.split_first()) {
            (Some(module), Some((first, rest))) => self
                .declared(*module, first, rest, None, depth)
                .unwrap_or(Origin::Local(None)),
            _ => Origin::Local(None),
        }
    }

    /// What the module itself says about a name: its imports, its items, its globs of modules of this crate.
    fn declared(
        &self,
        module: usize,
        first: &str,
        rest: &[String],
        from: Option<&str>,
        depth: usize,
    ) -> Option<Origin<'a>> {
        if depth > FOLLOWED {
            return None;
        }
        let scope = &self.scopes[module];
        if from != Some(first)
            && let Some(import) = scope.imports.get(first)
        {
            let mut target = import.clone();
            target.segments.extend_from_slice(rest);
            return Some(self.follow(module, &target, Some(first), depth + 1));
        }
        if let Some(item) = scope.items.get(first) {
            return Some(match item {
                Item::Mod(_) if !rest.is_empty() => {
                    let mut path = self.modules[module].path.clone();
                    path.push(first.to_owned());
                    self.inside(&path, rest, depth + 1)
                }
                _ if rest.is_empty() => Origin::Local(Some((module, item))),
                // An associated type or a variant.
                _ => Origin::Local(None),
            });
        }
        scope.globs.iter().find_map(|glob| {
            let inner = self.module_behind(module, glob)?;
            if inner == module {
                return None;
            }
            self.declared(inner, first, rest, None, depth + 1)
        })
    }

    /// The library whose glob import may bring a name that nothing else explains.
    fn foreign_glob(&self, module: usize, depth: usize) -> Option<Origin<'a>> {
        if depth > FOLLOWED {
            return None;
        }
        self.scopes[module].globs.iter().find_map(|glob| {
            match self.follow(module, glob, None, depth + 1) {
                Origin::Library(name) => Some(Origin::Library(name)),
                _ => None,
            }
        })
    }

    fn module_behind(&self, module: usize, target: &Target) -> Option<usize> {
        if target.global {
            return None;
        }
        let here = &self.modules[module].path;
        let mut path = here.clone();
        for (index, part) in target.segments.iter().enumerate() {
            match part.as_str() {
                "crate" if index == 0 => path.clear(),
                "self" if index == 0 => {}
                "super" => {
                    path.pop()?;
                }
                name => path.push(name.to_owned()),
            }
        }
        self.by_path.get(path.as_slice()).copied()
    }
}

fn library<'a>(name: &str) -> Origin<'a> {
    if STANDARD.contains(&name) {
        Origin::Standard
    } else {
        Origin::Library(name.to_owned())
    }
}

impl<'a> Scope<'a> {
    fn of(module: &Module<'a>) -> Self {
        let mut scope = Self::default();
        for item in module.items {
            match item {
                Item::Use(import) => {
                    let global = import.leading_colon.is_some();
                    scope.import(global, &[], &import.tree);
                }
                Item::ExternCrate(import) => {
                    let name = match &import.rename {
                        Some((_, name)) => name,
                        None => &import.ident,
                    };
                    let target = Target {
                        global: true,
                        segments: vec![import.ident.to_string()],
                    };
                    scope.imports.insert(name.to_string(), target);
                }
                _ => {
                    if let Some(name) = name(item) {
                        scope.items.insert(name.to_string(), item);
                    }
                }
            }
        }
        scope
    }

    fn import(&mut self, global: bool, prefix: &[String], tree: &UseTree) {
        for import in imports(global, prefix, tree) {
            match import.name {
                Some(name) => {
                    self.imports.insert(name, import.target);
                }
                None => self.globs.push(import.target),
            }
        }
    }
}

/// A leaf of a `use`: what it brings, and under which name unless it is a glob.
#[derive(Debug)]
pub(super) struct Import {
    pub(super) name: Option<String>,
    pub(super) target: Target,
    pub(super) line: usize,
}

/// All leaves of a `use`.
pub(super) fn imports(global: bool, prefix: &[String], tree: &UseTree) -> Vec<Import> {
    let leaf = |ident: &syn::Ident, name: String| {
        let mut segments = prefix.to_vec();
        // `a::{self}` brings `a`.
        if ident != "self" || prefix.is_empty() {
            segments.push(ident.to_string());
        }
        Import {
            name: Some(name),
            target: Target { global, segments },
            line: ident.span().start().line,
        }
    };
    match tree {
        UseTree::Path(path) => {
            let mut prefix = prefix.to_vec();
            prefix.push(path.ident.to_string());
            imports(global, &prefix, &path.tree)
        }
        UseTree::Name(name) if name.ident == "self" => {
            let last = prefix.last().cloned().unwrap_or_default();
            vec![leaf(&name.ident, last)]
        }
        UseTree::Name(name) => vec![leaf(&name.ident, name.ident.to_string())],
        UseTree::Rename(rename) => vec![leaf(&rename.ident, rename.rename.to_string())],
        UseTree::Glob(glob) => vec![Import {
            name: None,
            target: Target {
                global,
                segments: prefix.to_vec(),
            },
            line: glob.star_token.spans[0].start().line,
        }],
        UseTree::Group(group) => group
            .items
            .iter()
            .flat_map(|tree| imports(global, prefix, tree))
            .collect(),
    }
}

/// The name of an item that types and traits are found by.
fn name(item: &Item) -> Option<&syn::Ident> {
    match item {
        Item::Enum(item) => Some(&item.ident),
        Item::Mod(item) => Some(&item.ident),
        Item::Struct(item) => Some(&item.ident),
        Item::Trait(item) => Some(&item.ident),
        Item::Type(item) => Some(&item.ident),
        Item::Union(item) => Some(&item.ident),
        _ => None,
    }
}
