//! What the environment and the command line may set, checked before anything starts.

use std::{ffi::OsString, fmt, io::IsTerminal, net::SocketAddr, path::PathBuf, time::Duration};

/// The settings of one process. Every field has a default that works on a bare machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `BIND_ADDR`: where to listen; port 0 picks a free one.
    pub bind_addr: SocketAddr,
    /// `DATABASE_URL`: where the products are kept.
    pub database: Database,
    /// `DEMO`: fill an empty catalogue with demo products.
    pub demo: bool,
    /// `LOG_FORMAT`: how a log line looks.
    pub log_format: LogFormat,
    /// `DRAIN_TIMEOUT_MS`: how long requests in flight may take once we were told to stop.
    pub drain_timeout: Duration,
    /// `--insecure-admin`: let everybody write.
    pub insecure_admin: bool,
}

/// A database that the shop can be backed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// A SQLite file, created when it is not there.
    Sqlite(PathBuf),
}

/// How log lines are written to stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// For machines: one JSON object a line.
    Json,
}

/// The one switch of the command line, spelled here because error messages name it too.
pub const INSECURE_ADMIN: &str = "--insecure-admin";

const DEFAULT_BIND_ADDR: &str = "127.0.0.1:8080";
const DEFAULT_DATABASE_URL: &str = "sqlite:shop.db";
const DEFAULT_DRAIN_TIMEOUT_MS: &str = "20000";

impl Config {
    /// Reads the process's environment and arguments.
    ///
    /// # Errors
    ///
    /// The first value that is not allowed, see [`ConfigError`].
    pub fn load() -> Result<Self, ConfigError> {
        let terminal = std::io::stderr().is_terminal();
        Self::from_sources(
            std::env::args_os().skip(1),
            |name| std::env::var_os(name),
            terminal,
        )
    }

    /// The same from given sources; `terminal` says whether a person reads the log.
    ///
    /// # Errors
    ///
    /// The first value that is not allowed, see [`ConfigError`].
    pub fn from_sources(
        arguments: impl IntoIterator<Item = OsString>,
        environment: impl Fn(&str) -> Option<OsString>,
        terminal: bool,
    ) -> Result<Self, ConfigError> {
        let get = |name: &'static str, default: &'static str| match environment(name) {
            None => Ok(default.to_owned()),
            Some(value) => value
                .into_string()
                .map_err(|value| ConfigError::new(name, &value.to_string_lossy(), "text in UTF-8")),
        };

        let database_url = get("DATABASE_URL", DEFAULT_DATABASE_URL)?;
        let demo_default = if database_url == DEFAULT_DATABASE_URL {
            "on"
        } else {
            "off"
        };
        Ok(Self {
            bind_addr: bind_addr(&get("BIND_ADDR", DEFAULT_BIND_ADDR)?)?,
            database: database(&database_url)?,
            demo: demo(&get("DEMO", demo_default)?)?,
            log_format: log_format(&get(
                "LOG_FORMAT",
                if terminal { "pretty" } else { "json" },
            )?)?,
            drain_timeout: drain_timeout(&get("DRAIN_TIMEOUT_MS", DEFAULT_DRAIN_TIMEOUT_MS)?)?,
            insecure_admin: insecure_admin(arguments)?,
        })
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "SQLite, {}", path.display()),
        }
    }
}

/// A setting that the process will not start with. Its message is one line and fit for an operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {value:?} is not allowed, it takes {allowed}")]
pub struct ConfigError {
    setting: &'static str,
    value: String,
    allowed: &'static str,
}

impl ConfigError {
    fn new(setting: &'static str, value: &str, allowed: &'static str) -> Self {
        Self {
            setting,
            value: value.to_owned(),
            allowed,
        }
    }
}

fn bind_addr(value: &str) -> Result<SocketAddr, ConfigError> {
    let allowed = "an IP address and a port, like 127.0.0.1:8080, 0.0.0.0:80 or [::1]:0";
    value
        .parse()
        .map_err(|_| ConfigError::new("BIND_ADDR", value, allowed))
}

fn database(value: &str) -> Result<Database, ConfigError> {
    let refuse = |allowed| {
        Err(ConfigError::new(
            "DATABASE_URL",
            &without_password(value),
            allowed,
        ))
    };
    if value.starts_with("postgres:") || value.starts_with("postgresql:") {
        return refuse("sqlite:PATH today; PostgreSQL is not supported yet");
    }
    let Some(path) = value.strip_prefix("sqlite:") else {
        return refuse("sqlite:PATH, like sqlite:shop.db");
    };
    // `sqlite://shop.db` and `sqlite:///var/lib/shop.db` are what other tools write.
    let path = path.strip_prefix("//").unwrap_or(path);
    // Every connection of a pool would have its own `:memory:` database, and parameters would
    // switch off what the store relies on.
    if path.is_empty() || path.starts_with(':') || path.contains(['?', '#', '\0']) {
        return refuse("sqlite:PATH with the path of a file, and without parameters");
    }
    Ok(Database::Sqlite(PathBuf::from(path)))
}

fn demo(value: &str) -> Result<bool, ConfigError> {
    match value {
        "on" | "true" | "1" => Ok(true),
        "off" | "false" | "0" => Ok(false),
        _ => Err(ConfigError::new("DEMO", value, "on or off")),
    }
}

fn log_format(value: &str) -> Result<LogFormat, ConfigError> {
    match value {
        "pretty" => Ok(LogFormat::Pretty),
        "json" => Ok(LogFormat::Json),
        _ => Err(ConfigError::new("LOG_FORMAT", value, "pretty or json")),
    }
}

fn drain_timeout(value: &str) -> Result<Duration, ConfigError> {
    let allowed = "milliseconds from 0 to 3600000";
    match value.parse() {
        Ok(millis) if millis <= 3_600_000 => Ok(Duration::from_millis(millis)),
        _ => Err(ConfigError::new("DRAIN_TIMEOUT_MS", value, allowed)),
    }
}

fn insecure_admin(arguments: impl IntoIterator<Item = OsString>) -> Result<bool, ConfigError> {
    let mut given = false;
    for argument in arguments {
        if argument != INSECURE_ADMIN {
            let argument = argument.to_string_lossy();
            return Err(ConfigError::new(
                "the command line",
                &argument,
                "only --insecure-admin",
            ));
        }
        given = true;
    }
    Ok(given)
}

/// The message goes to logs, where a database's password has no place.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    match authority.rfind('@') {
        Some(at) => format!("{scheme}://***{}", &rest[at..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(environment: &[(&str, &str)], arguments: &[&str]) -> Result<Config, ConfigError> {
        let get = |name: &str| {
            environment
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| OsString::from(value))
        };
        Config::from_sources(arguments.iter().map(OsString::from), get, false)
    }

    #[test]
    fn nothing_set_gives_the_embedded_defaults() {
        let config = config(&[], &[]).expect("defaults are valid");
        assert_eq!(config.bind_addr.to_string(), "127.0.0.1:8080");
        assert_eq!(config.database, Database::Sqlite("shop.db".into()));
        assert!(config.demo);
        assert_eq!(config.log_format, LogFormat::Json);
        assert_eq!(config.drain_timeout, Duration::from_secs(20));
        assert!(!config.insecure_admin);
    }

    #[test]
    fn demo_is_on_with_the_default_database_only() {
        let demo = |environment: &[_]| config(environment, &[]).expect("valid").demo;
        assert!(!demo(&[("DATABASE_URL", "sqlite:other.db")]));
        assert!(demo(&[("DATABASE_URL", "sqlite:other.db"), ("DEMO", "on")]));
        assert!(!demo(&[("DEMO", "off")]));
    }

    #[test]
    fn a_terminal_gets_pretty_lines() {
        let config = Config::from_sources([], |_| None, true).expect("defaults are valid");
        assert_eq!(config.log_format, LogFormat::Pretty);
    }

    #[test]
    fn a_bad_value_is_named_in_one_line_with_what_is_allowed() {
        for (name, value, allowed) in [
            ("BIND_ADDR", "localhost", "an IP address and a port"),
            ("BIND_ADDR", "127.0.0.1:99999", "an IP address and a port"),
            ("BIND_ADDR", "", "an IP address and a port"),
            ("DATABASE_URL", "mysql://localhost/shop", "sqlite:PATH"),
            (
                "DATABASE_URL",
                "postgres://localhost/shop",
                "PostgreSQL is not supported yet",
            ),
            ("DATABASE_URL", "sqlite:", "the path of a file"),
            ("DATABASE_URL", "sqlite::memory:", "the path of a file"),
            (
                "DATABASE_URL",
                "sqlite:shop.db?mode=ro",
                "without parameters",
            ),
            ("DEMO", "yes", "on or off"),
            ("LOG_FORMAT", "xml\nrm", "pretty or json"),
            ("DRAIN_TIMEOUT_MS", "-1", "milliseconds"),
            ("DRAIN_TIMEOUT_MS", "3600001", "milliseconds"),
        ] {
            let line = config(&[(name, value)], &[]).expect_err(name).to_string();
            assert!(line.starts_with(name), "{line}");
            assert!(line.contains(&format!("{value:?}")), "{line}");
            assert!(line.contains(allowed), "{line}");
            assert!(!line.contains('\n'), "{line}");
        }
    }

    #[test]
    fn a_password_does_not_reach_the_message() {
        let url = "postgres://shop:p@ss@db.internal/shop";
        let line = config(&[("DATABASE_URL", url)], &[])
            .expect_err("postgres")
            .to_string();
        assert!(line.contains("postgres://***@db.internal/shop"), "{line}");
        assert!(!line.contains("p@ss") && !line.contains("shop:"), "{line}");
    }

    #[test]
    fn the_command_line_knows_one_switch() {
        assert!(
            config(&[], &["--insecure-admin"])
                .expect("valid")
                .insecure_admin
        );
        let line = config(&[], &["--insecure"])
            .expect_err("unknown")
            .to_string();
        assert!(
            line.contains("\"--insecure\"") && line.contains("--insecure-admin"),
            "{line}"
        );
    }
}
