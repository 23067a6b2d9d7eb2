use std::borrow::Cow;

use http::{HeaderMap, StatusCode};
use serde::Serialize;

use crate::{Problem, UriReference, problem::Text};

/// Changing a problem in place: what a hook of `ProblemLayer` does.
impl Problem {
    /// Changes the status. A title and a code that came from the status follow it.
    pub fn set_status(&mut self, status: StatusCode) {
        self.0.status = status;
    }

    /// Changes what identifies the kind of problem.
    pub fn set_type(&mut self, type_uri: UriReference) {
        self.0.type_uri = type_uri;
    }

    /// Changes the stable machine name; see [`with_code`](Self::with_code).
    pub fn set_code(&mut self, code: impl Into<Cow<'static, str>>) {
        // A document from elsewhere may have had a `code` that is no text.
        self.0.extensions.remove("code");
        self.0.code = Text::Set(code.into());
    }

    /// Changes the title.
    pub fn set_title(&mut self, title: impl Into<Cow<'static, str>>) {
        self.0.title = Text::Set(title.into());
    }

    /// Changes the detail.
    pub fn set_detail(&mut self, detail: impl Into<Cow<'static, str>>) {
        self.0.detail = Some(detail.into());
    }

    /// Takes the detail away.
    pub fn clear_detail(&mut self) {
        self.0.detail = None;
    }

    /// Changes what identifies this occurrence.
    pub fn set_instance(&mut self, instance: UriReference) {
        self.0.instance = Some(instance);
    }

    /// Adds or replaces an extension member; see [`with_extension`](Self::with_extension).
    pub fn set_extension(&mut self, name: impl Into<Cow<'static, str>>, value: impl Serialize) {
        if let Err(error) = self.try_set_extension(name.into(), value) {
            tracing::error!(%error, "an extension member was left out of a problem");
        }
    }

    /// Whether there is an extension member of that name.
    #[must_use]
    pub fn has_extension(&self, name: &str) -> bool {
        self.0.extensions.get(name).is_some()
    }

    /// Takes an extension member away, and says whether it was there.
    pub fn remove_extension(&mut self, name: &str) -> bool {
        self.0.extensions.remove(name)
    }

    /// The headers that the response gets.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.0.headers
    }
}
