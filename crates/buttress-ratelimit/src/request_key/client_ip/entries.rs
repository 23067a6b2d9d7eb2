//! The entries of a header, from the last one to the first one.

use std::{iter::Rev, net::IpAddr};

use http::{
    HeaderName, HeaderValue,
    header::{GetAll, ValueIter},
    request::Parts,
};

use super::{forwarded, node};

/// How a header is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    List,
    Forwarded,
    Single,
}

/// The entries: `None` is one that cannot be read.
pub(super) struct Entries<'a> {
    lines: Rev<ValueIter<'a, HeaderValue>>,
    /// What is left of a line.
    rest: Option<&'a [u8]>,
    form: Form,
}

impl<'a> Entries<'a> {
    pub(super) fn of(parts: &'a Parts, header: &HeaderName, form: Form) -> Self {
        let lines: GetAll<'a, HeaderValue> = parts.headers.get_all(header);
        Self {
            lines: lines.into_iter().rev(),
            rest: None,
            form,
        }
    }
}

impl Iterator for Entries<'_> {
    type Item = Option<IpAddr>;

    fn next(&mut self) -> Option<Option<IpAddr>> {
        let line = match self.rest.take() {
            Some(rest) => rest,
            None => self.lines.next()?.as_bytes(),
        };
        let split = match self.form {
            Form::List => split_last(line),
            Form::Forwarded => forwarded::split_last(line),
            // Who of two has written theirs cannot be known.
            Form::Single if self.lines.next().is_some() => None,
            Form::Single => (line.len() <= node::MAX_NODE).then_some((None, line)),
        };
        let Some((rest, last)) = split else {
            return Some(None);
        };
        self.rest = rest;
        Some(match self.form {
            Form::Forwarded => forwarded::address(last),
            Form::List | Form::Single => node::entry(last),
        })
    }
}

/// What comes before the last comma, and what comes after it. `None` when that is too long to be an address.
fn split_last(line: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    // No more is looked at than this.
    let from = line.len().saturating_sub(node::MAX_NODE + 1);
    match line[from..].iter().rposition(|byte| *byte == b',') {
        Some(at) => Some((Some(&line[..from + at]), &line[from + at + 1..])),
        None => (from == 0 && line.len() <= node::MAX_NODE).then_some((None, line)),
    }
}
