//! What criterion measured, as it left it in its folder.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde_json::Value;

use crate::{Failure, Outcome};

/// What everything in a group is held against: the least that could do the work.
const FLOOR: &str = "floor";

/// The measurements of one criterion group: the floor first, then the fastest.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) measurements: Vec<Measurement>,
}

/// One function of a group.
#[derive(Debug)]
pub(super) struct Measurement {
    pub(super) function: String,
    pub(super) nanoseconds: f64,
    /// How many times the group's floor it took, where the group has one.
    pub(super) ratio: Option<f64>,
}

impl Group {
    fn new(name: String, measured: BTreeMap<String, f64>) -> Self {
        let is_floor = |function: &str| function.starts_with(FLOOR);
        let floor = measured
            .iter()
            .find(|(function, _)| is_floor(function))
            .map(|(_, nanoseconds)| *nanoseconds);
        let mut measurements: Vec<Measurement> = measured
            .into_iter()
            .map(|(function, nanoseconds)| Measurement {
                function,
                nanoseconds,
                ratio: floor.map(|floor| nanoseconds / floor),
            })
            .collect();
        measurements.sort_by(|left, right| {
            is_floor(&right.function)
                .cmp(&is_floor(&left.function))
                .then(left.nanoseconds.total_cmp(&right.nanoseconds))
        });
        Self { name, measurements }
    }

    /// The name of the group's chart.
    pub(super) fn file_name(&self) -> String {
        let letter = |letter: char| {
            if letter.is_ascii_alphanumeric() {
                letter.to_ascii_lowercase()
            } else {
                '-'
            }
        };
        let name: String = self.name.chars().map(letter).collect();
        format!("{name}.svg")
    }

    #[cfg(test)]
    pub(super) fn example() -> Self {
        let measured = [
            ("floor: serde", 100.0),
            ("peer <a>", 250.0),
            ("ours", 120.0),
        ];
        Self::new(
            "problem/build".to_owned(),
            measured
                .map(|(function, time)| (function.to_owned(), time))
                .into(),
        )
    }
}

/// Reads all results that were written since `begun`, by group.
pub(super) fn read(folder: &Path, begun: SystemTime) -> Outcome<Vec<Group>> {
    let mut files = Vec::new();
    collect(folder, &mut files)
        .map_err(|error| Failure::new(format!("{}: {error}", folder.display())))?;
    let mut groups: BTreeMap<String, BTreeMap<String, f64>> = BTreeMap::new();
    for file in files {
        let modified = fs::metadata(&file).and_then(|metadata| metadata.modified());
        if modified.is_ok_and(|modified| modified < begun) {
            continue;
        }
        let (group, function) = name(&json(&file.with_file_name("benchmark.json"))?)
            .ok_or_else(|| Failure::new(format!("{} has no name beside it", file.display())))?;
        let time = nanoseconds(&json(&file)?)
            .ok_or_else(|| Failure::new(format!("{} has no estimate", file.display())))?;
        groups.entry(group).or_default().insert(function, time);
    }
    Ok(groups
        .into_iter()
        .map(|(name, measured)| Group::new(name, measured))
        .collect())
}

/// Finds every `new/estimates.json`.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.ends_with("new/estimates.json") {
            files.push(path);
        }
    }
    Ok(())
}

fn json(path: &Path) -> Outcome<Value> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// Group and function; a function with an input is named with it.
fn name(benchmark: &Value) -> Option<(String, String)> {
    let group = benchmark["group_id"].as_str()?;
    let parts: Vec<&str> = [&benchmark["function_id"], &benchmark["value_str"]]
        .into_iter()
        .filter_map(Value::as_str)
        .collect();
    let function = if parts.is_empty() {
        group.to_owned()
    } else {
        parts.join("/")
    };
    Some((group.to_owned(), function))
}

/// The slope where criterion fitted one, otherwise the mean: the number that criterion itself reports.
fn nanoseconds(estimates: &Value) -> Option<f64> {
    ["slope", "mean"]
        .iter()
        .find_map(|estimate| estimates[estimate]["point_estimate"].as_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(folder: &Path, group: &str, function: &str, estimates: &str) {
        let new = folder
            .join(group.replace('/', "_"))
            .join(function)
            .join("new");
        fs::create_dir_all(&new).unwrap();
        fs::write(new.join("estimates.json"), estimates).unwrap();
        let name =
            format!(r#"{{"group_id":"{group}","function_id":"{function}","value_str":null}}"#);
        fs::write(new.join("benchmark.json"), name).unwrap();
    }

    #[test]
    fn results_are_grouped_and_held_against_the_floor() {
        let folder = tempfile::tempdir().unwrap();
        let mean = |time: f64| format!(r#"{{"mean":{{"point_estimate":{time}}},"slope":null}}"#);
        result(folder.path(), "problem/build", "ours", &mean(130.0));
        result(folder.path(), "problem/build", "a peer", &mean(120.0));
        result(
            folder.path(),
            "problem/build",
            "floor",
            r#"{"mean":{"point_estimate":7},"slope":{"point_estimate":100.0}}"#,
        );
        result(folder.path(), "other", "alone", &mean(5.0));
        // Not a result: criterion keeps the one before beside the new one.
        fs::create_dir_all(folder.path().join("other/alone/base")).unwrap();
        fs::write(folder.path().join("other/alone/base/estimates.json"), "").unwrap();

        let groups = read(folder.path(), SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[0].name, "other");
        assert_eq!(groups[0].measurements[0].ratio, None);
        let shown: Vec<(&str, f64, Option<f64>)> = groups[1]
            .measurements
            .iter()
            .map(|one| (one.function.as_str(), one.nanoseconds, one.ratio))
            .collect();
        assert_eq!(
            shown,
            [
                ("floor", 100.0, Some(1.0)),
                ("a peer", 120.0, Some(1.2)),
                ("ours", 130.0, Some(1.3))
            ]
        );
    }

    #[test]
    fn earlier_results_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        result(
            folder.path(),
            "group",
            "ours",
            r#"{"mean":{"point_estimate":1.0}}"#,
        );
        let file = folder.path().join("group/ours/new/estimates.json");
        let written = fs::metadata(file).unwrap().modified().unwrap();
        assert_eq!(read(folder.path(), written).unwrap().len(), 1);
        let later = written + std::time::Duration::from_secs(1);
        assert_eq!(read(folder.path(), later).unwrap().len(), 0);
    }

    #[test]
    fn an_unreadable_result_is_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        result(folder.path(), "group", "ours", "{}");
        let failure = read(folder.path(), SystemTime::UNIX_EPOCH).unwrap_err();
        assert!(
            failure.to_string().ends_with("has no estimate"),
            "{failure}"
        );
    }
}
