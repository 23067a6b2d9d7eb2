//! What the scripts answer.

use buttress_redis::Reply;

use super::super::{last_used_first, millis};
use crate::{EndReason, Ended, Endings, Error, ErrorKind, Judged, Session, Verdict};

/// A text that may be missing, as it is kept.
pub(crate) fn optional(text: Option<&str>) -> String {
    text.map(|text| format!("+{text}")).unwrap_or_default()
}

pub(super) fn into_session(reply: Reply) -> Result<Session, Error> {
    match reply {
        Reply::Row(row) => session(&row),
        Reply::Bytes(_) | Reply::Number(_) | Reply::Nothing => Err(nonsense()),
    }
}

/// Last used first.
pub(super) fn sessions(replies: impl IntoIterator<Item = Reply>) -> Result<Vec<Session>, Error> {
    let sessions = replies.into_iter().map(into_session);
    let mut sessions = sessions.collect::<Result<Vec<_>, _>>()?;
    last_used_first(&mut sessions);
    Ok(sessions)
}

/// What the scripts of an end answer: how many have ended by it, they, and those that had before.
pub(super) fn endings(replies: Vec<Reply>) -> Result<Endings, Error> {
    let mut replies = replies.into_iter();
    let count = replies.next().and_then(|count| count.number());
    let count = count.and_then(|count| usize::try_from(count).ok());
    let ended = sessions(replies.by_ref().take(count.ok_or_else(nonsense)?))?;
    let earlier = sessions(replies)?;
    Ok(Endings { ended, earlier })
}

/// What the script of a rotation answers: nothing, or the verdict with its particulars before the session.
pub(super) fn judged(replies: &[Reply]) -> Result<Option<Judged>, Error> {
    let Some((particulars, row)) = replies.split_at_checked(5) else {
        return if replies.is_empty() {
            Ok(None)
        } else {
            Err(nonsense())
        };
    };
    let session = session(row)?;
    let verdict = verdict(particulars, &session).ok_or_else(nonsense)?;
    Ok(Some(Judged { verdict, session }))
}

fn verdict(particulars: &[Reply], session: &Session) -> Option<Verdict> {
    let [verdict, apart, salt, since, same_attempt] = particulars else {
        return None;
    };
    let generations = u32::try_from(apart.number()?).ok()?;
    let since = millis::to_duration(since.number()?);
    Some(match verdict.text()? {
        "rotated" => Verdict::Rotated,
        "reissued" => Verdict::Reissued {
            salt: salt.bytes()?.try_into().ok()?,
            since,
            same_attempt: same_attempt.text()? == "y",
        },
        "kept" => Verdict::Kept { since },
        "caught-up" => Verdict::CaughtUp,
        "ended" => Verdict::Ended(session.ended?),
        "expired" => Verdict::Expired,
        "forged" => Verdict::Forged,
        "reused" => Verdict::Reused { generations, since },
        "ahead" => Verdict::Ahead { generations },
        _ => return None,
    })
}

fn session(row: &[Reply]) -> Result<Session, Error> {
    read(row).ok_or_else(nonsense)
}

fn read(row: &[Reply]) -> Option<Session> {
    let [
        id,
        subject,
        label,
        context,
        started_at,
        last_used_at,
        idle_ms,
        ends_at,
        ended_at,
        end_reason,
    ] = row
    else {
        return None;
    };
    let text = |reply: &Reply| Some(reply.text()?.strip_prefix('+').map(str::to_owned));
    let ended = match ended_at.bytes() {
        Some(_) => Some(Ended {
            reason: EndReason::from_name(end_reason.text()?),
            at: millis::to_time(ended_at.number()?),
        }),
        None => None,
    };
    Some(Session {
        id: id.text()?.parse().ok()?,
        subject: subject.text()?.to_owned(),
        label: text(label)?,
        context: text(context)?,
        started_at: millis::to_time(started_at.number()?),
        last_used_at: millis::to_time(last_used_at.number()?),
        idle_timeout: millis::to_duration(idle_ms.number()?),
        ends_at: millis::to_time(ends_at.number()?),
        ended,
    })
}

fn nonsense() -> Error {
    Error::new(
        ErrorKind::Store,
        "a session in Redis has something else than what is written there",
    )
}
