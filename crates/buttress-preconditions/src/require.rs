use std::borrow::Cow;

use http::{
    HeaderMap, Method,
    header::{IF_MATCH, IF_NONE_MATCH},
};

use crate::{
    Current, Decision, evaluate,
    evaluate::selects_a_representation,
    tags::{self, Form},
};

/// Which methods must say which state they are to change (RFC 6585, section 3).
///
/// A request says so with `If-Match`, or with `If-None-Match: *` when there is to be none.
/// `If-Unmodified-Since` does not count: two changes in the same second would be one to it. A list
/// of tags in `If-None-Match` does not either: it lets through what it does not name. A PATCH or
/// DELETE with `If-None-Match: *` is conditional too, on something that can only fail.
///
/// ```
/// use buttress_preconditions::{Current, Decision, ETag, Require};
/// use http::{HeaderMap, Method};
///
/// let current = ETag::from_version(7);
/// let evaluate = |method| Require::changes().evaluate(&method, &HeaderMap::new(), Current::of(&current));
/// assert_eq!(evaluate(Method::PATCH), Decision::Required);
/// assert!(evaluate(Method::POST).may_proceed());
/// assert!(evaluate(Method::GET).may_proceed());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Require {
    methods: Methods,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Methods {
    Listed(Cow<'static, [Method]>),
    AllUnsafe,
}

const CHANGES: &[Method] = &[Method::PUT, Method::PATCH, Method::DELETE];

impl Require {
    /// No method must.
    pub const fn never() -> Self {
        Self::listed(Cow::Borrowed(&[]))
    }

    /// PUT, PATCH and DELETE must: what replaces, changes or removes the resource that it names.
    /// POST need not, since it is mostly sent to something that it does not change itself.
    pub const fn changes() -> Self {
        Self::listed(Cow::Borrowed(CHANGES))
    }

    /// Every method must that is not safe (RFC 9110, section 9.2.1), those that HTTP does not know
    /// included.
    pub const fn all_unsafe() -> Self {
        Self {
            methods: Methods::AllUnsafe,
        }
    }

    /// These methods must. CONNECT, OPTIONS and TRACE have no preconditions and never must.
    pub fn methods(methods: impl IntoIterator<Item = Method>) -> Self {
        Self::listed(methods.into_iter().collect())
    }

    const fn listed(methods: Cow<'static, [Method]>) -> Self {
        Self {
            methods: Methods::Listed(methods),
        }
    }

    /// Whether a request with this method must have a precondition.
    #[must_use]
    pub fn covers(&self, method: &Method) -> bool {
        selects_a_representation(method)
            && match &self.methods {
                Methods::Listed(methods) => methods.contains(method),
                Methods::AllUnsafe => !method.is_safe(),
            }
    }

    /// As [`evaluate`](crate::evaluate()), but [`Decision::Required`] for a request that must have a
    /// precondition and has none.
    #[must_use]
    pub fn evaluate(&self, method: &Method, headers: &HeaderMap, current: Current<'_>) -> Decision {
        if self.covers(method) && !is_conditional(headers) {
            return Decision::Required;
        }
        evaluate(method, headers, current)
    }
}

/// Whether a request says which state it is to change. One that tries to, and fails, is refused for
/// that.
pub(crate) fn is_conditional(headers: &HeaderMap) -> bool {
    headers.contains_key(IF_MATCH)
        || matches!(
            tags::read(headers, &IF_NONE_MATCH, |_| ()),
            Form::Any | Form::Malformed
        )
}

/// [`Require::never`]
impl Default for Require {
    fn default() -> Self {
        Self::never()
    }
}
