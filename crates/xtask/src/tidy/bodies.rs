//! A feature adds items; no function does something else under another `cfg`.

use std::path::Path;

use syn::{
    Attribute,
    spanned::Spanned as _,
    visit::{self, Visit},
};

use super::{Finding, Tree, modules::for_tests};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.published_sources() {
        let mut visitor = Bodies {
            file: &source.path,
            inside: false,
            findings: Vec::new(),
        };
        visitor.visit_file(&source.syntax);
        findings.extend(visitor.findings);
    }
    findings
}

struct Bodies<'a> {
    file: &'a Path,
    inside: bool,
    findings: Vec<Finding>,
}

impl Bodies<'_> {
    fn body(&mut self, attributes: &[Attribute], block: &syn::Block) {
        if self.inside {
            for attribute in attributes {
                self.visit_attribute(attribute);
            }
        }
        if for_tests(attributes) {
            return;
        }
        let outside = std::mem::replace(&mut self.inside, true);
        self.visit_block(block);
        self.inside = outside;
    }

    fn report(&mut self, line: usize) {
        self.findings.push(Finding::new(
            self.file,
            line,
            "`cfg` inside a function",
            "a feature adds items: put the difference into an item or a module of its own",
        ));
    }
}

impl<'ast> Visit<'ast> for Bodies<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !for_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_impl(&mut self, implementation: &'ast syn::ItemImpl) {
        if !for_tests(&implementation.attrs) {
            visit::visit_item_impl(self, implementation);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.body(&function.attrs, &function.block);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.body(&function.attrs, &function.block);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.body(&function.attrs, block);
        }
    }

    // A variant or a field that a feature adds needs its arm or its value: these three may carry a `cfg`.

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.visit_pat(&arm.pat);
        self.visit_expr(&arm.body);
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        self.visit_expr(&field.expr);
    }

    fn visit_field_pat(&mut self, field: &'ast syn::FieldPat) {
        self.visit_pat(&field.pat);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let path = attribute.path();
        if self.inside && (path.is_ident("cfg") || path.is_ident("cfg_attr")) {
            self.report(attribute.span().start().line);
        }
    }

    fn visit_macro(&mut self, invocation: &'ast syn::Macro) {
        let name = invocation.path.segments.last().map(|last| &last.ident);
        if self.inside && name.is_some_and(|name| name == "cfg" || name == "cfg_select") {
            self.report(invocation.span().start().line);
        }
        visit::visit_macro(self, invocation);
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Fixture, *};

    fn findings(text: &str) -> Vec<String> {
        let fixture = Fixture::valid();
        fixture.write("crates/buttress-limit/src/bucket.rs", text);
        fixture.findings(check)
    }

    #[test]
    fn functions_are_the_same_under_every_cfg() {
        for text in [
            "fn f() {\n#[cfg(feature = \"tracing\")] g(); }",
            "fn f() {\nif cfg!(unix) { g() } }",
            "impl S { fn f() {\n#[cfg_attr(unix, inline)] fn g() {} } }",
            "trait T { fn f() {\nlet a = [1, #[cfg(unix)] 2]; } }",
            "fn f() { match a { A::B =>\ncfg!(unix), _ => false } }",
        ] {
            let found = findings(text);
            assert_eq!(found.len(), 1, "{text}");
            assert!(found[0].contains("bucket.rs:2: `cfg` inside a function"));
        }
    }

    #[test]
    fn items_may_depend_on_features_and_tests_on_anything() {
        for text in [
            "#[cfg(unix)] fn f() {} #[cfg(not(unix))] fn f() {}",
            "struct S { #[cfg(unix)] a: u8 }",
            "fn f(a: A) { match a { #[cfg(unix)] A::B => {} A::C => {} } }",
            "fn f() { let S { #[cfg(unix)] a, b } = S { #[cfg(unix)] a: 1, b: 2 }; }",
            "#[cfg(test)] mod tests { fn f() { if cfg!(unix) {} } }",
            "#[cfg(test)] fn f() { if cfg!(unix) {} }",
            "#[cfg(test)] impl S { fn f() { if cfg!(unix) {} } }",
        ] {
            assert_eq!(findings(text), [""; 0], "{text}");
        }
    }
}
