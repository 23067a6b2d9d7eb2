//! Installing Debian packages without letting them start services.

use std::{fs, path::Path};

use super::placed::PlacedFile;
use crate::{Outcome, command::CommandLine, step::Steps};

/// Asked by maintainer scripts whether a service may be started; 101 means no.
const POLICY: &str = "/usr/sbin/policy-rc.d";
const POLICY_SCRIPT: &str =
    "#!/bin/sh\n# Put here by `cargo xtask setup` for the time of an install.\nexit 101\n";

/// Read by PostgreSQL's maintainer script before it creates a cluster of its own.
const CLUSTERS: &str = "/etc/postgresql-common/createcluster.conf";

/// Installs the packages as root; the machine's own configuration is afterwards as it was before.
pub(super) fn install(packages: &[&str], steps: &mut Steps) -> Outcome {
    println!("  installing {} with apt-get", packages.join(", "));
    steps.run("setup", &apt_get(&["update"]))?;

    let policy = PlacedFile::place(Path::new(POLICY), POLICY_SCRIPT, 0o755)?;
    let installed = install_all(packages, steps);
    let restored = policy.restore();
    installed.and(restored)
}

fn install_all(packages: &[&str], steps: &mut Steps) -> Outcome {
    if !packages.contains(&"postgresql") {
        return install_packages(packages, steps);
    }
    // The file belongs to this package: it is installed first, so that dpkg never meets a file that it did not bring.
    install_packages(&["postgresql-common"], steps)?;
    let own = fs::read_to_string(CLUSTERS).unwrap_or_default();
    let clusters = PlacedFile::place(Path::new(CLUSTERS), &without_main_cluster(&own), 0o644)?;
    let installed = install_packages(packages, steps);
    let restored = clusters.restore();
    installed.and(restored)
}

fn install_packages(packages: &[&str], steps: &mut Steps) -> Outcome {
    let mut arguments = vec!["install", "-y", "--no-install-recommends"];
    arguments.extend(packages);
    steps.run("setup", &apt_get(&arguments))
}

fn apt_get(arguments: &[&str]) -> CommandLine {
    CommandLine::new("apt-get", arguments).with_environment("DEBIAN_FRONTEND", "noninteractive")
}

/// The configuration with one more line; the last one counts.
fn without_main_cluster(own: &str) -> String {
    let gap = if own.is_empty() || own.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    format!("{own}{gap}create_main_cluster = false\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_keeps_its_own_lines() {
        assert_eq!(without_main_cluster(""), "create_main_cluster = false\n");
        assert_eq!(
            without_main_cluster("ssl = on"),
            "ssl = on\ncreate_main_cluster = false\n"
        );
        assert_eq!(
            without_main_cluster("ssl = on\n"),
            "ssl = on\ncreate_main_cluster = false\n"
        );
    }

    #[test]
    fn apt_never_asks() {
        assert_eq!(
            apt_get(&["update"]).to_string(),
            "DEBIAN_FRONTEND=noninteractive apt-get update"
        );
    }
}
