//! A row as a session, and as what became of it.

use sqlx::{Row, postgres::PgRow};

use super::{
    super::{last_used_first, millis},
    Failure,
};
use crate::{EndReason, Ended, Endings, Error, ErrorKind, Judged, Proposal, Session, Verdict};

pub(super) fn session(row: &PgRow) -> Result<Session, Failure> {
    let id: &str = row.try_get("id")?;
    let ended_at: Option<i64> = row.try_get("ended_at")?;
    let reason: Option<&str> = row.try_get("end_reason")?;
    Ok(Session {
        id: id.parse()?,
        subject: row.try_get("subject")?,
        label: row.try_get("label")?,
        context: row.try_get("context")?,
        started_at: millis::to_time(row.try_get("started_at")?),
        last_used_at: millis::to_time(row.try_get("last_used_at")?),
        idle_timeout: millis::to_duration(row.try_get("idle_ms")?),
        ends_at: millis::to_time(row.try_get("ends_at")?),
        ended: ended_at.map(|at| Ended {
            reason: EndReason::from_name(reason.unwrap_or_default()),
            at: millis::to_time(at),
        }),
    })
}

pub(super) fn judged(row: &PgRow, proposal: &Proposal) -> Result<Judged, Failure> {
    if !row.try_get::<bool, _>("done")? {
        return Err(Failure::Conflict);
    }
    let session = session(row)?;
    let generation: i64 = row.try_get("generation")?;
    let presented = i64::from(proposal.generation);
    let apart = u32::try_from(generation.abs_diff(presented)).map_err(|_| nonsense())?;
    let since = millis::to_duration(row.try_get("since")?);
    let verdict = match row.try_get("verdict")? {
        "rotated" => Verdict::Rotated,
        "reissued" => {
            let salt: &[u8] = row.try_get("salt")?;
            Verdict::Reissued {
                salt: salt.try_into().map_err(|_| nonsense())?,
                since,
                same_attempt: row.try_get("same_attempt")?,
            }
        }
        "kept" => Verdict::Kept { since },
        "caught-up" => Verdict::CaughtUp,
        "ended" => Verdict::Ended(session.ended.ok_or_else(nonsense)?),
        "expired" => Verdict::Expired,
        "forged" => Verdict::Forged,
        "reused" => Verdict::Reused {
            generations: apart,
            since,
        },
        "ahead" => Verdict::Ahead { generations: apart },
        _ => return Err(nonsense().into()),
    };
    Ok(Judged { verdict, session })
}

pub(super) fn endings(rows: &[PgRow]) -> Result<Endings, Failure> {
    let mut endings = Endings::default();
    for row in rows {
        if !row.try_get::<bool, _>("done")? {
            return Err(Failure::Conflict);
        }
        let which = match row.try_get("by_this")? {
            true => &mut endings.ended,
            false => &mut endings.earlier,
        };
        which.push(session(row)?);
    }
    last_used_first(&mut endings.ended);
    last_used_first(&mut endings.earlier);
    Ok(endings)
}

fn nonsense() -> Error {
    Error::new(
        ErrorKind::Store,
        "a row of a session has something else than what is written there",
    )
}
