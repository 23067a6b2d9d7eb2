//! The examples as what they are made for: folders that are copied out and stand on their own.

use std::{fs, io, path::Path};

use crate::{
    Failure, Outcome,
    command::CommandLine,
    step::Steps,
    workspace::{Package, Workspace},
};

/// Copies each example out of the workspace and checks the copy.
///
/// The copy takes its crates from this checkout, as they may not be published yet, and the versions of the workspace's
/// lock file. It shares the target folder and the profile, so that little is built twice.
pub(crate) fn check(workspace: &Workspace, steps: &mut Steps) -> Outcome {
    let target = workspace.target_folder()?;
    for example in workspace.packages.iter().filter(|it| it.is_example()) {
        let copy = target.join("templates").join(&example.name);
        copy_out(workspace, example, &copy)?;
        let line = check_line(&copy, &target);
        steps.run("templates", &line)?;
    }
    Ok(())
}

fn check_line(copy: &Path, target: &Path) -> CommandLine {
    let manifest = copy.join("Cargo.toml");
    CommandLine::cargo([
        "check",
        "--all-targets",
        "--manifest-path",
        &*manifest.to_string_lossy(),
        "--target-dir",
        &*target.to_string_lossy(),
        "--config",
        "profile.dev.debug=\"line-tables-only\"",
        "--config",
        "profile.dev.package.aws-lc-sys.opt-level=3",
        "--config",
        "profile.dev.package.libsqlite3-sys.opt-level=3",
    ])
}

fn copy_out(workspace: &Workspace, example: &Package, copy: &Path) -> Outcome {
    let failed = |error: io::Error| Failure::new(format!("{}: {error}", copy.display()));
    if copy.exists() {
        fs::remove_dir_all(copy).map_err(failed)?;
    }
    copy_folder(&workspace.root.join(&example.directory), copy).map_err(failed)?;
    let manifest = copy.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).map_err(failed)?;
    fs::write(manifest, text + &patches(workspace, example)).map_err(failed)?;
    fs::copy(workspace.root.join("Cargo.lock"), copy.join("Cargo.lock")).map_err(failed)?;
    Ok(())
}

/// Makes the copy a workspace of its own whose Buttress crates are those of this checkout.
fn patches(workspace: &Workspace, example: &Package) -> String {
    let mut text = "\n[workspace]\n\n[patch.crates-io]\n".to_owned();
    for package in workspace.published() {
        let used = example
            .manifest
            .dependencies()
            .iter()
            .any(|dependency| dependency.name == package.name);
        if used {
            let path = workspace.root.join(&package.directory);
            // A path in quotes reads the same in Rust and in TOML, save for control characters.
            let path = path.to_string_lossy();
            text.push_str(&format!("{} = {{ path = {path:?} }}\n", package.name));
        }
    }
    text
}

/// What running the example leaves in its folder (databases, a target folder) is not part of the template.
fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_left_over = name == "target" || name.to_string_lossy().contains(".db");
        if is_left_over {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to.join(name))?;
        } else {
            fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::Fixture;

    #[test]
    fn a_copy_stands_alone_and_takes_its_crates_from_here() {
        let fixture = Fixture::valid();
        fixture.write("Cargo.lock", "version = 4\n");
        let workspace = fixture.workspace();
        let example = workspace.packages.iter().find(|it| it.is_example());
        let example = example.unwrap();
        let leftover = example.directory.join("shop.db-wal");
        fixture.write(&leftover.to_string_lossy(), "");

        let copy = fixture.root().join("target/templates/copy");
        copy_out(&workspace, example, &copy).unwrap();
        // Once more, over the first one.
        copy_out(&workspace, example, &copy).unwrap();

        let manifest = fs::read_to_string(copy.join("Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        assert!(manifest["workspace"].is_table());
        for (name, patch) in manifest["patch"]["crates-io"].as_table().unwrap() {
            let path = Path::new(patch["path"].as_str().unwrap());
            assert!(path.join("Cargo.toml").is_file(), "{name}");
        }
        assert!(copy.join("Cargo.lock").is_file());
        assert!(!copy.join("shop.db-wal").exists());
    }
}
