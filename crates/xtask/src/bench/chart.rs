//! A bar chart per group, readable on light and dark pages.

use std::fmt::Write as _;

use super::{measured::Group, page::duration};

const WIDTH: f64 = 760.0;
/// Labels end and bars begin here.
const AXIS: f64 = 260.0;
/// Room for the time behind the longest bar.
const MARGIN: f64 = 150.0;
const ROW: f64 = 28.0;
const TITLE: f64 = 36.0;

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#1f2328}\
.title{font-weight:600}\
.bar{fill:#0969da}.floor{fill:#8c959f}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.bar{fill:#4493f8}.floor{fill:#6e7681}}";

/// Draws the group, one bar per function; the floor in grey.
pub(super) fn draw(group: &Group) -> String {
    let longest = group
        .measurements
        .iter()
        .map(|one| one.nanoseconds)
        .fold(f64::MIN_POSITIVE, f64::max);
    let mut rows = String::new();
    let mut top = TITLE;
    for (index, one) in group.measurements.iter().enumerate() {
        let length = (WIDTH - AXIS - MARGIN) * one.nanoseconds / longest;
        let is_floor = index == 0 && one.ratio.is_some();
        let class = if is_floor { "floor" } else { "bar" };
        let ratio = one
            .ratio
            .filter(|_| !is_floor)
            .map_or_else(String::new, |ratio| format!(" ({ratio:.2} ×)"));
        let middle = top + ROW / 2.0 + 4.0;
        let _ = writeln!(
            rows,
            "<text x=\"{:.0}\" y=\"{middle:.0}\" text-anchor=\"end\">{}</text>\
             <rect class=\"{class}\" x=\"{AXIS:.0}\" y=\"{:.0}\" width=\"{:.1}\" height=\"{:.0}\" rx=\"2\"/>\
             <text x=\"{:.1}\" y=\"{middle:.0}\">{}{ratio}</text>",
            AXIS - 10.0,
            escaped(&one.function),
            top + 4.0,
            length.max(1.0),
            ROW - 8.0,
            AXIS + length + 8.0,
            duration(one.nanoseconds),
        );
        top += ROW;
    }
    let title = escaped(&group.name);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH:.0} {:.0}\" role=\"img\">\n\
         <title>{title}: less is better</title>\n<style>{STYLE}</style>\n\
         <text class=\"title\" x=\"10\" y=\"22\">{title}</text>\n{rows}</svg>\n",
        top + 8.0
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_a_bar_and_the_longest_fills_the_width() {
        let chart = draw(&Group::example());
        assert_eq!(chart.matches("<rect ").count(), 3);
        assert_eq!(chart.matches("class=\"floor\"").count(), 1);
        assert!(chart.contains("width=\"350.0\""), "{chart}");
        assert!(chart.contains("width=\"140.0\""), "{chart}");
        assert!(chart.contains("120 ns (1.20 ×)"), "{chart}");
    }

    #[test]
    fn names_cannot_break_the_markup() {
        let chart = draw(&Group::example());
        assert!(chart.contains("peer &lt;a&gt;"), "{chart}");
        assert!(!chart.contains("peer <a>"), "{chart}");
    }
}
