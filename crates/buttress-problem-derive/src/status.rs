//! The statuses that a problem can have, known by number at macro time: whether a detail may be
//! sent depends on it, and a wrong one is reported where it stands.

use syn::{Ident, LitInt, Path, ext::IdentExt, parse::ParseStream};

/// A status from 400 to 599.
#[derive(Clone)]
pub(crate) struct Status {
    pub(crate) number: u16,
    /// The constant of `http::StatusCode`, when it was given by name.
    pub(crate) name: Option<Ident>,
}

impl Status {
    pub(crate) fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        const ALLOWED: &str = "allowed is a number from 400 to 599, or the name of a constant of \
                               `http::StatusCode` for one, such as `NOT_FOUND`";
        if input.peek(LitInt) {
            let literal: LitInt = input.parse()?;
            let number = literal.base10_parse().ok();
            let number = number.filter(|number| (400..=599).contains(number));
            return number
                .map(|number| Self { number, name: None })
                .ok_or_else(|| {
                    let message = format!("`{literal}` is not the status of a problem: {ALLOWED}");
                    syn::Error::new(literal.span(), message)
                });
        }
        if !input.peek(Ident::peek_any) {
            return Err(input.error(format!("expected a status: {ALLOWED}")));
        }
        let path = input.call(Path::parse_mod_style)?;
        let name = path.get_ident();
        let number = name.and_then(|name| number_of(&name.to_string()));
        match (name, number) {
            (Some(name), Some(number)) => Ok(Self {
                number,
                name: Some(name.clone()),
            }),
            (Some(name), None) => {
                let message = format!("`{name}` is not the status of a problem: {ALLOWED}");
                Err(syn::Error::new(name.span(), message))
            }
            (None, _) => {
                let message = "the name of the constant alone, without a path";
                Err(syn::Error::new_spanned(path, message))
            }
        }
    }
}

/// The names in `http::StatusCode`.
const NAMES: [(u16, &str); 40] = [
    (400, "BAD_REQUEST"),
    (401, "UNAUTHORIZED"),
    (402, "PAYMENT_REQUIRED"),
    (403, "FORBIDDEN"),
    (404, "NOT_FOUND"),
    (405, "METHOD_NOT_ALLOWED"),
    (406, "NOT_ACCEPTABLE"),
    (407, "PROXY_AUTHENTICATION_REQUIRED"),
    (408, "REQUEST_TIMEOUT"),
    (409, "CONFLICT"),
    (410, "GONE"),
    (411, "LENGTH_REQUIRED"),
    (412, "PRECONDITION_FAILED"),
    (413, "PAYLOAD_TOO_LARGE"),
    (414, "URI_TOO_LONG"),
    (415, "UNSUPPORTED_MEDIA_TYPE"),
    (416, "RANGE_NOT_SATISFIABLE"),
    (417, "EXPECTATION_FAILED"),
    (418, "IM_A_TEAPOT"),
    (421, "MISDIRECTED_REQUEST"),
    (422, "UNPROCESSABLE_ENTITY"),
    (423, "LOCKED"),
    (424, "FAILED_DEPENDENCY"),
    (425, "TOO_EARLY"),
    (426, "UPGRADE_REQUIRED"),
    (428, "PRECONDITION_REQUIRED"),
    (429, "TOO_MANY_REQUESTS"),
    (431, "REQUEST_HEADER_FIELDS_TOO_LARGE"),
    (451, "UNAVAILABLE_FOR_LEGAL_REASONS"),
    (500, "INTERNAL_SERVER_ERROR"),
    (501, "NOT_IMPLEMENTED"),
    (502, "BAD_GATEWAY"),
    (503, "SERVICE_UNAVAILABLE"),
    (504, "GATEWAY_TIMEOUT"),
    (505, "HTTP_VERSION_NOT_SUPPORTED"),
    (506, "VARIANT_ALSO_NEGOTIATES"),
    (507, "INSUFFICIENT_STORAGE"),
    (508, "LOOP_DETECTED"),
    (510, "NOT_EXTENDED"),
    (511, "NETWORK_AUTHENTICATION_REQUIRED"),
];

/// The number of an error status, by its name in `http::StatusCode`.
fn number_of(name: &str) -> Option<u16> {
    let (number, _) = NAMES.iter().find(|(_, known)| *known == name)?;
    Some(*number)
}

/// The code that `buttress-problem` gives to a problem that says no more than its status.
pub(crate) fn code_of(number: u16) -> &'static str {
    match number {
        // The names that RFC 9110 changed.
        413 => return "CONTENT_TOO_LARGE",
        422 => return "UNPROCESSABLE_CONTENT",
        // "(Unused)" and "obsoleted" in the registry.
        418 | 510 => {}
        _ => {
            if let Some((_, name)) = NAMES.iter().find(|(known, _)| *known == number) {
                return name;
            }
        }
    }
    if number < 500 {
        "CLIENT_ERROR"
    } else {
        "SERVER_ERROR"
    }
}

#[cfg(test)]
mod tests {
    use buttress_problem::Problem;
    use http::StatusCode;

    use super::*;

    /// The phrases of `http` are its constants in words, so this fails when it gains a constant.
    #[test]
    fn every_error_status_of_http_has_its_name() {
        for number in 400..=599 {
            let phrase = StatusCode::from_u16(number).unwrap().canonical_reason();
            let name = phrase.map(|phrase| {
                let phrase = phrase.replace('\'', "").replace([' ', '-'], "_");
                phrase.to_ascii_uppercase()
            });
            let known = NAMES.iter().find(|(known, _)| *known == number);
            assert_eq!(known.map(|(_, name)| *name), name.as_deref(), "{number}");
        }
    }

    #[test]
    fn the_codes_are_those_of_a_problem_made_from_the_status() {
        for number in 400..=599 {
            let problem = Problem::new(StatusCode::from_u16(number).unwrap());
            assert_eq!(problem.code(), Some(code_of(number)), "{number}");
        }
    }

    #[test]
    fn names_of_other_statuses_are_unknown() {
        assert_eq!(number_of("CONFLICT"), Some(409));
        for name in ["OK", "FOUND", "CONTINUE", "NOT_FUND", "not_found", ""] {
            assert_eq!(number_of(name), None, "{name}");
        }
    }
}
