//! Extension members: named values that are kept as the JSON text that they will be sent as.

use std::borrow::Cow;

use serde::Serialize;

use crate::{Error, ErrorKind};

/// Kept in the order in which they were first set; there are few, so a list beats a map.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extensions(Vec<Extension>);

#[derive(Clone, Debug)]
pub(crate) struct Extension {
    pub(crate) name: Cow<'static, str>,
    /// Valid JSON: serialised by us, or cut out of a document that parsed.
    pub(crate) json: String,
}

impl Extensions {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|extension| extension.name == name)?;
        Some(&found.json)
    }

    pub(crate) fn set(&mut self, name: Cow<'static, str>, json: String) {
        match self.0.iter_mut().find(|extension| extension.name == name) {
            Some(found) => found.json = json,
            None => self.0.push(Extension { name, json }),
        }
    }

    /// Adds one whose name is known to be new.
    pub(crate) fn push_new(&mut self, name: Cow<'static, str>, json: String) {
        self.0.push(Extension { name, json });
    }

    pub(crate) fn remove(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|extension| extension.name != name);
        self.0.len() != before
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Extension> {
        self.0.iter()
    }
}

/// The members that have setters of their own, each with what to call instead.
const RESERVED: [(&str, &str); 7] = [
    ("type", "with_type"),
    ("title", "with_title"),
    ("status", "Problem::new"),
    ("detail", "with_detail"),
    ("instance", "with_instance"),
    ("code", "with_code"),
    ("errors", "with_violation"),
];

/// A member that we send must have a name that every format can carry (RFC 9457, section 4).
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    if let Some((_, setter)) = RESERVED.iter().find(|(reserved, _)| *reserved == name) {
        return Err(Error::new(
            ErrorKind::ReservedMember,
            format!("`{name}` is not an extension member: it is set by `{setter}`"),
        ));
    }
    let mut bytes = name.bytes();
    let starts_well = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic());
    if starts_well && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidMemberName,
        format!(
            "{name:?} cannot name an extension member: allowed is an ASCII letter, then letters, \
             digits and `_` (RFC 9457, section 4)"
        ),
    ))
}

pub(crate) fn to_json(name: &str, value: impl Serialize) -> Result<String, Error> {
    serde_json::to_string(&value).map_err(|error| {
        Error::new(
            ErrorKind::Serialize,
            format!("the value of the extension member `{name}` cannot be serialised as JSON"),
        )
        .with_source(error)
    })
}
