use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use crate::JsonPointer;

/// One thing that is wrong with a request: an entry of a problem's `errors` array.
///
/// On the wire it is `{"pointer": "/email", "detail": "…", "code": "…"}`, with `parameter` or
/// `header` in place of `pointer`, and without `code` when there is none.
///
/// ```
/// use buttress_problem::{JsonPointer, Problem, Violation};
///
/// let email = JsonPointer::root().join("email");
/// let problem = Problem::validation([
///     Violation::pointer(email, "must contain an @").with_code("EMAIL_FORM"),
///     Violation::parameter("limit", "must be from 1 to 100"),
/// ]);
/// assert_eq!(problem.status(), 422);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    location: Location,
    detail: Cow<'static, str>,
    code: Option<Cow<'static, str>>,
}

/// Where in a request a [`Violation`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Location {
    /// In the body.
    Pointer(JsonPointer),
    /// A parameter of the query or of the path.
    Parameter(Cow<'static, str>),
    /// A header field.
    Header(Cow<'static, str>),
}

impl Violation {
    fn new(location: Location, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            location,
            detail: detail.into(),
            code: None,
        }
    }

    /// Something in the body, at `pointer`; the root pointer means the body as a whole.
    #[must_use]
    pub fn pointer(pointer: JsonPointer, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Location::Pointer(pointer), detail)
    }

    /// A parameter of the query or of the path.
    #[must_use]
    pub fn parameter(
        name: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(Location::Parameter(name.into()), detail)
    }

    /// A header field.
    #[must_use]
    pub fn header(
        name: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(Location::Header(name.into()), detail)
    }

    /// Adds a stable machine name for the rule that was broken, such as `TOO_LONG`.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Where it is.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// What is wrong, for people.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What is wrong, for programs.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Reads an entry that says no more than a `Violation` can hold.
    pub(crate) fn from_value(value: &Value) -> Option<Self> {
        let mut location = None;
        let mut detail = None;
        let mut code = None;
        for (name, value) in value.as_object()? {
            let text = value.as_str()?.to_owned();
            match name.as_str() {
                "detail" => detail = Some(text),
                "code" => code = Some(Cow::Owned(text)),
                _ if location.is_some() => return None,
                "pointer" => location = Some(Location::Pointer(JsonPointer::parse(text).ok()?)),
                "parameter" => location = Some(Location::Parameter(text.into())),
                "header" => location = Some(Location::Header(text.into())),
                _ => return None,
            }
        }
        Some(Self {
            location: location?,
            detail: detail?.into(),
            code,
        })
    }
}

impl Location {
    /// The member's name on the wire, and its value.
    pub(crate) fn member(&self) -> (&'static str, &str) {
        match self {
            Self::Pointer(pointer) => ("pointer", pointer.as_str()),
            Self::Parameter(name) => ("parameter", name),
            Self::Header(name) => ("header", name),
        }
    }
}

impl Serialize for Violation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (name, value) = self.location.member();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(name, value)?;
        map.serialize_entry("detail", &self.detail)?;
        if let Some(code) = &self.code {
            map.serialize_entry("code", code)?;
        }
        map.end()
    }
}
