//! Extension members: named values that are kept as the JSON text that they will be sent as.

use std::borrow::Cow;

use serde::Serialize;

use crate::{Error, ErrorKind};

/// Kept in the order in which they were first set; there are few, so a list beats a map. The first
/// one needs no allocation of the list: most problems have none or one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extensions {
    first: Option<Extension>,
    /// Empty when there is no first.
    more: Vec<Extension>,
}

#[derive(Clone, Debug)]
pub(crate) struct Extension {
    pub(crate) name: Cow<'static, str>,
    /// Valid JSON: serialised by us, or cut out of a document that parsed.
    pub(crate) json: String,
}

impl Extensions {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.iter().find(|extension| extension.name == name)?;
        Some(&found.json)
    }

    pub(crate) fn set(&mut self, name: Cow<'static, str>, json: String) {
        let mut all = self.first.iter_mut().chain(&mut self.more);
        match all.find(|extension| extension.name == name) {
            Some(found) => found.json = json,
            None => self.push_new(name, json),
        }
    }

    /// Adds one whose name is known to be new.
    pub(crate) fn push_new(&mut self, name: Cow<'static, str>, json: String) {
        let extension = Extension { name, json };
        if self.first.is_none() {
            self.first = Some(extension);
        } else {
            self.more.push(extension);
        }
    }

    pub(crate) fn remove(&mut self, name: &str) -> bool {
        let Some(at) = self.iter().position(|extension| extension.name == name) else {
            return false;
        };
        if at > 0 {
            self.more.remove(at - 1);
        } else if self.more.is_empty() {
            self.first = None;
        } else {
            self.first = Some(self.more.remove(0));
        }
        true
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Extension> {
        self.first.iter().chain(&self.more)
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

/// A member that we send must have a name that every format can carry (RFC 9457, section 4). So can `-`, which the RFC advises
/// against, and which members of problem types have that are registered, such as `violated-policies`.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    if let Some((_, setter)) = RESERVED.iter().find(|(reserved, _)| *reserved == name) {
        return Err(Error::new(
            ErrorKind::ReservedMember,
            format!("`{name}` is not an extension member: it is set by `{setter}`"),
        ));
    }
    let mut bytes = name.bytes();
    let starts_well = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic());
    if starts_well && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidMemberName,
        format!(
            "{name:?} cannot name an extension member: allowed is an ASCII letter, then letters, \
             digits, `_` and `-` (RFC 9457, section 4)"
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_order_whichever_is_taken_away() {
        let names = ["a", "b", "c"];
        for taken in 0..3 {
            let mut extensions = Extensions::default();
            for name in names {
                extensions.set(name.into(), "1".to_owned());
            }
            extensions.set(names[2].into(), "2".to_owned());
            assert!(extensions.remove(names[taken]));
            assert!(!extensions.remove(names[taken]));
            assert_eq!(extensions.get(names[taken]), None);
            extensions.set("d".into(), "3".to_owned());
            let left: Vec<_> = extensions.iter().map(|it| it.name.as_ref()).collect();
            let mut expected = names.to_vec();
            expected.remove(taken);
            expected.push("d");
            assert_eq!(left, expected);
        }
    }
}
