//! The page with the results: what stands outside the markers is written by people and stays.

use std::fmt::Write as _;

use super::{machine::Machine, measured::Group};
use crate::{Failure, Outcome};

const BEGIN: &str = "<!-- results: begin (written by `cargo xtask bench`) -->";
const END: &str = "<!-- results: end -->";

/// The page with the results between the markers replaced; a page without markers gets them at its end.
pub(super) fn with_results(page: &str, groups: &[Group], machine: &Machine) -> Outcome<String> {
    let results = results(groups, machine);
    let block = format!("{BEGIN}\n\n{results}\n{END}");
    let (head, tail) = match (page.split_once(BEGIN), page.contains(END)) {
        (Some((head, rest)), _) => {
            let (_, tail) = rest.split_once(END).ok_or_else(|| {
                Failure::new(format!("the page has `{BEGIN}` and no `{END}` after it"))
            })?;
            (head.to_owned(), tail)
        }
        (None, true) => {
            return Err(Failure::new(format!(
                "the page has `{END}` and no `{BEGIN}` before it"
            )));
        }
        (None, false) if page.trim().is_empty() => ("# Benchmarks\n\n".to_owned(), "\n"),
        (None, false) => (format!("{}\n\n", page.trim_end()), "\n"),
    };
    Ok(format!("{head}{block}{tail}"))
}

fn results(groups: &[Group], machine: &Machine) -> String {
    let mut text = format!(
        "Measured on {} on {}, {} cores, with {}. Less is better; a ratio is against the `floor` of its group.\n",
        machine.date, machine.processor, machine.cores, machine.compiler
    );
    for group in groups {
        let _ = write!(
            text,
            "\n## {}\n\n![{}](benchmarks/{})\n\n| | time | ratio |\n|---|---:|---:|\n",
            group.name,
            group.name,
            group.file_name()
        );
        for one in &group.measurements {
            let ratio = one
                .ratio
                .map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2} ×"));
            let _ = writeln!(
                text,
                "| {} | {} | {ratio} |",
                one.function.replace('|', r"\|"),
                duration(one.nanoseconds)
            );
        }
    }
    text
}

/// A time with three significant digits, in the unit that a person would use.
pub(super) fn duration(nanoseconds: f64) -> String {
    let (value, unit) = match nanoseconds {
        below if below < 1e3 => (below, "ns"),
        below if below < 1e6 => (below / 1e3, "µs"),
        below if below < 1e9 => (below / 1e6, "ms"),
        above => (above / 1e9, "s"),
    };
    let digits = match value {
        below if below < 10.0 => 2,
        below if below < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(before: &str) -> Outcome<String> {
        with_results(before, &[Group::example()], &Machine::example())
    }

    #[test]
    fn a_new_page_says_what_was_measured_where_and_when() {
        let page = page("").unwrap();
        assert!(page.starts_with("# Benchmarks\n\n<!-- results: begin"));
        assert!(page.contains("2026-01-02 on Example 3000, 2 cores, with rustc 1.95.0"));
        assert!(page.contains("| floor: serde | 100 ns | 1.00 × |\n| ours | 120 ns | 1.20 × |\n"));
        assert!(page.ends_with("<!-- results: end -->\n"));
    }

    #[test]
    fn what_people_wrote_stays() {
        let first = page("# Speed\n\nHow we measure.\n").unwrap() + "\nHow to read it.\n";
        assert!(first.starts_with("# Speed\n\nHow we measure.\n\n<!--"));
        assert_eq!(page(&first).unwrap(), first);
        let old = first.replace("120 ns", "999 ns");
        assert_eq!(page(&old).unwrap(), first);
    }

    #[test]
    fn half_a_pair_of_markers_is_refused() {
        assert!(page(BEGIN).is_err());
        assert!(page(END).is_err());
    }

    #[test]
    fn times_are_for_people() {
        for (nanoseconds, text) in [
            (1.234, "1.23 ns"),
            (45.67, "45.7 ns"),
            (999.0, "999 ns"),
            (1_500.0, "1.50 µs"),
            (25e6, "25.0 ms"),
            (3e9, "3.00 s"),
        ] {
            assert_eq!(duration(nanoseconds), text);
        }
    }
}
