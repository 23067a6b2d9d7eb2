//! Each setting from its text.

use std::{fs, net::SocketAddr, path::PathBuf, time::Duration};

use buttress_jwt::SigningKey;

use super::{Admin, ConfigError, Database, LogFormat};
use crate::{
    auth::{self, RootKeys},
    domain::{Email, Password},
};

pub(super) fn bind_addr(value: &str) -> Result<SocketAddr, ConfigError> {
    let allowed = "an IP address and a port, like 127.0.0.1:8080, 0.0.0.0:80 or [::1]:0";
    value
        .parse()
        .map_err(|_| ConfigError::new("BIND_ADDR", value, allowed))
}

pub(super) fn database(value: &str) -> Result<Database, ConfigError> {
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

pub(super) fn demo(value: &str) -> Result<bool, ConfigError> {
    match value {
        "on" | "true" | "1" => Ok(true),
        "off" | "false" | "0" => Ok(false),
        _ => Err(ConfigError::new("DEMO", value, "on or off")),
    }
}

pub(super) fn log_format(value: &str) -> Result<LogFormat, ConfigError> {
    match value {
        "pretty" => Ok(LogFormat::Pretty),
        "json" => Ok(LogFormat::Json),
        _ => Err(ConfigError::new("LOG_FORMAT", value, "pretty or json")),
    }
}

pub(super) fn drain_timeout(value: &str) -> Result<Duration, ConfigError> {
    let allowed = "milliseconds from 0 to 3600000";
    match value.parse() {
        Ok(millis) if millis <= 3_600_000 => Ok(Duration::from_millis(millis)),
        _ => Err(ConfigError::new("DRAIN_TIMEOUT_MS", value, allowed)),
    }
}

pub(super) fn signing_key(path: &str) -> Result<SigningKey, ConfigError> {
    let allowed = "the path of a file with an Ed25519 private key in PEM (PKCS#8), like \
        `openssl genpkey -algorithm ed25519` prints";
    let key = fs::read(path).ok().and_then(|pem| auth::signing_key(&pem));
    key.ok_or_else(|| ConfigError::new("JWT_SIGNING_KEY_FILE", path, allowed))
}

pub(super) fn root_keys(list: &str) -> Result<RootKeys, ConfigError> {
    RootKeys::parse(list).map_err(|allowed| ConfigError::secret("SECRET_KEYS", allowed))
}

/// Both or neither.
pub(super) fn admin(
    email: Option<String>,
    password: Option<String>,
) -> Result<Option<Admin>, ConfigError> {
    const EMAIL: (&str, &str) = (
        "ADMIN_EMAIL",
        "an e-mail address, like admin@shop.example, together with ADMIN_PASSWORD",
    );
    const PASSWORD: (&str, &str) = (
        "ADMIN_PASSWORD",
        "a password of 8 to 128 characters, together with ADMIN_EMAIL",
    );
    let (email, password) = match (email, password) {
        (None, None) => return Ok(None),
        (None, Some(_)) => return Err(ConfigError::missing(EMAIL.0, EMAIL.1)),
        (Some(_), None) => return Err(ConfigError::missing(PASSWORD.0, PASSWORD.1)),
        (Some(email), Some(password)) => (email, password),
    };
    let refused = ConfigError::new(EMAIL.0, &email, EMAIL.1);
    Ok(Some(Admin {
        email: Email::new(email).map_err(|_| refused)?,
        password: Password::new(password)
            .map_err(|_| ConfigError::secret(PASSWORD.0, PASSWORD.1))?,
    }))
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
