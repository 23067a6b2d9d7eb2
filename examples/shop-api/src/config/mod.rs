//! What the environment and the command line may set, checked before anything starts.

mod error;
mod limits;
mod values;

use std::{ffi::OsString, fmt, io::IsTerminal, net::SocketAddr, path::PathBuf, time::Duration};

use buttress_jwt::SigningKey;

pub use self::{error::ConfigError, limits::LimitSettings};
use crate::{
    auth::RootKeys,
    domain::{Email, Password},
};

/// The settings of one process. Every field has a default that works on a bare machine. `Debug` shows
/// no secret.
#[derive(Debug, Clone)]
pub struct Config {
    /// `BIND_ADDR`: where to listen; port 0 picks a free one.
    pub bind_addr: SocketAddr,
    /// `DATABASE_URL`: where everything is kept.
    pub database: Database,
    /// `DEMO`: fill an empty catalogue with demo products, and have a user to try it with.
    pub demo: bool,
    /// `LOG_FORMAT`: how a log line looks.
    pub log_format: LogFormat,
    /// `DRAIN_TIMEOUT_MS`: how long requests in flight may take once we were told to stop.
    pub drain_timeout: Duration,
    /// `JWT_SIGNING_KEY_FILE`: signs access tokens; `None` for a key of this process alone.
    pub signing_key: Option<SigningKey>,
    /// `SECRET_KEYS`: make refresh tokens authentic; `None` for a key that the database keeps.
    pub root_keys: Option<RootKeys>,
    /// `ADMIN_EMAIL` and `ADMIN_PASSWORD`: an administrator who is there after the start.
    pub admin: Option<Admin>,
    /// How much may be asked for.
    pub limits: LimitSettings,
}

/// An administrator who is there after the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// The address to sign in with.
    pub email: Email,
    /// The password.
    pub password: Password,
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

const DEFAULT_BIND_ADDR: &str = "127.0.0.1:8080";
const DEFAULT_DATABASE_URL: &str = "sqlite:shop.db";
const DEFAULT_DRAIN_TIMEOUT_MS: &str = "20000";
const DEFAULT_RATE_LIMIT: &str = "100/1s,5000/1h";
const DEFAULT_LOGIN_RATE_LIMIT: &str = "10/60s";
const DEFAULT_TRUSTED_PROXIES: &str = "";
const DEFAULT_CLIENT_IP_HEADER: &str = "x-forwarded-for";

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
        if let Some(argument) = arguments.into_iter().next() {
            let allowed = "no arguments: settings are environment variables";
            let argument = argument.to_string_lossy();
            return Err(ConfigError::new("the command line", &argument, allowed));
        }
        let text = |name: &'static str| match environment(name).map(OsString::into_string) {
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(value)),
            Some(Err(value)) => {
                let value = value.to_string_lossy();
                Err(ConfigError::new(name, &value, "text in UTF-8"))
            }
        };
        let secret = |name: &'static str| match environment(name).map(OsString::into_string) {
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(value)),
            Some(Err(_)) => Err(ConfigError::secret(name, "text in UTF-8")),
        };
        let get = |name, default: &str| Ok(text(name)?.unwrap_or_else(|| default.to_owned()));

        let database_url = get("DATABASE_URL", DEFAULT_DATABASE_URL)?;
        let demo_default = if database_url == DEFAULT_DATABASE_URL {
            "on"
        } else {
            "off"
        };
        let quotas = |name, default: &str| limits::quotas(name, &get(name, default)?);
        Ok(Self {
            bind_addr: values::bind_addr(&get("BIND_ADDR", DEFAULT_BIND_ADDR)?)?,
            database: values::database(&database_url)?,
            demo: values::demo(&get("DEMO", demo_default)?)?,
            log_format: values::log_format(&get(
                "LOG_FORMAT",
                if terminal { "pretty" } else { "json" },
            )?)?,
            drain_timeout: values::drain_timeout(&get(
                "DRAIN_TIMEOUT_MS",
                DEFAULT_DRAIN_TIMEOUT_MS,
            )?)?,
            signing_key: text("JWT_SIGNING_KEY_FILE")?
                .map(|path| values::signing_key(&path))
                .transpose()?,
            root_keys: secret("SECRET_KEYS")?
                .map(|list| values::root_keys(&list))
                .transpose()?,
            admin: values::admin(text("ADMIN_EMAIL")?, secret("ADMIN_PASSWORD")?)?,
            limits: LimitSettings {
                callers: quotas("RATE_LIMIT", DEFAULT_RATE_LIMIT)?,
                logins: quotas("LOGIN_RATE_LIMIT", DEFAULT_LOGIN_RATE_LIMIT)?,
                client_ip: limits::client_ip(
                    &get("TRUSTED_PROXIES", DEFAULT_TRUSTED_PROXIES)?,
                    &get("CLIENT_IP_HEADER", DEFAULT_CLIENT_IP_HEADER)?,
                )?,
            },
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

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use buttress_ratelimit::{PeerAddr, Quota};

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
        assert!(config.signing_key.is_none() && config.root_keys.is_none());
        assert_eq!(config.admin, None);
        let quotas = [Quota::per_second(100), Quota::per_hour(5_000)];
        assert_eq!(config.limits.callers, quotas);
        assert_eq!(config.limits.logins, [Quota::per_minute(10)]);
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
            ("RATE_LIMIT", "", "COUNT/WINDOW"),
            ("RATE_LIMIT", "100", "COUNT/WINDOW"),
            ("RATE_LIMIT", "100/s", "COUNT/WINDOW"),
            ("RATE_LIMIT", "100/1", "COUNT/WINDOW"),
            ("RATE_LIMIT", "100/1w", "s, m, h or d"),
            ("RATE_LIMIT", "100/1ü", "s, m, h or d"),
            ("RATE_LIMIT", "0/1s", "like 100/1s,5000/1h"),
            ("RATE_LIMIT", "100/0s", "like 100/1s,5000/1h"),
            ("RATE_LIMIT", "+1/1s", "COUNT/WINDOW"),
            ("RATE_LIMIT", "-1/1s", "COUNT/WINDOW"),
            ("RATE_LIMIT", "4294967296/1s", "COUNT/WINDOW"),
            ("RATE_LIMIT", "1/4294967295d", "COUNT/WINDOW"),
            ("RATE_LIMIT", "100/1s,", "separated by commas"),
            ("RATE_LIMIT", "off,100/1s", "off, or"),
            ("RATE_LIMIT", "100/60s,100/1m", "different quotas"),
            (
                "RATE_LIMIT",
                "1/1s,1/2s,1/3s,1/4s,1/5s,1/6s,1/7s,1/8s,1/9s",
                "up to 8",
            ),
            ("LOGIN_RATE_LIMIT", "10 per minute", "COUNT/WINDOW"),
            ("TRUSTED_PROXIES", "proxy.internal", "10.0.0.0/8"),
            ("TRUSTED_PROXIES", "10.1.0.0/8", "first address"),
            ("TRUSTED_PROXIES", "0.0.0.0/0", "not all addresses"),
            (
                "CLIENT_IP_HEADER",
                "x-real-ip",
                "x-forwarded-for or forwarded",
            ),
            ("CLIENT_IP_HEADER", "", "x-forwarded-for or forwarded"),
        ] {
            let line = config(&[(name, value)], &[]).expect_err(name).to_string();
            assert!(line.starts_with(name), "{line}");
            assert!(line.contains(&format!("{value:?}")), "{line}");
            assert!(line.contains(allowed), "{line}");
            assert!(!line.contains('\n'), "{line}");
        }
    }

    #[test]
    fn limits_are_counts_in_windows() {
        let limits = |environment: &[_]| config(environment, &[]).expect("valid").limits;
        let set = limits(&[
            ("RATE_LIMIT", "5/1s, 6/2m,7/3h,8/4d"),
            ("LOGIN_RATE_LIMIT", "off"),
        ]);
        let hour = Duration::from_secs(3_600);
        let quotas = [
            Quota::per_second(5),
            Quota::per(6, Duration::from_secs(120)),
            Quota::per(7, 3 * hour),
            Quota::per(8, 96 * hour),
        ];
        assert_eq!(set.callers, quotas);
        assert!(set.logins.is_empty());
        assert!(limits(&[("RATE_LIMIT", "off")]).callers.is_empty());
    }

    #[test]
    fn one_header_of_trusted_proxies_is_believed() {
        let of = |proxies: &str, header: &str| {
            let environment = [("TRUSTED_PROXIES", proxies), ("CLIENT_IP_HEADER", header)];
            let request = Request::builder()
                .extension(PeerAddr(SocketAddr::from(([10, 0, 0, 1], 1))))
                .header("x-forwarded-for", "192.0.2.1")
                .header("forwarded", "for=192.0.2.2")
                .header("x-real-ip", "192.0.2.3");
            let (parts, ()) = request.body(()).expect("a request").into_parts();
            let limits = config(&environment, &[]).expect("valid").limits;
            limits.client_ip.of(&parts).expect("has one").to_string()
        };
        assert_eq!(of("", "x-forwarded-for"), "10.0.0.1");
        assert_eq!(of("10.0.0.0/24, ::1", "X-Forwarded-For"), "192.0.2.1");
        assert_eq!(of("10.0.0.1", "forwarded"), "192.0.2.2");
        assert_eq!(of("10.0.0.2", "forwarded"), "10.0.0.1");
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
    fn the_command_line_is_empty() {
        let line = config(&[], &["--help"]).expect_err("unknown").to_string();
        assert!(
            line.contains("\"--help\"") && line.contains("no arguments"),
            "{line}"
        );
    }

    #[test]
    fn an_administrator_has_an_address_and_a_password_or_there_is_none() {
        let (email, password) = ("ADMIN_EMAIL", "ADMIN_PASSWORD");
        let both = [(email, "admin@shop.example"), (password, "correct horse")];
        let admin = config(&both, &[]).expect("valid").admin.expect("is there");
        assert_eq!(admin.email.as_str(), "admin@shop.example");
        for (environment, named) in [
            (&both[..1], password),
            (&both[1..], email),
            (&[(email, "admin"), both[1]], email),
            (&[both[0], (password, "s3cr3t!")], password),
            (&[(email, ""), (password, "")], email),
        ] {
            let error = config(environment, &[]).expect_err(named);
            let (line, debug) = (error.to_string(), format!("{error:?}"));
            assert!(line.starts_with(&format!("{named}: ")), "{line}");
            assert!(line.contains("together with"), "{line}");
            assert!(
                !line.contains("s3cr3t!") && !debug.contains("s3cr3t!"),
                "{line}"
            );
        }
    }

    #[test]
    fn keys_are_checked_and_never_shown() {
        let line = config(&[("SECRET_KEYS", "c2VjcmV0")], &[])
            .expect_err("too short")
            .to_string();
        assert!(
            line.starts_with("SECRET_KEYS: ") && line.contains("32 to 1024"),
            "{line}"
        );
        assert!(!line.contains("c2VjcmV0"), "{line}");

        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("key.pem");
        let path = file.to_str().expect("is text");
        let with_file = || config(&[("JWT_SIGNING_KEY_FILE", path)], &[]);
        let missing = with_file().expect_err("is not there").to_string();
        std::fs::write(&file, "-----BEGIN PRIVATE KEY-----").expect("writes");
        let broken = with_file().expect_err("is no key").to_string();
        for line in [missing, broken] {
            assert!(line.contains(path) && line.contains("Ed25519"), "{line}");
            assert!(!line.contains("BEGIN") && !line.contains('\n'), "{line}");
        }
        let key = SigningKey::generate(buttress_jwt::Algorithm::EdDSA).expect("a key");
        std::fs::write(&file, key.to_pem().expect("is written")).expect("writes");
        let read = with_file().expect("valid").signing_key.expect("is there");
        assert_eq!(read.key_id(), key.key_id());
    }
}
