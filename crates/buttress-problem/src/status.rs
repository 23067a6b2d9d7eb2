//! What a status alone says: its phrase and its code.

use http::StatusCode;

/// The statuses that RFC 9457 lets a `status` member carry; a problem that we make reports an error.
pub(crate) const fn is_error(status: StatusCode) -> bool {
    status.as_u16() >= 400 && status.as_u16() <= 599
}

/// The `status` member must be a number from 100 to 599 (RFC 9457, section 3.1.2 and appendix A).
pub(crate) const fn fits_member(status: StatusCode) -> bool {
    status.as_u16() <= 599
}

/// Responses that never have content: RFC 9110, sections 15.2, 15.3.5, 15.3.6 and 15.4.5.
pub(crate) fn has_no_content(status: StatusCode) -> bool {
    status.is_informational() || matches!(status.as_u16(), 204 | 205 | 304)
}

/// The phrase of the IANA registry, which is what RFC 9457, section 4.2.1 wants as the title of
/// `about:blank`.
pub(crate) fn phrase(status: StatusCode) -> &'static str {
    match texts(status.as_u16()) {
        Some((phrase, _)) => phrase,
        // Below 400 the phrases of `http` and of the registry agree.
        None => status.canonical_reason().unwrap_or("Unknown Status"),
    }
}

/// The phrase as a stable machine name.
pub(crate) fn code(status: StatusCode) -> &'static str {
    texts(status.as_u16()).map_or("UNKNOWN_STATUS", |(_, code)| code)
}

/// `http` still has the phrases of RFC 7231 for some codes (413, 422), so the table is our own:
/// the registry as of RFC 9110, and for the rest the class, as RFC 9110, section 15 tells
/// recipients to read an unknown code.
const fn texts(status: u16) -> Option<(&'static str, &'static str)> {
    Some(match status {
        400 => ("Bad Request", "BAD_REQUEST"),
        401 => ("Unauthorized", "UNAUTHORIZED"),
        402 => ("Payment Required", "PAYMENT_REQUIRED"),
        403 => ("Forbidden", "FORBIDDEN"),
        404 => ("Not Found", "NOT_FOUND"),
        405 => ("Method Not Allowed", "METHOD_NOT_ALLOWED"),
        406 => ("Not Acceptable", "NOT_ACCEPTABLE"),
        407 => (
            "Proxy Authentication Required",
            "PROXY_AUTHENTICATION_REQUIRED",
        ),
        408 => ("Request Timeout", "REQUEST_TIMEOUT"),
        409 => ("Conflict", "CONFLICT"),
        410 => ("Gone", "GONE"),
        411 => ("Length Required", "LENGTH_REQUIRED"),
        412 => ("Precondition Failed", "PRECONDITION_FAILED"),
        413 => ("Content Too Large", "CONTENT_TOO_LARGE"),
        414 => ("URI Too Long", "URI_TOO_LONG"),
        415 => ("Unsupported Media Type", "UNSUPPORTED_MEDIA_TYPE"),
        416 => ("Range Not Satisfiable", "RANGE_NOT_SATISFIABLE"),
        417 => ("Expectation Failed", "EXPECTATION_FAILED"),
        421 => ("Misdirected Request", "MISDIRECTED_REQUEST"),
        422 => ("Unprocessable Content", "UNPROCESSABLE_CONTENT"),
        423 => ("Locked", "LOCKED"),
        424 => ("Failed Dependency", "FAILED_DEPENDENCY"),
        425 => ("Too Early", "TOO_EARLY"),
        426 => ("Upgrade Required", "UPGRADE_REQUIRED"),
        428 => ("Precondition Required", "PRECONDITION_REQUIRED"),
        429 => ("Too Many Requests", "TOO_MANY_REQUESTS"),
        431 => (
            "Request Header Fields Too Large",
            "REQUEST_HEADER_FIELDS_TOO_LARGE",
        ),
        451 => (
            "Unavailable For Legal Reasons",
            "UNAVAILABLE_FOR_LEGAL_REASONS",
        ),
        500 => ("Internal Server Error", "INTERNAL_SERVER_ERROR"),
        501 => ("Not Implemented", "NOT_IMPLEMENTED"),
        502 => ("Bad Gateway", "BAD_GATEWAY"),
        503 => ("Service Unavailable", "SERVICE_UNAVAILABLE"),
        504 => ("Gateway Timeout", "GATEWAY_TIMEOUT"),
        505 => ("HTTP Version Not Supported", "HTTP_VERSION_NOT_SUPPORTED"),
        506 => ("Variant Also Negotiates", "VARIANT_ALSO_NEGOTIATES"),
        507 => ("Insufficient Storage", "INSUFFICIENT_STORAGE"),
        508 => ("Loop Detected", "LOOP_DETECTED"),
        511 => (
            "Network Authentication Required",
            "NETWORK_AUTHENTICATION_REQUIRED",
        ),
        _ if status >= 400 && status <= 499 => ("Client Error", "CLIENT_ERROR"),
        _ if status >= 500 && status <= 599 => ("Server Error", "SERVER_ERROR"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16) -> StatusCode {
        StatusCode::from_u16(code).unwrap()
    }

    #[test]
    fn phrases_are_those_of_rfc_9110() {
        for (code, expected) in [
            (402, "Payment Required"),
            (413, "Content Too Large"),
            (416, "Range Not Satisfiable"),
            (422, "Unprocessable Content"),
            (423, "Locked"),
            (431, "Request Header Fields Too Large"),
            (451, "Unavailable For Legal Reasons"),
            (511, "Network Authentication Required"),
        ] {
            assert_eq!(phrase(status(code)), expected);
        }
    }

    /// Where `http` knows a phrase and RFC 9110 did not rename it, the two must agree.
    #[test]
    fn every_registered_error_has_its_own_phrase_and_code() {
        let renamed_or_unused = [413, 418, 422, 510];
        for number in 400..=599 {
            let status = status(number);
            let expected = status.canonical_reason();
            if let Some(expected) = expected
                && !renamed_or_unused.contains(&number)
            {
                assert_eq!(phrase(status), expected);
                let as_code = expected.to_uppercase().replace([' ', '-'], "_");
                assert_eq!(code(status), as_code);
            }
        }
    }

    #[test]
    fn unregistered_codes_read_as_their_class() {
        assert_eq!(phrase(status(499)), "Client Error");
        assert_eq!(code(status(599)), "SERVER_ERROR");
        assert_eq!(phrase(status(999)), "Unknown Status");
        assert_eq!(phrase(status(302)), "Found");
    }
}
