//! Scopes and roles as the databases keep them: a JSON array of strings.

use crate::{Error, ErrorKind};

pub(super) fn write(grants: &[String]) -> String {
    serde_json::Value::from(grants).to_string()
}

pub(super) fn read(text: &str) -> Result<Vec<String>, Error> {
    serde_json::from_str(text).map_err(|error| nonsense().with_source(error))
}

pub(super) fn nonsense() -> Error {
    Error::new(
        ErrorKind::Store,
        "an API key in the store has something else than what is written there",
    )
}
