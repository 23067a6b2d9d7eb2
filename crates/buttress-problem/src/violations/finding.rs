//! One error of a deserialiser, read together with the document that it is about.

use std::borrow::Cow;

use serde_json::Value;
use serde_path_to_error::Path;

use super::{
    echo, expected,
    message::{self, Message, Mismatch, Unparsable},
    place::{self, Place},
};

/// What is wrong and where, without a word of the input but for the names of members.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) place: Place,
    pub(crate) detail: Cow<'static, str>,
    pub(crate) code: &'static str,
    /// What serde expected, in its own words.
    pub(super) expected: Option<String>,
}

impl Finding {
    /// Reads an error's text. Without a document nothing that the text quotes can be told from
    /// input, so then a custom text is not passed on.
    pub(crate) fn new(path: &Path, text: &str, document: Option<&Value>) -> Self {
        Self::at(Place::of(path, document), text, document)
    }

    /// Reads the text of an error on a value that stands alone.
    #[cfg(feature = "axum")]
    pub(crate) fn of_value(text: &str, value: &Value) -> Self {
        Self::at(Place::default(), text, Some(value))
    }

    fn at(place: Place, text: &str, document: Option<&Value>) -> Self {
        let here = document.map(|document| place.nearest(document));
        let message = match here {
            // The input could have written what looks like one of serde's texts.
            Some(here) if echo::holds_any(here, &message::BEGINNINGS) => Message::Custom(text),
            _ => Message::read(text),
        };
        Reader {
            place,
            document,
            here,
        }
        .read(message)
    }
}

impl Finding {
    fn expecting(self, expected: &str) -> Self {
        Self {
            expected: Some(expected.to_owned()),
            ..self
        }
    }
}

/// The sentence about what has to stand there.
#[cfg(feature = "axum")]
pub(crate) fn must_be(expected: &str) -> Cow<'static, str> {
    match expected::describe(expected) {
        Some((text, _)) => expected::sentence(&text).into(),
        None => "has the wrong type".into(),
    }
}

struct Reader<'a> {
    place: Place,
    document: Option<&'a Value>,
    here: Option<&'a Value>,
}

impl Reader<'_> {
    fn read(self, message: Message<'_>) -> Finding {
        match message {
            Message::InvalidType(mismatch) => self.mismatch(mismatch, "TYPE", "has the wrong type"),
            Message::InvalidValue(mismatch) => self.mismatch(mismatch, "VALUE", "is not allowed"),
            Message::InvalidLength { expected } if expected.starts_with("fewer elements in ") => {
                self.finding("has too many elements", "LENGTH")
            }
            Message::InvalidLength { expected } => {
                let detail = self.sentence(expected);
                self.finding(detail.unwrap_or("has the wrong length".into()), "LENGTH")
                    .expecting(expected)
            }
            Message::UnknownVariant { allowed: None } => self.finding("is not allowed", "VALUE"),
            Message::UnknownVariant {
                allowed: Some(allowed),
            } => self
                .finding(format!("must be {allowed}"), "VALUE")
                .expecting(allowed),
            Message::UnknownField { name, allowed } => self.unknown(name, allowed),
            Message::MissingField { name } => self.missing(name),
            Message::DuplicateField { name } => {
                let detail = "is given more than once";
                self.at_member(name).finding(detail, "DUPLICATE")
            }
            Message::NoVariant => self.finding("has none of the allowed forms", "VALUE"),
            Message::OutOfRange => self.finding("is out of range", "VALUE"),
            Message::TooDeep => self.finding("is nested too deeply", "DEPTH"),
            Message::TooLong => self.finding("has too many elements", "LENGTH"),
            Message::NotANumericKey => {
                self.finding("has a member whose name is not a number", "TYPE")
            }
            Message::Unparsable(what) => {
                let (detail, code) = unparsable(what);
                self.finding(detail, code)
            }
            Message::Custom(text) => self.custom(text),
        }
    }

    fn finding(self, detail: impl Into<Cow<'static, str>>, code: &'static str) -> Finding {
        Finding {
            place: self.place,
            detail: detail.into(),
            code,
            expected: None,
        }
    }

    fn mismatch(
        mut self,
        Mismatch {
            unexpected,
            expected,
        }: Mismatch<'_>,
        code: &'static str,
        otherwise: &'static str,
    ) -> Finding {
        // Content that serde buffered (tagged, untagged and flattened types) is reported at its
        // container, but the text still shows which value it was.
        if let Some(document) = self.document
            && let Some(container @ (Value::Object(_) | Value::Array(_))) =
                self.place.value(document)
            && place::shown(container) != unexpected
        {
            match self.place.only_below(document, unexpected) {
                Some(place) => self.place = place,
                None if code == "TYPE" => {
                    return self.finding("has a member of the wrong type", code);
                }
                None => return self.finding("has a member that is not allowed", code),
            }
        }
        let detail = self.sentence(expected);
        self.finding(detail.unwrap_or(otherwise.into()), code)
            .expecting(expected)
    }

    /// What was expected, unless its author put input into it or it names a type.
    fn sentence(&self, text: &str) -> Option<Cow<'static, str>> {
        let (said, of_serde) = expected::describe(text)?;
        if !of_serde && self.repeats(&said) {
            return None;
        }
        Some(expected::sentence(&said).into())
    }

    fn repeats(&self, text: &str) -> bool {
        self.here.is_none_or(|here| echo::repeats(text, here))
    }

    fn unknown(self, name: &str, allowed: Option<&str>) -> Finding {
        let detail = match allowed {
            Some(allowed) => format!("is not known here; expected {allowed}").into(),
            None => Cow::Borrowed("is not known here"),
        };
        // serde read the name last and so it ends the path, unless the object was buffered.
        let reader = if self.place.ends_with(name) {
            self
        } else {
            self.at_member(name)
        };
        reader.finding(detail, "UNKNOWN")
    }

    fn missing(self, name: &str) -> Finding {
        // An object that has the member cannot be the one that lacks it: it is one below, which
        // serde had buffered.
        let elsewhere = match self.here {
            Some(Value::Object(members)) => members.contains_key(name),
            _ => false,
        };
        if elsewhere {
            return self.finding(format!("lacks the member `{name}`"), "MISSING");
        }
        self.at_member(name).finding("is required", "MISSING")
    }

    fn at_member(mut self, name: &str) -> Self {
        self.place = self.place.join(name);
        self
    }

    fn custom(self, text: &str) -> Finding {
        let repeated = matches!(self.here, Some(Value::Array(_))) && text == "unsupported value";
        if repeated {
            // What `serde_html_form` says when a parameter that takes one value has several.
            return self.finding("is given more than once", "DUPLICATE");
        }
        if text.is_empty() || self.repeats(text) {
            return self.finding("is not valid", "VALUE");
        }
        self.finding(text.to_owned(), "VALUE")
    }
}

fn unparsable(what: Unparsable) -> (&'static str, &'static str) {
    match what {
        Unparsable::Integer => ("must be an integer", "TYPE"),
        Unparsable::Number => ("must be a number", "TYPE"),
        Unparsable::Flag => ("must be true or false", "TYPE"),
        Unparsable::TooLarge => ("is too large", "VALUE"),
        Unparsable::TooSmall => ("is too small", "VALUE"),
        Unparsable::Zero => ("must not be 0", "VALUE"),
    }
}
