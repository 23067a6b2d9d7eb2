//! No lint is silenced without a reason, no test is skipped, nothing is left to do.

use std::{fs, path::Path};

use proc_macro2::{Spacing, TokenStream, TokenTree};
use syn::{
    Attribute, Expr, Lit, Meta,
    spanned::Spanned as _,
    visit::{self, Visit},
};

use super::{Finding, Tree, modules::parts};

const FENCE: &str = "```";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &tree.sources {
        let mut visitor = Placeholders {
            file: &source.path,
            findings: Vec::new(),
        };
        visitor.visit_file(&source.syntax);
        findings.extend(visitor.findings);
    }
    for package in tree.workspace.published() {
        let path = package.directory.join("README.md");
        let text = fs::read_to_string(tree.workspace.root.join(&path)).unwrap_or_default();
        for (index, line) in text.lines().enumerate() {
            findings.extend(skipped_example(&path, index + 1, line));
        }
    }
    findings
}

struct Placeholders<'a> {
    file: &'a Path,
    findings: Vec<Finding>,
}

impl Placeholders<'_> {
    fn meta(&mut self, meta: &Meta) {
        let line = meta.span().start().line;
        let path = meta.path();
        if path.is_ident("ignore") {
            self.findings.push(Finding::new(
                self.file,
                line,
                "a skipped test",
                "no test is #[ignore]d: it runs, or it is not there",
            ));
        }
        let Meta::List(list) = meta else { return };
        if (path.is_ident("allow") || path.is_ident("expect")) && !has_reason(&list.tokens) {
            self.findings.push(Finding::new(
                self.file,
                line,
                "a lint is silenced without a reason",
                "#[expect(lint, reason = \"…\")], or `allow` with a reason where the lint does not always fire",
            ));
        }
        if path.is_ident("cfg_attr") {
            for part in parts(list).into_iter().flatten().skip(1) {
                self.meta(&part);
            }
        }
    }

    fn placeholder(&mut self, name: &proc_macro2::Ident) {
        if name == "todo" || name == "unimplemented" {
            self.findings.push(Finding::new(
                self.file,
                name.span().start().line,
                format!("`{name}!`"),
                "what is merged is finished",
            ));
        }
    }

    /// Looks for placeholders among the arguments of a macro, which are not parsed.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut previous = None;
        for token in tokens {
            match (previous.take(), &token) {
                (Some(name), TokenTree::Punct(mark))
                    // `todo != x` compares a variable.
                    if mark.as_char() == '!' && mark.spacing() == Spacing::Alone =>
                {
                    self.placeholder(&name);
                }
                (_, TokenTree::Group(group)) => self.tokens(group.stream()),
                (_, TokenTree::Ident(name)) => previous = Some(name.clone()),
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Placeholders<'_> {
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        self.meta(&attribute.meta);
        if let Meta::NameValue(pair) = &attribute.meta
            && pair.path.is_ident("doc")
            && let Expr::Lit(literal) = &pair.value
            && let Lit::Str(text) = &literal.lit
        {
            let first = text.span().start().line;
            for (index, line) in text.value().lines().enumerate() {
                let finding = skipped_example(self.file, first + index, line);
                self.findings.extend(finding);
            }
        }
    }

    fn visit_macro(&mut self, invocation: &'ast syn::Macro) {
        if let Some(last) = invocation.path.segments.last() {
            self.placeholder(&last.ident);
        }
        self.tokens(invocation.tokens.clone());
        visit::visit_macro(self, invocation);
    }
}

fn has_reason(tokens: &TokenStream) -> bool {
    tokens
        .clone()
        .into_iter()
        .any(|token| matches!(token, TokenTree::Ident(name) if name == "reason"))
}

/// An example in the documentation that the compiler never sees.
fn skipped_example(file: &Path, line: usize, text: &str) -> Option<Finding> {
    let language = text.trim_start().strip_prefix(FENCE)?;
    language
        .split([',', ' '])
        .any(|word| word.starts_with("ignore"))
        .then(|| {
            Finding::new(
                file,
                line,
                "an example that is never compiled",
                "examples are compiled (`no_run` where they cannot run, `text` where they are no Rust)",
            )
        })
}

#[cfg(test)]
mod tests {
    use super::{super::Fixture, *};

    const FILE: &str = "crates/buttress-limit/src/bucket.rs";

    fn findings(text: &str) -> Vec<String> {
        let fixture = Fixture::valid();
        fixture.write(FILE, text);
        fixture.findings(check)
    }

    #[test]
    fn lints_are_silenced_with_a_reason() {
        for text in [
            "#[allow(dead_code)] fn f() {}",
            "#[expect(dead_code)] fn f() {}",
            "#![allow(dead_code)]",
            "#[cfg_attr(test, allow(dead_code))] fn f() {}",
            "fn f() { #[allow(unused)] let x = 1; }",
        ] {
            let found = findings(text);
            assert_eq!(found.len(), 1, "{text}");
            assert!(found[0].contains("bucket.rs:1: a lint is silenced without a reason"));
        }
        assert_eq!(
            findings("#[expect(dead_code, reason = \"kept for its Drop\")] fn f() {}"),
            [""; 0]
        );
    }

    #[test]
    fn no_test_is_skipped() {
        for text in [
            "#[test] #[ignore] fn f() {}",
            "#[test] #[ignore = \"slow\"] fn f() {}",
            "#[test] #[cfg_attr(windows, ignore)] fn f() {}",
        ] {
            let found = findings(text);
            assert_eq!(found.len(), 1, "{text}");
            assert!(found[0].contains("a skipped test"));
        }
    }

    #[test]
    fn nothing_is_left_to_do() {
        for text in [
            "fn f() { todo!() }",
            "fn f() { std::unimplemented!(\"x\") }",
            "fn f() { assert!({ todo!() }) }",
        ] {
            assert_eq!(findings(text).len(), 1, "{text}");
        }
        assert_eq!(
            findings("fn f(todo: bool) { assert!(todo != false) ; unreachable!() }"),
            [""; 0]
        );
    }

    #[test]
    fn examples_are_compiled() {
        let found = findings("/// Text.\n///\n/// ```rust,ignore\n/// x\n/// ```\nfn f() {}");
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("bucket.rs:3: an example that is never compiled"));
        assert_eq!(
            findings("/// ```no_run\n/// x\n/// ```\nfn f() {}"),
            [""; 0]
        );

        let fixture = Fixture::valid();
        fixture.write(
            "crates/buttress-limit/README.md",
            "# Limit\n\n```ignore\n```\n",
        );
        assert!(fixture.findings(check)[0].contains("README.md:3: an example"));
    }
}
