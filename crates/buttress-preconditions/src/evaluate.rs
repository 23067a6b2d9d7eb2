//! The evaluation of preconditions: values in, a decision out.

use http::{
    HeaderMap, Method,
    header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE},
};

use crate::{
    Condition, Current, Decision, date,
    tags::{self, Form, Tag},
};

/// Evaluates the preconditions of a request in the order of
/// [RFC 9110, section 13.2.2](https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2).
///
/// Call it when the answer would be a success otherwise: after authentication, after the body was
/// checked, after the resource was looked for (section 13.2.1), and before anything is changed.
///
/// 1. **`If-Match`** is true when one of its tags equals the current one by strong comparison, or,
///    for `*`, when there is a representation. False: [`Failed`](Decision::Failed).
/// 2. **`If-Unmodified-Since`** counts only without `If-Match`. It is true when the representation
///    was not modified after the date. False: [`Failed`](Decision::Failed).
/// 3. **`If-None-Match`** is false when one of its tags equals the current one by weak comparison,
///    or, for `*`, when there is a representation. False: [`NotModified`](Decision::NotModified)
///    for GET and HEAD, [`Failed`](Decision::Failed) for other methods.
/// 4. **`If-Modified-Since`** counts only without `If-None-Match`, and for GET and HEAD. It is false
///    when the representation was not modified after the date. False:
///    [`NotModified`](Decision::NotModified).
/// 5. **`If-Range`** counts only for GET with `Range`. It is true when it is the strong current tag
///    or, to the second, the strong current date. False: [`Proceed`](Decision::Proceed) with
///    `ignore_range`.
///
/// Dates that are none, or several, count as absent, and so they do where the representation has no
/// date. CONNECT, OPTIONS and TRACE have no preconditions. `httpdate` reads dates from 1970 on.
///
/// Two things are stricter than the RFC, which lets a malformed `If-Match` fail with 412 and a
/// malformed `If-None-Match` pass:
///
/// - A malformed `If-Match` is [`Malformed`](Decision::Malformed), so that the client learns what
///   is wrong with it. Nothing is performed either way.
/// - A malformed `If-None-Match` is, too, unless the method is GET or HEAD, where it is ignored:
///   who meant "create only" must not overwrite because of a typing error.
///
/// ```
/// use buttress_preconditions::{Condition, Current, Decision, ETag, evaluate};
/// use http::{HeaderMap, HeaderValue, Method, header};
///
/// let current = ETag::from_version(7);
/// let mut headers = HeaderMap::new();
/// headers.insert(header::IF_MATCH, HeaderValue::from_static(r#""6""#));
///
/// let decision = evaluate(&Method::PATCH, &headers, Current::of(&current));
/// assert_eq!(decision, Decision::Failed(Condition::IfMatch));
/// ```
#[must_use]
pub fn evaluate(method: &Method, headers: &HeaderMap, current: Current<'_>) -> Decision {
    if !selects_a_representation(method) {
        return PROCEED;
    }
    let reads = matches!(*method, Method::GET | Method::HEAD);

    match if_match(headers, current) {
        Outcome::True => {}
        Outcome::False => return Decision::Failed(Condition::IfMatch),
        Outcome::Malformed => return Decision::Malformed(Condition::IfMatch),
        Outcome::Absent => {
            if if_unmodified_since(headers, current) == Outcome::False {
                return Decision::Failed(Condition::IfUnmodifiedSince);
            }
        }
    }

    match if_none_match(headers, current) {
        Outcome::True => {}
        Outcome::False if reads => return Decision::NotModified,
        Outcome::False => return Decision::Failed(Condition::IfNoneMatch),
        Outcome::Malformed if reads => {}
        Outcome::Malformed => return Decision::Malformed(Condition::IfNoneMatch),
        Outcome::Absent => {
            if reads && if_modified_since(headers, current) == Outcome::False {
                return Decision::NotModified;
            }
        }
    }

    if *method == Method::GET && headers.contains_key(RANGE) && headers.contains_key(IF_RANGE) {
        return Decision::Proceed {
            ignore_range: !if_range(headers, current),
        };
    }
    PROCEED
}

const PROCEED: Decision = Decision::Proceed {
    ignore_range: false,
};

/// RFC 9110, section 13.2.1: all other methods ignore preconditions.
pub(crate) fn selects_a_representation(method: &Method) -> bool {
    !matches!(*method, Method::CONNECT | Method::OPTIONS | Method::TRACE)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Absent,
    True,
    False,
    Malformed,
}

impl From<bool> for Outcome {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

fn if_match(headers: &HeaderMap, current: Current<'_>) -> Outcome {
    let mut matched = false;
    let form = tags::read(headers, &IF_MATCH, |tag| {
        matched |= current.tag().is_some_and(|current| current.strong_eq(tag));
    });
    match form {
        Form::Absent => Outcome::Absent,
        Form::Any => current.exists().into(),
        Form::List => matched.into(),
        Form::Malformed => Outcome::Malformed,
    }
}

fn if_none_match(headers: &HeaderMap, current: Current<'_>) -> Outcome {
    let mut matched = false;
    let form = tags::read(headers, &IF_NONE_MATCH, |tag| {
        matched |= current.tag().is_some_and(|current| current.weak_eq(tag));
    });
    match form {
        Form::Absent => Outcome::Absent,
        Form::Any => (!current.exists()).into(),
        Form::List => (!matched).into(),
        Form::Malformed => Outcome::Malformed,
    }
}

fn if_unmodified_since(headers: &HeaderMap, current: Current<'_>) -> Outcome {
    match (
        date::read(headers, &IF_UNMODIFIED_SINCE),
        current.last_modified(),
    ) {
        (Some(since), Some(modified)) => (modified <= since).into(),
        _ => Outcome::Absent,
    }
}

fn if_modified_since(headers: &HeaderMap, current: Current<'_>) -> Outcome {
    match (
        date::read(headers, &IF_MODIFIED_SINCE),
        current.last_modified(),
    ) {
        (Some(since), Some(modified)) => (modified > since).into(),
        _ => Outcome::Absent,
    }
}

/// RFC 9110, section 13.1.5.
fn if_range(headers: &HeaderMap, current: Current<'_>) -> bool {
    let mut values = headers.get_all(IF_RANGE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    match Tag::parse(value.as_bytes()) {
        Some(tag) => current.tag().is_some_and(|current| current.strong_eq(tag)),
        None => match (date::parse(value.as_bytes()), current.strong_date()) {
            (Some(date), Some(modified)) => date == modified,
            _ => false,
        },
    }
}
