//! What the scripts answer.

use buttress_redis::Reply;
use chrono::{DateTime, Utc};

use super::super::grants;
use crate::{ApiKey, Digest, Environment, Error, KeptKey, KeyRotated, store::millis};

/// What the script of a rotation answers: nothing, or what became of it and the key.
pub(super) fn rotated(replies: &[Reply]) -> Result<KeyRotated, Error> {
    let (verdict, key) = match replies {
        [] => return Ok(KeyRotated::Unknown),
        [verdict, key] => (verdict, kept(key)?.key),
        _ => return Err(grants::nonsense()),
    };
    match verdict.text() {
        Some("done") => Ok(KeyRotated::Done(key)),
        Some("overlapping") => Ok(KeyRotated::Overlapping(key)),
        _ => Err(grants::nonsense()),
    }
}

pub(super) fn kept(reply: &Reply) -> Result<KeptKey, Error> {
    match reply {
        Reply::Row(row) => read(row).ok_or_else(grants::nonsense),
        Reply::Bytes(_) | Reply::Number(_) | Reply::Nothing => Err(grants::nonsense()),
    }
}

fn read(row: &[Reply]) -> Option<KeptKey> {
    let [
        id,
        subject,
        environment,
        label,
        scopes,
        roles,
        created_at,
        expires_at,
        last_used_at,
        rotated_at,
        overlaps_until,
        current,
        previous,
        read_at,
    ] = row
    else {
        return None;
    };
    let grants = |reply: &Reply| grants::read(reply.text()?).ok();
    Some(KeptKey {
        key: ApiKey {
            id: id.text()?.parse().ok()?,
            subject: subject.text()?.to_owned(),
            environment: Environment::from_name(environment.text()?)?,
            label: optional(label, |label| Some(label.text()?.to_owned()))?,
            scopes: grants(scopes)?,
            roles: grants(roles)?,
            created_at: time(created_at)?,
            expires_at: optional(expires_at, time)?,
            last_used_at: optional(last_used_at, time)?,
            rotated_at: optional(rotated_at, time)?,
            overlaps_until: optional(overlaps_until, time)?,
        },
        current: digest(current)?,
        previous: optional(previous, digest)?,
        read_at: time(read_at)?,
    })
}

/// Nothing where there is nothing, and `None` only if there is something else than what is written there.
fn optional<T>(reply: &Reply, read: impl Fn(&Reply) -> Option<T>) -> Option<Option<T>> {
    match reply {
        Reply::Nothing => Some(None),
        there => read(there).map(Some),
    }
}

fn time(reply: &Reply) -> Option<DateTime<Utc>> {
    Some(millis::to_time(reply.number()?))
}

fn digest(reply: &Reply) -> Option<Digest> {
    let bytes: [u8; 32] = reply.bytes()?.try_into().ok()?;
    Some(bytes.into())
}
