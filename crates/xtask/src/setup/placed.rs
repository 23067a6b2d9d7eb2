//! A file that stands in a place for a while, and what stood there before.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use crate::{Failure, Outcome};

/// Puts a file in place and gives the place back: when asked, and otherwise on drop.
///
/// What stood there is moved aside, mode and owner and all. A run that is killed before it can give the place back
/// leaves it moved aside; the next run finds it and takes it, not the leftover, for the original.
#[derive(Debug)]
pub(super) struct PlacedFile {
    path: PathBuf,
    aside: PathBuf,
    restored: bool,
}

impl PlacedFile {
    pub(super) fn place(path: &Path, content: &str, mode: u32) -> Outcome<Self> {
        let placed = Self {
            path: path.to_owned(),
            aside: aside(path),
            restored: false,
        };
        placed.put(content, mode).map_err(|error| {
            Failure::new(format!("{} cannot be written: {error}", path.display()))
        })?;
        Ok(placed)
    }

    pub(super) fn restore(mut self) -> Outcome {
        self.put_back().map_err(|error| {
            Failure::new(format!(
                "{} cannot be put back as it was: {error}",
                self.path.display()
            ))
        })
    }

    fn put(&self, content: &str, mode: u32) -> io::Result<()> {
        if self.path.exists() && !self.aside.exists() {
            fs::rename(&self.path, &self.aside)?;
        }
        fs::write(&self.path, content)?;
        set_mode(&self.path, mode)
    }

    fn put_back(&mut self) -> io::Result<()> {
        self.restored = true;
        if self.aside.exists() {
            fs::rename(&self.aside, &self.path)
        } else {
            fs::remove_file(&self.path)
        }
    }
}

impl Drop for PlacedFile {
    fn drop(&mut self) {
        if !self.restored
            && let Err(error) = self.put_back()
        {
            eprintln!(
                "warning: {} cannot be put back as it was: {error}",
                self.path.display()
            );
        }
    }
}

fn aside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".before-xtask");
    PathBuf::from(name)
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_is_removed_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy-rc.d");
        let placed = PlacedFile::place(&path, "exit 101\n", 0o755).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "exit 101\n");
        placed.restore().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_stood_there_comes_back_on_drop_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy-rc.d");
        fs::write(&path, "exit 0\n").unwrap();
        drop(PlacedFile::place(&path, "exit 101\n", 0o755).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "exit 0\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_killed_run_does_not_lose_the_original() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy-rc.d");
        fs::write(&path, "exit 0\n").unwrap();
        // A run that was killed after `place` leaves exactly these two files.
        fs::rename(&path, aside(&path)).unwrap();
        fs::write(&path, "exit 101\n").unwrap();

        let placed = PlacedFile::place(&path, "exit 101\n", 0o755).unwrap();
        placed.restore().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "exit 0\n");
    }

    #[cfg(unix)]
    #[test]
    fn the_mode_is_the_wanted_one_and_the_old_one_returns() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy-rc.d");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        let placed = PlacedFile::place(&path, "", 0o755).unwrap();
        assert_eq!(mode(), 0o755);
        placed.restore().unwrap();
        assert_eq!(mode(), 0o640);
    }
}
