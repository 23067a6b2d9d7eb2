//! `cargo xtask bench`: measures against the peers and writes down what came out, on which machine and when.

mod chart;
mod machine;
mod measured;
mod page;

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use self::{machine::Machine, measured::Group};
use crate::{
    Failure, Outcome,
    command::CommandLine,
    step::Steps,
    workspace::{BENCHES, Workspace},
};

const PAGE: &str = "docs/benchmarks.md";
const CHARTS: &str = "docs/benchmarks";

pub(crate) fn run(workspace: &Workspace, steps: &mut Steps) -> Outcome {
    if workspace.package(BENCHES).is_none() {
        return Err(Failure::new(format!("the workspace has no `{BENCHES}`")));
    }
    let folder = criterion_folder(workspace)?;
    let begun = stamp(&folder)?;
    let line = CommandLine::cargo(["bench", "-p", BENCHES, "--features", "peers"]);
    steps.run("bench", &line)?;
    steps.check("report", "cargo xtask bench", || {
        let groups = measured::read(&folder, begun)?;
        if groups.is_empty() {
            return Err(Failure::new(format!(
                "criterion left no new results in {}",
                folder.display()
            )));
        }
        write(
            &workspace.root,
            &groups,
            &Machine::describe(&workspace.root)?,
        )
    })
}

/// Where criterion writes: the same rule as criterion's own.
fn criterion_folder(workspace: &Workspace) -> Outcome<PathBuf> {
    match env::var_os("CRITERION_HOME") {
        Some(folder) => Ok(workspace.root.join(folder)),
        None => Ok(workspace.target_folder()?.join("criterion")),
    }
}

/// The time by the clock of the file system: results of earlier runs, of benches long gone perhaps, are older.
fn stamp(folder: &Path) -> Outcome<SystemTime> {
    let path = folder.join(".xtask-begun");
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, ""))
        .and_then(|()| fs::metadata(&path)?.modified())
        .map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

fn write(root: &Path, groups: &[Group], machine: &Machine) -> Outcome {
    let store = |path: &Path, text: &str| {
        println!("  {}", path.display());
        fs::write(root.join(path), text)
            .map_err(|error| Failure::new(format!("{}: {error}", path.display())))
    };
    let charts = root.join(CHARTS);
    fs::create_dir_all(&charts)
        .map_err(|error| Failure::new(format!("{}: {error}", charts.display())))?;
    let mut current = BTreeSet::new();
    for group in groups {
        let name = group.file_name();
        store(&Path::new(CHARTS).join(&name), &chart::draw(group))?;
        current.insert(name);
    }
    remove_others(&charts, &current)?;

    let before = fs::read_to_string(root.join(PAGE)).unwrap_or_default();
    store(
        Path::new(PAGE),
        &page::with_results(&before, groups, machine)?,
    )
}

/// Charts of groups that are no longer measured would be shown by nobody and believed by someone.
fn remove_others(charts: &Path, current: &BTreeSet<String>) -> Outcome {
    for entry in fs::read_dir(charts).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".svg") && !current.contains(&name) {
            fs::remove_file(entry.path())
                .map_err(|error| Failure::new(format!("{name}: {error}")))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_and_one_chart_per_group_are_written() {
        let root = tempfile::tempdir().unwrap();
        let charts = root.path().join(CHARTS);
        fs::create_dir_all(&charts).unwrap();
        fs::write(charts.join("gone.svg"), "").unwrap();

        write(root.path(), &[Group::example()], &Machine::example()).unwrap();

        let names: Vec<_> = fs::read_dir(&charts)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["problem-build.svg"]);
        let page = fs::read_to_string(root.path().join(PAGE)).unwrap();
        assert!(page.contains("benchmarks/problem-build.svg"), "{page}");
    }

    #[test]
    fn results_of_earlier_runs_are_older_than_the_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let begun = stamp(&folder.path().join("criterion")).unwrap();
        assert!(folder.path().join("criterion/.xtask-begun").is_file());
        assert!(begun > SystemTime::UNIX_EPOCH);
    }
}
