//! A clone of a tower service has not been polled ready; only the service that was may be called.

use std::{collections::BTreeSet, path::Path};

use syn::{
    Expr, ExprMethodCall, ItemImpl, Member,
    spanned::Spanned as _,
    visit::{self, Visit},
};

use super::{Finding, Tree, modules::for_tests};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.published_sources() {
        let mut services = Services::default();
        services.visit_file(&source.syntax);
        if services.found {
            let mut clones = Clones {
                file: &source.path,
                inner: &services.inner,
                findings: Vec::new(),
            };
            clones.visit_file(&source.syntax);
            findings.extend(clones.findings);
        }
    }
    findings
}

/// Which fields hold services: those that are polled ready in this file, and `inner` by its name.
#[derive(Default)]
struct Services {
    found: bool,
    inner: BTreeSet<String>,
}

impl<'ast> Visit<'ast> for Services {
    fn visit_item_impl(&mut self, implementation: &'ast ItemImpl) {
        if trait_name(implementation).is_some_and(|name| name == "Service") {
            self.found = true;
            self.inner.insert("inner".to_owned());
        }
        visit::visit_item_impl(self, implementation);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        if call.method == "poll_ready"
            && let Some(field) = field(&call.receiver)
        {
            self.inner.insert(field);
        }
        visit::visit_expr_method_call(self, call);
    }
}

/// Functions that clone a service and do not put the clone in the place of the ready one.
struct Clones<'a> {
    file: &'a Path,
    inner: &'a BTreeSet<String>,
    findings: Vec<Finding>,
}

impl Clones<'_> {
    fn body(&mut self, block: &syn::Block) {
        let mut body = Body {
            inner: self.inner,
            clones: Vec::new(),
            swaps: false,
        };
        body.visit_block(block);
        if body.swaps {
            return;
        }
        for (field, line) in body.clones {
            self.findings.push(Finding::new(
                self.file,
                line,
                format!("a clone of `{field}`, which has not been polled ready, is handed on"),
                "put the clone in the place of the ready service with `std::mem::replace` and call that one",
            ));
        }
    }
}

impl<'ast> Visit<'ast> for Clones<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !for_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_impl(&mut self, implementation: &'ast ItemImpl) {
        // A clone of the layer's own service starts un-readied, as its caller knows.
        if trait_name(implementation).is_none_or(|name| name != "Clone") {
            visit::visit_item_impl(self, implementation);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.body(&function.block);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.body(&function.block);
    }
}

struct Body<'a> {
    inner: &'a BTreeSet<String>,
    clones: Vec<(String, usize)>,
    swaps: bool,
}

impl Body<'_> {
    fn clone_of(&mut self, service: &Expr) {
        if let Some(field) = field(service)
            && self.inner.contains(&field)
        {
            self.clones.push((field, service.span().end().line));
        }
    }
}

impl<'ast> Visit<'ast> for Body<'_> {
    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        if call.method == "clone" {
            self.clone_of(&call.receiver);
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let Expr::Path(function) = &*call.func {
            let segments = &function.path.segments;
            let last = segments.last().map(|segment| segment.ident.to_string());
            match (last.as_deref(), call.args.first()) {
                (Some("replace" | "swap"), _) => self.swaps = true,
                (Some("clone"), Some(argument)) => self.clone_of(argument),
                _ => {}
            }
        }
        visit::visit_expr_call(self, call);
    }
}

/// The field that is reached through references and parentheses.
fn field(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Field(field) => match &field.member {
            Member::Named(name) => Some(name.to_string()),
            Member::Unnamed(index) => Some(index.index.to_string()),
        },
        Expr::Reference(reference) => field(&reference.expr),
        Expr::Paren(inner) => field(&inner.expr),
        _ => None,
    }
}

fn trait_name(implementation: &ItemImpl) -> Option<&syn::Ident> {
    let (path, _) = implementation.trait_.as_ref()?;
    Some(&path.segments.last()?.ident)
}

#[cfg(test)]
mod tests {
    use super::{super::Fixture, *};

    fn findings(text: &str) -> Vec<String> {
        let fixture = Fixture::valid();
        fixture.write("crates/buttress-limit/src/service.rs", text);
        fixture.findings(check)
    }

    fn service(call: &str) -> String {
        format!(
            "impl<S> Service<R> for Limit<S> {{\n\
             fn poll_ready(&mut self) {{ self.next.poll_ready() }}\n\
             fn call(&mut self) {{ {call} }}\n}}"
        )
    }

    #[test]
    fn a_clone_is_not_called() {
        for call in [
            "let inner = self.inner.clone(); inner.call()",
            "let inner = Clone::clone(&self.inner); inner.call()",
            "let next = (self.next).clone(); next.call()",
        ] {
            let found = findings(&service(call));
            assert_eq!(found.len(), 1, "{call}");
            assert!(
                found[0].contains("service.rs:3: a clone of `"),
                "{}",
                found[0]
            );
        }
    }

    #[test]
    fn a_swap_elsewhere_in_the_file_is_no_excuse() {
        let text = service("let inner = self.inner.clone(); inner.call()")
            + "\nfn other() { std::mem::replace(a, b); }";
        assert_eq!(findings(&text).len(), 1);
    }

    #[test]
    fn the_ready_service_is_taken_and_the_clone_stays() {
        for call in [
            "let clone = self.inner.clone(); let mut ready = std::mem::replace(&mut self.inner, clone); ready.call()",
            "let mut ready = self.inner.clone(); mem::swap(&mut self.inner, &mut ready); ready.call()",
            "self.inner.call()",
            "self.config.clone()",
        ] {
            assert_eq!(findings(&service(call)), [""; 0], "{call}");
        }
    }

    #[test]
    fn services_may_be_cloned_as_a_whole() {
        let clone = "\nimpl<S> Clone for Limit<S> { fn clone(&self) -> Self { Self { inner: self.inner.clone() } } }";
        assert_eq!(findings(&(service("self.inner.call()") + clone)), [""; 0]);
        assert_eq!(findings("fn f(a: A) { a.inner.clone(); }"), [""; 0]);
    }
}
