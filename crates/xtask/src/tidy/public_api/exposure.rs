//! What the public items of a module let users see.

use syn::{
    Attribute, Fields, Generics, ImplItem, Item, ItemImpl, Meta, TraitItem, Type, Visibility,
    punctuated::Punctuated,
    spanned::Spanned as _,
    visit::{self, Visit},
};

use super::{
    super::modules::{for_tests, hidden, parts},
    names::{Names, Origin, Target, imports},
};

/// Their derives implement traits of the standard library.
const STANDARD_DERIVES: [&str; 2] = ["thiserror", "derive_more"];

/// A private alias in a public signature is looked through this often; deeper ones are not written by hand.
const ALIASES: usize = 8;

/// A library that stands in the public API.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) library: String,
    pub(super) line: usize,
    /// The item that shows it.
    pub(super) item: String,
}

/// Collects what one module exposes.
///
/// A plain `pub` counts as public wherever it stands: the lint `unreachable_pub` keeps it off what is not reachable.
pub(super) struct Exposure<'n, 'a> {
    names: &'n Names<'a>,
    module: usize,
    /// The type parameters in scope.
    parameters: Vec<String>,
    item: String,
    aliases: usize,
    seen: Vec<Seen>,
}

impl<'n, 'a> Exposure<'n, 'a> {
    pub(super) fn of(module: usize, names: &'n Names<'a>) -> Vec<Seen> {
        let mut exposure = Self {
            names,
            module,
            parameters: Vec::new(),
            item: String::new(),
            aliases: 0,
            seen: Vec::new(),
        };
        for item in names.items(module) {
            exposure.item(item);
        }
        exposure.seen
    }

    fn item(&mut self, item: &Item) {
        if attributes(item).is_some_and(excluded) {
            return;
        }
        match item {
            Item::Impl(implementation) => self.implementation(implementation),
            // The one macro whose contents are items, as written.
            Item::Macro(invocation) if is_pin_project(&invocation.mac) => {
                if let Ok(file) = syn::parse2::<syn::File>(invocation.mac.tokens.clone()) {
                    for item in &file.items {
                        self.item(item);
                    }
                }
            }
            _ if !is_public(item) => {}
            Item::Fn(function) => self.signature(&function.sig),
            Item::Struct(item) => {
                self.enter("struct", &item.ident);
                self.derives(&item.attrs);
                self.with(&item.generics, |this| this.fields(&item.fields, false));
            }
            Item::Enum(item) => {
                self.enter("enum", &item.ident);
                self.derives(&item.attrs);
                self.with(&item.generics, |this| {
                    for variant in &item.variants {
                        this.fields(&variant.fields, true);
                    }
                });
            }
            Item::Union(item) => {
                self.enter("union", &item.ident);
                self.with(&item.generics, |this| {
                    this.fields(&Fields::Named(item.fields.clone()), false);
                });
            }
            Item::Type(item) => {
                self.enter("type", &item.ident);
                self.with(&item.generics, |this| this.visit_type(&item.ty));
            }
            Item::Const(item) => {
                self.enter("const", &item.ident);
                self.visit_type(&item.ty);
            }
            Item::Static(item) => {
                self.enter("static", &item.ident);
                self.visit_type(&item.ty);
            }
            Item::Trait(item) => self.definition(item),
            Item::Use(item) => {
                for import in imports(item.leading_colon.is_some(), &[], &item.tree) {
                    "pub use".clone_into(&mut self.item);
                    self.target(&import.target, import.line);
                }
            }
            Item::ExternCrate(item) => {
                "pub extern crate".clone_into(&mut self.item);
                let target = Target {
                    global: true,
                    segments: vec![item.ident.to_string()],
                };
                self.target(&target, item.ident.span().start().line);
            }
            _ => {}
        }
    }

    fn enter(&mut self, kind: &str, name: &syn::Ident) {
        self.item = format!("{kind} `{name}`");
    }

    /// Visits generics and what they are in scope for.
    fn with(&mut self, generics: &Generics, visit: impl FnOnce(&mut Self)) {
        let outer = self.parameters.len();
        let parameters = generics.type_params();
        self.parameters
            .extend(parameters.map(|parameter| parameter.ident.to_string()));
        self.visit_generics(generics);
        visit(self);
        self.parameters.truncate(outer);
    }

    fn signature(&mut self, signature: &syn::Signature) {
        self.enter("fn", &signature.ident);
        self.with(&signature.generics, |this| {
            for input in &signature.inputs {
                this.visit_fn_arg(input);
            }
            this.visit_return_type(&signature.output);
        });
    }

    fn fields(&mut self, fields: &Fields, all: bool) {
        for field in fields {
            if (all || matches!(field.vis, Visibility::Public(_))) && !excluded(&field.attrs) {
                self.visit_type(&field.ty);
            }
        }
    }

    fn definition(&mut self, item: &syn::ItemTrait) {
        self.enter("trait", &item.ident);
        self.with(&item.generics, |this| {
            for bound in &item.supertraits {
                this.visit_type_param_bound(bound);
            }
            for inner in &item.items {
                match inner {
                    TraitItem::Fn(function) if !excluded(&function.attrs) => {
                        this.signature(&function.sig);
                    }
                    TraitItem::Type(associated) if !excluded(&associated.attrs) => {
                        this.enter("type", &associated.ident);
                        this.visit_trait_item_type(associated);
                    }
                    TraitItem::Const(constant) => {
                        this.enter("const", &constant.ident);
                        this.visit_type(&constant.ty);
                    }
                    _ => {}
                }
            }
        });
    }

    fn implementation(&mut self, item: &ItemImpl) {
        let outer = self.parameters.len();
        let parameters = item.generics.type_params();
        self.parameters
            .extend(parameters.map(|parameter| parameter.ident.to_string()));
        if self.is_visible_type(&item.self_ty) {
            match &item.trait_ {
                Some((path, _)) => self.implemented(item, path),
                None => self.inherent(item),
            }
        }
        self.parameters.truncate(outer);
    }

    fn implemented(&mut self, item: &ItemImpl, path: &syn::Path) {
        if !self.is_visible(path) {
            return;
        }
        if let Some(last) = path.segments.last() {
            self.enter("impl", &last.ident);
        }
        self.visit_path(path);
        self.visit_type(&item.self_ty);
        self.visit_generics(&item.generics);
        for inner in &item.items {
            // Signatures are the trait's; constants and types are chosen here.
            if let ImplItem::Type(associated) = inner {
                self.visit_type(&associated.ty);
            }
        }
    }

    fn inherent(&mut self, item: &ItemImpl) {
        let mut shown = false;
        for inner in &item.items {
            match inner {
                ImplItem::Fn(function) if seen_in_impl(&function.vis, &function.attrs) => {
                    shown = true;
                    self.signature(&function.sig);
                }
                ImplItem::Const(constant) if seen_in_impl(&constant.vis, &constant.attrs) => {
                    shown = true;
                    self.enter("const", &constant.ident);
                    self.visit_type(&constant.ty);
                }
                _ => {}
            }
        }
        if shown {
            "impl".clone_into(&mut self.item);
            self.visit_type(&item.self_ty);
            self.visit_generics(&item.generics);
        }
    }

    /// A derive implements a trait for all to see.
    fn derives(&mut self, attributes: &[Attribute]) {
        for attribute in attributes {
            self.derive(&attribute.meta);
        }
    }

    fn derive(&mut self, meta: &Meta) {
        let Meta::List(list) = meta else { return };
        if list.path.is_ident("derive") {
            let paths =
                list.parse_args_with(Punctuated::<syn::Path, syn::Token![,]>::parse_terminated);
            for path in paths.iter().flatten() {
                let target = Target::of(path);
                if let Origin::Library(name) = self.names.resolve(self.module, &target)
                    && !STANDARD_DERIVES.contains(&name.as_str())
                {
                    self.push(name, path.span().start().line);
                }
            }
        } else if list.path.is_ident("cfg_attr") {
            for part in parts(list).into_iter().flatten().skip(1) {
                self.derive(&part);
            }
        }
    }

    fn is_visible_type(&self, of: &Type) -> bool {
        match of {
            Type::Path(path) if path.qself.is_none() => self.is_visible(&path.path),
            Type::Reference(reference) => self.is_visible_type(&reference.elem),
            _ => true,
        }
    }

    /// Whether users can see what the path names; what is not of this crate they can.
    fn is_visible(&self, path: &syn::Path) -> bool {
        if self.is_parameter(path) {
            return true;
        }
        match self.names.resolve(self.module, &Target::of(path)) {
            Origin::Local(Some((_, item))) => {
                is_public(item) && !attributes(item).is_some_and(excluded)
            }
            _ => true,
        }
    }

    fn is_parameter(&self, path: &syn::Path) -> bool {
        path.leading_colon.is_none()
            && path
                .segments
                .first()
                .is_some_and(|first| self.parameters.iter().any(|name| first.ident == name))
    }

    fn target(&mut self, target: &Target, line: usize) {
        match self.names.resolve(self.module, target) {
            Origin::Library(name) => self.push(name, line),
            Origin::Local(Some((module, Item::Type(alias))))
                if !matches!(alias.vis, Visibility::Public(_)) && self.aliases < ALIASES =>
            {
                self.alias(module, alias, line);
            }
            _ => {}
        }
    }

    /// A private alias shows what it stands for.
    fn alias(&mut self, module: usize, alias: &syn::ItemType, line: usize) {
        let mut inner = Exposure {
            names: self.names,
            module,
            parameters: Vec::new(),
            item: self.item.clone(),
            aliases: self.aliases + 1,
            seen: Vec::new(),
        };
        inner.with(&alias.generics, |this| this.visit_type(&alias.ty));
        for seen in inner.seen {
            self.push(seen.library, line);
        }
    }

    fn push(&mut self, library: String, line: usize) {
        let known = |seen: &Seen| seen.library == library && seen.line == line;
        if !self.seen.iter().any(known) {
            self.seen.push(Seen {
                library,
                line,
                item: self.item.clone(),
            });
        }
    }
}

impl<'ast> Visit<'ast> for Exposure<'_, '_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        if !self.is_parameter(path) {
            self.target(&Target::of(path), path.span().start().line);
        }
        visit::visit_path(self, path);
    }

    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_block(&mut self, _: &'ast syn::Block) {}

    fn visit_expr(&mut self, _: &'ast syn::Expr) {}

    fn visit_macro(&mut self, _: &'ast syn::Macro) {}

    fn visit_pat(&mut self, _: &'ast syn::Pat) {}
}

fn excluded(attributes: impl AsRef<[Attribute]>) -> bool {
    hidden(attributes.as_ref()) || for_tests(attributes.as_ref())
}

fn seen_in_impl(visibility: &Visibility, attributes: &[Attribute]) -> bool {
    matches!(visibility, Visibility::Public(_)) && !excluded(attributes)
}

fn is_pin_project(invocation: &syn::Macro) -> bool {
    invocation
        .path
        .segments
        .last()
        .is_some_and(|last| last.ident == "pin_project")
}

fn is_public(item: &Item) -> bool {
    let visibility = match item {
        Item::Const(item) => &item.vis,
        Item::Enum(item) => &item.vis,
        Item::ExternCrate(item) => &item.vis,
        Item::Fn(item) => &item.vis,
        Item::Static(item) => &item.vis,
        Item::Struct(item) => &item.vis,
        Item::Trait(item) => &item.vis,
        Item::Type(item) => &item.vis,
        Item::Union(item) => &item.vis,
        Item::Use(item) => &item.vis,
        _ => return false,
    };
    matches!(visibility, Visibility::Public(_))
}

fn attributes(item: &Item) -> Option<&[Attribute]> {
    Some(match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => return None,
    })
}
