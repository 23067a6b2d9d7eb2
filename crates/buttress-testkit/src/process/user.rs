use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

/// The user that a server runs as where it refuses to be run by root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl User {
    /// Another user if we are root, and nobody in particular otherwise. `folder` is one that we
    /// made, so its owner is us: the standard library has no safe call that says who we are.
    pub(crate) fn instead_of_root(folder: &Path) -> Result<Option<Self>, String> {
        let metadata =
            fs::metadata(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        if metadata.uid() != 0 {
            return Ok(None);
        }
        let passwd =
            fs::read_to_string("/etc/passwd").map_err(|error| format!("/etc/passwd: {error}"))?;
        // The server looks its user up, so a number without an entry would not do.
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| Self::parse(&passwd, name))
            .map(Some)
            .ok_or_else(|| {
                "PostgreSQL refuses root, and there is neither a user `postgres` nor `nobody`"
                    .to_owned()
            })
    }

    /// Makes the file or folder this user's.
    pub(crate) fn own(self, path: &Path) -> io::Result<()> {
        chown(path, Some(self.uid), Some(self.gid))
    }

    fn parse(passwd: &str, name: &str) -> Option<Self> {
        passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            if fields.next() != Some(name) {
                return None;
            }
            let uid = fields.nth(1)?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            (uid != 0).then_some(Self { uid, gid })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_read_from_passwd() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nnobody2:x:1:1::/:/bin/false\nnobody:x:65534:65533::/:/bin/false\n";
        let nobody = User {
            uid: 65534,
            gid: 65533,
        };
        assert_eq!(User::parse(passwd, "nobody"), Some(nobody));
        assert_eq!(User::parse(passwd, "postgres"), None);
        assert_eq!(
            User::parse(passwd, "root"),
            None,
            "root is never the other user"
        );
    }
}
