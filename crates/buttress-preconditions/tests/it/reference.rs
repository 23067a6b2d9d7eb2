//! RFC 9110 once more, word by word and slowly: what `evaluate` is compared with.
//!
//! It reads text instead of bytes, joins the lines of a field before it looks at them, and goes
//! through the steps of section 13.2.2 in the RFC's own order and words.

use std::time::{Duration, SystemTime};

use buttress_preconditions::{Condition, Current, Decision, ETag};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// A request's header fields, in order; a name may come again.
pub(crate) type Fields = Vec<(&'static str, String)>;

/// The state of the resource, as the reference sees it.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) exists: bool,
    /// As in the header field.
    pub(crate) etag: Option<String>,
    /// Seconds since 1970.
    pub(crate) last_modified: Option<u64>,
    pub(crate) dates_are_strong: bool,
}

impl State {
    /// Calls `look` with the same state for the crate.
    pub(crate) fn show<T>(&self, look: impl FnOnce(Current<'_>) -> T) -> T {
        let etag: Option<ETag> = self.etag.as_ref().map(|text| text.parse().unwrap());
        let mut current = match (self.exists, &etag) {
            (false, _) => Current::missing(),
            (true, Some(etag)) => Current::of(etag),
            (true, None) => Current::untagged(),
        };
        if let Some(seconds) = self.last_modified {
            // Half a second later is the same second.
            let time = SystemTime::UNIX_EPOCH + Duration::from_millis(seconds * 1000 + 500);
            current = match self.dates_are_strong {
                true => current.with_strong_last_modified(time),
                false => current.with_last_modified(time),
            };
        }
        look(current)
    }
}

pub(crate) fn header_map(fields: &Fields) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(
            HeaderName::from_static(name),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    headers
}

#[derive(Debug, PartialEq)]
enum Tags {
    Any,
    List(Vec<(bool, String)>),
    Malformed,
}

/// Everything between quotes is a tag's, everything else has to be what may stand between tags.
fn tags(fields: &Fields, name: &str) -> Option<Tags> {
    let lines: Vec<&str> = fields
        .iter()
        .filter(|(field, _)| *field == name)
        .map(|(_, value)| value.as_str())
        .collect();
    if lines.is_empty() {
        return None;
    }
    let blank = |text: &str| text.trim_matches([' ', '\t']).to_owned();
    if lines.len() == 1 && blank(lines[0]) == "*" {
        return Some(Tags::Any);
    }
    // A quote that one line opens is not closed by the next.
    if lines.iter().any(|line| line.matches('"').count() % 2 == 1) {
        return Some(Tags::Malformed);
    }
    let text = lines.join(",");
    let parts: Vec<&str> = text.split('"').collect();
    let mut list = Vec::new();
    for (position, part) in parts.iter().enumerate() {
        let inside = position % 2 == 1;
        if inside {
            if part.chars().any(|c| c <= ' ' || c == '\u{7f}') {
                return Some(Tags::Malformed);
            }
            let weak = parts[position - 1].ends_with("W/");
            list.push((weak, (*part).to_owned()));
            continue;
        }
        let (is_first, is_last) = (position == 0, position + 1 == parts.len());
        let gap = match part.strip_suffix("W/") {
            Some(gap) if !is_last => gap,
            _ => part,
        };
        let only_gap = gap.chars().all(|c| matches!(c, ' ' | '\t' | ','));
        if !only_gap || !(is_first || is_last || gap.contains(',')) {
            return Some(Tags::Malformed);
        }
    }
    Some(Tags::List(list))
}

fn date(fields: &Fields, name: &str) -> Option<u64> {
    let mut values = fields.iter().filter(|(field, _)| *field == name);
    let (_, value) = values.next()?;
    if values.next().is_some() {
        return None;
    }
    let time = httpdate::parse_http_date(value).ok()?;
    Some(
        time.duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_secs(),
    )
}

fn current_tag(state: &State) -> Option<(bool, String)> {
    let text = state.etag.as_ref().filter(|_| state.exists)?;
    let (weak, quoted) = match text.strip_prefix("W/") {
        Some(quoted) => (true, quoted),
        None => (false, text.as_str()),
    };
    Some((weak, quoted.trim_matches('"').to_owned()))
}

fn is_bare(value: &str) -> bool {
    let value = value.trim_matches([' ', '\t']);
    value.ends_with('"') && (value.starts_with('"') || value.starts_with("W/\""))
}

/// Section 13.2.2, step by step, with the two cases in which the crate is stricter.
pub(crate) fn evaluate(method: &Method, fields: &Fields, state: &State) -> Decision {
    let has = |name: &str| fields.iter().any(|(field, _)| *field == name);
    let is = |name: &str| method.as_str() == name;
    let proceed = Decision::Proceed {
        ignore_range: false,
    };
    // Section 13.2.1.
    if is("CONNECT") || is("OPTIONS") || is("TRACE") {
        return proceed;
    }

    // 1. When recipient is the origin server and If-Match is present, evaluate it.
    if has("if-match") {
        let holds = match tags(fields, "if-match").unwrap() {
            Tags::Any => state.exists,
            Tags::List(list) => current_tag(state).is_some_and(|(weak, opaque)| {
                list.iter().any(|tag| !weak && !tag.0 && tag.1 == opaque)
            }),
            Tags::Malformed => return Decision::Malformed(Condition::IfMatch),
        };
        if !holds {
            return Decision::Failed(Condition::IfMatch);
        }
    }
    // 2. When If-Match is not present and If-Unmodified-Since is present, evaluate it.
    if !has("if-match")
        && let Some(since) = date(fields, "if-unmodified-since")
        && let Some(modified) = state.last_modified
    {
        let earlier_or_equal = modified <= since;
        if !earlier_or_equal {
            return Decision::Failed(Condition::IfUnmodifiedSince);
        }
    }
    // 3. When If-None-Match is present, evaluate it.
    if has("if-none-match") {
        let holds = match tags(fields, "if-none-match").unwrap() {
            Tags::Any => !state.exists,
            Tags::List(list) => !current_tag(state)
                .is_some_and(|(_, opaque)| list.iter().any(|tag| tag.1 == opaque)),
            Tags::Malformed if is("GET") || is("HEAD") => true,
            Tags::Malformed => return Decision::Malformed(Condition::IfNoneMatch),
        };
        if !holds && (is("GET") || is("HEAD")) {
            return Decision::NotModified;
        }
        if !holds {
            return Decision::Failed(Condition::IfNoneMatch);
        }
    }
    // 4. When the method is GET or HEAD, If-None-Match is not present, and If-Modified-Since is.
    if (is("GET") || is("HEAD"))
        && !has("if-none-match")
        && let Some(since) = date(fields, "if-modified-since")
        && let Some(modified) = state.last_modified
    {
        let earlier_or_equal = modified <= since;
        if earlier_or_equal {
            return Decision::NotModified;
        }
    }
    // 5. When the method is GET and both Range and If-Range are present, evaluate If-Range.
    if is("GET") && has("range") && has("if-range") {
        let values: Vec<&String> = fields
            .iter()
            .filter(|(field, _)| *field == "if-range")
            .map(|(_, value)| value)
            .collect();
        let [value] = values[..] else {
            return Decision::Proceed { ignore_range: true };
        };
        let holds = if value.contains('"') {
            let tag = match tags(&vec![("if-range", value.clone())], "if-range") {
                // One member, and nothing of what a list may have around it.
                Some(Tags::List(list)) if list.len() == 1 && is_bare(value) => list[0].clone(),
                _ => return Decision::Proceed { ignore_range: true },
            };
            current_tag(state).is_some_and(|(weak, opaque)| !weak && !tag.0 && tag.1 == opaque)
        } else {
            state.dates_are_strong
                && date(fields, "if-range").is_some()
                && date(fields, "if-range") == state.last_modified
        };
        return Decision::Proceed {
            ignore_range: !holds,
        };
    }
    // 6. Otherwise, perform the requested method.
    proceed
}
