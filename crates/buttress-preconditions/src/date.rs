//! Times in whole seconds, which is all that HTTP dates can say (RFC 9110, section 5.6.7).

use std::time::{SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName};
use httpdate::parse_http_date;

/// Seconds since 1970, rounded down: a `Last-Modified` that is sent is rounded so as well, and
/// what a client sends back is compared with that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seconds(i64);

impl From<SystemTime> for Seconds {
    fn from(time: SystemTime) -> Self {
        let seconds = |whole: u64| i64::try_from(whole).unwrap_or(i64::MAX);
        Self(match time.duration_since(UNIX_EPOCH) {
            Ok(since) => seconds(since.as_secs()),
            Err(error) => {
                let before = error.duration();
                -seconds(before.as_secs()) - i64::from(before.subsec_nanos() > 0)
            }
        })
    }
}

/// The date in a field. A value that is no date, and several of them, are to be ignored as if the
/// field were not there (RFC 9110, sections 13.1.3 and 13.1.4).
pub(crate) fn read(headers: &HeaderMap, name: &HeaderName) -> Option<Seconds> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => parse(value.as_bytes()),
        _ => None,
    }
}

pub(crate) fn parse(text: &[u8]) -> Option<Seconds> {
    let text = std::str::from_utf8(text).ok()?;
    parse_http_date(text).ok().map(Seconds::from)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{HeaderValue, header::IF_MODIFIED_SINCE};

    use super::*;

    #[test]
    fn all_three_forms_of_the_rfc_are_the_same_time() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(parse(text.as_bytes()), Some(Seconds(784_111_777)), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_ignored() {
        for text in [
            "",
            "0",
            "784111777",
            "1994-11-06T08:49:37Z",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse(b"Sun, 06 Nov 1994 08:49:37 GM\xff"), None);
    }

    #[test]
    fn two_lines_are_no_date() {
        let value = HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT");
        let mut headers = HeaderMap::new();
        headers.append(IF_MODIFIED_SINCE, value.clone());
        assert!(read(&headers, &IF_MODIFIED_SINCE).is_some());
        headers.append(IF_MODIFIED_SINCE, value);
        assert_eq!(read(&headers, &IF_MODIFIED_SINCE), None);
    }

    #[test]
    fn seconds_are_rounded_down_on_both_sides_of_1970() {
        let half = Duration::from_millis(500);
        assert_eq!(Seconds::from(UNIX_EPOCH + half), Seconds(0));
        assert_eq!(Seconds::from(UNIX_EPOCH - half), Seconds(-1));
        assert_eq!(Seconds::from(UNIX_EPOCH - half - half), Seconds(-1));
        let far = Duration::from_secs(1 << 40);
        assert_eq!(Seconds::from(UNIX_EPOCH + far), Seconds(1 << 40));
    }
}
