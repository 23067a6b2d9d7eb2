use std::sync::Arc;

use http::{HeaderMap, HeaderValue};

use super::{RATELIMIT, RATELIMIT_POLICY, text::Text};

/// How many requests there may be at once, as it is told.
#[derive(Debug)]
pub(crate) struct Capacity {
    /// The member of `RateLimit` up to its number.
    member: Box<str>,
    field: Option<HeaderValue>,
}

impl Capacity {
    pub(crate) fn new(name: &str, requests: usize) -> Self {
        let mut field = Text::new();
        field.string(name);
        field.raw(";q=");
        field.number(requests as u64);
        field.raw(";qu=\"concurrent-requests\"");
        let mut member = Text::new();
        member.string(name);
        member.raw(";r=");
        Self {
            member: member.into_box(),
            field: field.into_value(),
        }
    }
}

/// What the answer is to tell of it: how many more there may be, and of no time, since that depends on others.
#[derive(Debug)]
pub(crate) struct Occupancy {
    capacity: Arc<Capacity>,
    free: usize,
}

impl Occupancy {
    pub(crate) fn new(capacity: &Arc<Capacity>, free: usize) -> Self {
        Self {
            capacity: Arc::clone(capacity),
            free,
        }
    }

    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let mut member = Text::new();
        member.raw(&self.capacity.member);
        member.number(self.free as u64);
        if let (Some(field), Some(member)) = (&self.capacity.field, member.into_value()) {
            headers.append(RATELIMIT_POLICY, field.clone());
            headers.append(RATELIMIT, member);
        }
    }
}
