//! W3C Trace Context: which trace a request belongs to.

use std::fmt;

use axum::http::HeaderValue;
use uuid::Uuid;

/// The header's name.
pub(super) const TRACEPARENT: &str = "traceparent";

/// A place in a trace: the trace, our own span in it, and whether it is sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TraceContext {
    trace_id: u128,
    span_id: u64,
    sampled: bool,
}

impl TraceContext {
    /// Our span in the trace that the caller named, or in a new one.
    pub(super) fn of(traceparent: Option<&HeaderValue>) -> Self {
        let parent = traceparent.and_then(|value| parse(value.to_str().ok()?));
        // The version and variant bits of a random UUID see to it that neither id is zero, which
        // is the one value that is not allowed.
        let (trace_id, sampled) = parent.unwrap_or_else(|| (Uuid::new_v4().as_u128(), false));
        let (span_id, _) = Uuid::new_v4().as_u64_pair();
        Self {
            trace_id,
            span_id,
            sampled,
        }
    }

    /// The id that all spans of the trace share.
    pub(super) fn trace_id(&self) -> String {
        format!("{:032x}", self.trace_id)
    }
}

/// As the header's value, for those whom we call.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            trace_id,
            span_id,
            sampled,
        } = *self;
        write!(
            f,
            "00-{trace_id:032x}-{span_id:016x}-{:02x}",
            u8::from(sampled)
        )
    }
}

/// The trace's id and the sampled flag. Of a version that we do not know, what version 0 has.
fn parse(value: &str) -> Option<(u128, bool)> {
    let mut parts = value.splitn(5, '-');
    let version = hexadecimal(parts.next()?, 2)?;
    let trace_id = hexadecimal(parts.next()?, 32)?;
    let parent_id = hexadecimal(parts.next()?, 16)?;
    let flags = hexadecimal(parts.next()?, 2)?;
    let more = parts.next().is_some();
    let valid = version != 0xff && trace_id != 0 && parent_id != 0 && !(version == 0 && more);
    valid.then_some((trace_id, flags & 1 == 1))
}

fn hexadecimal(text: &str, length: usize) -> Option<u128> {
    let lower_case = text
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (lower_case && text.len() == length).then(|| u128::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn continued(value: &str) -> TraceContext {
        TraceContext::of(Some(&HeaderValue::from_str(value).expect("a header value")))
    }

    #[test]
    fn a_trace_is_continued_with_a_span_of_our_own() {
        for value in [
            format!("00-{TRACE}-00f067aa0ba902b7-01"),
            format!("cc-{TRACE}-00f067aa0ba902b7-01-what-the-future-adds"),
        ] {
            let context = continued(&value);
            assert_eq!(context.trace_id(), TRACE);
            let header = context.to_string();
            assert!(
                header.starts_with(&format!("00-{TRACE}-")) && header.ends_with("-01"),
                "{header}"
            );
            assert!(!header.contains("00f067aa0ba902b7"), "{header}");
            assert_eq!(parse(&header), Some((context.trace_id, true)));
        }
    }

    #[test]
    fn what_is_no_trace_context_begins_a_new_trace() {
        for value in [
            "".to_owned(),
            "nonsense".to_owned(),
            format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-00f067aa0ba902b7-01-more"),
            format!("00-{TRACE}-00f067aa0ba902b7"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
            format!("00-{TRACE}0-00f067aa0ba902b7-01"),
        ] {
            let context = continued(&value);
            assert_ne!(context.trace_id(), TRACE, "{value}");
            assert_eq!(parse(&context.to_string()), Some((context.trace_id, false)));
        }
    }
}
