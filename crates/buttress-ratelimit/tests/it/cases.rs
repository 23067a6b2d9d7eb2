//! What `cases.md` says is held by a test is held by one.

use std::{
    fs,
    path::{Path, PathBuf},
};

const CASES: &str = include_str!("cases.md");

#[test]
fn every_case_has_a_test_that_exists() {
    let mut named = 0;
    for line in CASES.lines().filter(|line| line.starts_with("| ")) {
        let Some((_, tests)) = line.trim_end_matches(" |").rsplit_once(" | ") else {
            continue;
        };
        if tests == "held by" {
            continue;
        }
        for test in tests.split(", ") {
            assert!(is_a_test(test), "{test} of: {line}");
            named += 1;
        }
    }
    assert!(named > 100, "{named}");
}

/// Whether the module has a test, or a case of the suite, of this name.
fn is_a_test(path: &str) -> bool {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (modules, function) = path.rsplit_once("::").expect("a module");
    let modules = modules.replace("::", "/");
    let module = match modules.split_once('/') {
        Some(("src", rest)) => folder.join("src").join(rest),
        Some(("suite", rest)) => folder.join("src/testing").join(rest),
        _ => folder.join("tests/it").join(&modules),
    };
    let is_suite = modules.starts_with("suite");
    sources(&module).iter().any(|source| {
        let name = format!("fn {function}(");
        let lines: Vec<_> = source.lines().collect();
        lines.iter().enumerate().any(|(at, line)| {
            let before = &lines[at.saturating_sub(3)..at];
            let is_marked = before
                .iter()
                .any(|line| line.contains("#[test]") || line.contains("#[tokio::test"));
            line.contains(&name) && (is_suite || is_marked)
        })
    })
}

fn sources(module: &Path) -> Vec<String> {
    let file = |name: PathBuf| fs::read_to_string(name).ok();
    [module.with_extension("rs"), module.join("mod.rs")]
        .into_iter()
        .filter_map(file)
        .collect()
}
