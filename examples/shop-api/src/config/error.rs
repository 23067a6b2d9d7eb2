use std::fmt;

/// A setting that the process will not start with. Its message is one line and fit for an operator:
/// it names the setting, its value unless that is secret, and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    setting: &'static str,
    value: Value,
    allowed: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Shown(String),
    Secret,
    Missing,
}

impl ConfigError {
    /// For a value that may be shown.
    pub(super) fn new(setting: &'static str, value: &str, allowed: &'static str) -> Self {
        let value = Value::Shown(value.to_owned());
        Self {
            setting,
            value,
            allowed,
        }
    }

    /// For a value that nobody is to read.
    pub(super) fn secret(setting: &'static str, allowed: &'static str) -> Self {
        let value = Value::Secret;
        Self {
            setting,
            value,
            allowed,
        }
    }

    /// For one that is not there although another one, which needs it, is.
    pub(super) fn missing(setting: &'static str, allowed: &'static str) -> Self {
        let value = Value::Missing;
        Self {
            setting,
            value,
            allowed,
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            setting, allowed, ..
        } = self;
        match &self.value {
            Value::Shown(value) => {
                write!(f, "{setting}: {value:?} is not allowed, it takes {allowed}")
            }
            Value::Secret => write!(
                f,
                "{setting}: the value (which is not shown) is not allowed, it takes {allowed}"
            ),
            Value::Missing => write!(f, "{setting}: is not set, and takes {allowed}"),
        }
    }
}

impl std::error::Error for ConfigError {}
