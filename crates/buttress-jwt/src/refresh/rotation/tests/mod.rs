use super::*;
use crate::{
    Digest, Session, SessionId,
    refresh::{Salt, session::later},
};

mod history;

const GRACE: Duration = Duration::from_secs(30);
const LIMIT: u32 = 100;
const IDLE: Duration = Duration::from_secs(1000);
const LIFE: Duration = Duration::from_secs(5000);

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

fn digest(byte: u8) -> Digest {
    [byte; 32].into()
}

/// That there is this digest.
#[track_caller]
fn assert_is(found: Option<Digest>, byte: u8) {
    let found = found.map(|digest| *digest.as_bytes());
    assert_eq!(found, Some([byte; 32]));
}

pub(super) fn begun() -> Family {
    Family {
        session: Session {
            id: SessionId::from_bytes([1; 16]),
            subject: "user-1".to_owned(),
            label: None,
            context: None,
            started_at: at(0),
            last_used_at: at(0),
            idle_timeout: IDLE,
            ends_at: later(at(0), LIFE),
            ended: None,
        },
        generation: 0,
        current: digest(0),
        previous: None,
        salt: None,
        rotated_at: None,
        attempt: None,
        reissues: 0,
    }
}

/// The token of a generation whose secret has the hash `generation` times one byte.
pub(super) fn present(generation: u8) -> Proposal {
    Proposal {
        session: SessionId::from_bytes([1; 16]),
        generation: u32::from(generation),
        presented: digest(generation),
        successor: digest(generation + 1),
        salt: [100 + generation; 32],
        attempt: None,
        grace: GRACE,
        reissue_limit: LIMIT,
        min_age: Duration::ZERO,
        accept_ahead: false,
    }
}

fn with_attempt(proposal: Proposal, attempt: u8) -> Proposal {
    Proposal {
        attempt: Some(digest(attempt)),
        ..proposal
    }
}

fn with_grace(proposal: Proposal, grace: Duration) -> Proposal {
    Proposal { grace, ..proposal }
}

fn believed(proposal: Proposal) -> Proposal {
    Proposal {
        accept_ahead: true,
        ..proposal
    }
}

fn patient(proposal: Proposal) -> Proposal {
    Proposal {
        min_age: Duration::from_secs(50),
        ..proposal
    }
}

fn limited(proposal: Proposal) -> Proposal {
    Proposal {
        reissue_limit: 0,
        ..proposal
    }
}

/// At generation 2, rotated at 100 and, with the attempt 9, at 200.
fn grown() -> Family {
    let mut family = begun();
    assert_eq!(family.rotate(&present(0), at(100)), Verdict::Rotated);
    let second = with_attempt(present(1), 9);
    assert_eq!(family.rotate(&second, at(200)), Verdict::Rotated);
    family
}

fn reissued(since: u64, same_attempt: bool) -> Verdict {
    Verdict::Reissued {
        salt: [101; 32],
        since: Duration::from_secs(since),
        same_attempt,
    }
}

fn reused(generations: u32, since: u64) -> Verdict {
    Verdict::Reused {
        generations,
        since: Duration::from_secs(since),
    }
}

#[test]
fn a_rotation_keeps_two_generations_and_moves_the_idle_end_alone() {
    let family = grown();
    assert_eq!(family.generation, 2);
    assert_is(Some(family.current), 2);
    assert_is(family.previous, 1);
    assert_eq!(family.salt, Some([101; 32]));
    assert_eq!(family.rotated_at, Some(at(200)));
    assert_is(family.attempt, 9);
    assert_eq!(family.session.last_used_at, at(200));
    assert_eq!(family.session.started_at, at(0));
    assert_eq!(family.session.ends_at, later(at(0), LIFE));
}

#[test]
fn every_case_has_its_verdict() {
    let wrong = |proposal: Proposal| Proposal {
        presented: digest(77),
        ..proposal
    };
    let strict = Duration::ZERO;
    let ahead = |generations| Verdict::Ahead { generations };
    let cases = [
        ("the newest", present(2), 300, Verdict::Rotated),
        ("the newest at once", present(2), 200, Verdict::Rotated),
        (
            "the newest before it was made",
            present(2),
            50,
            Verdict::Rotated,
        ),
        ("a racer", present(1), 200, reissued(0, false)),
        ("a retry", present(1), 229, reissued(29, false)),
        (
            "a retry after the clock was set back",
            present(1),
            50,
            reissued(0, false),
        ),
        ("at the end of the grace", present(1), 230, reused(1, 30)),
        ("after the grace", present(1), 231, reused(1, 31)),
        (
            "without grace",
            with_grace(present(1), strict),
            200,
            reused(1, 0),
        ),
        (
            "a proven retry without grace",
            with_grace(with_attempt(present(1), 9), strict),
            200,
            reissued(0, true),
        ),
        (
            "a proven retry, late",
            with_attempt(present(1), 9),
            1199,
            reissued(999, true),
        ),
        (
            "a proven retry in the grace",
            with_attempt(present(1), 9),
            210,
            reissued(10, true),
        ),
        (
            "another attempt, late",
            with_attempt(present(1), 8),
            300,
            reused(1, 100),
        ),
        (
            "another attempt in the grace",
            with_attempt(present(1), 8),
            210,
            reissued(10, false),
        ),
        (
            "the grandparent in the grace",
            present(0),
            201,
            reused(2, 1),
        ),
        (
            "the grandparent with the attempt",
            with_attempt(present(0), 9),
            201,
            reused(2, 1),
        ),
        ("a wrong secret", wrong(present(2)), 300, Verdict::Forged),
        (
            "a wrong secret of the parent",
            wrong(present(1)),
            201,
            reused(1, 1),
        ),
        (
            "a wrong secret with the attempt",
            wrong(with_attempt(present(1), 9)),
            201,
            reused(1, 1),
        ),
        ("one ahead", present(3), 300, ahead(1)),
        (
            "one ahead, believed",
            believed(present(3)),
            300,
            Verdict::CaughtUp,
        ),
        ("two ahead", believed(present(4)), 300, ahead(2)),
        (
            "the newest, too young",
            patient(present(2)),
            249,
            Verdict::Kept {
                since: Duration::from_secs(49),
            },
        ),
        (
            "the newest, old enough",
            patient(present(2)),
            250,
            Verdict::Rotated,
        ),
        (
            "a racer of a young one",
            patient(present(1)),
            210,
            reissued(10, false),
        ),
        (
            "a wrong secret, young",
            patient(wrong(present(2))),
            210,
            Verdict::Forged,
        ),
        ("a racer too many", limited(present(1)), 200, reused(1, 0)),
        (
            "a proven retry too many",
            limited(with_attempt(present(1), 9)),
            300,
            reused(1, 100),
        ),
        ("more ahead", present(7), 300, ahead(5)),
        (
            "the newest just in time",
            present(2),
            1199,
            Verdict::Rotated,
        ),
        (
            "the newest when idle for too long",
            present(2),
            1200,
            Verdict::Expired,
        ),
        (
            "the parent when idle for too long",
            with_attempt(present(1), 9),
            1200,
            Verdict::Expired,
        ),
        (
            "the grandparent when idle for too long",
            present(0),
            1200,
            Verdict::Expired,
        ),
        (
            "one ahead when idle for too long",
            present(3),
            1200,
            Verdict::Expired,
        ),
    ];
    for (case, proposal, time, expected) in cases {
        let before = grown();
        let mut family = before.clone();
        assert_eq!(family.rotate(&proposal, at(time)), expected, "{case}");
        let ended = family.session.ended.map(|ended| (ended.reason, ended.at));
        match expected {
            Verdict::Rotated => assert_eq!(family.generation, 3, "{case}"),
            Verdict::CaughtUp => {
                assert_eq!(family.generation, 4, "{case}");
                assert_is(family.previous, 3);
                assert_is(Some(family.current), 4);
            }
            Verdict::Kept { .. } => {
                let mut used = before;
                used.session.last_used_at = at(time);
                assert_eq!(family, used, "{case}");
            }
            Verdict::Forged => {
                assert_eq!(ended, Some((EndReason::Forged, at(time))), "{case}");
            }
            Verdict::Reissued { .. } => {
                let reissues = 1;
                assert_eq!(family, Family { reissues, ..before }, "{case}");
            }
            Verdict::Reused { .. } => {
                assert_eq!(ended, Some((EndReason::Reused, at(time))), "{case}");
            }
            Verdict::Expired => {
                assert_eq!(ended, Some((EndReason::Expired, at(time))), "{case}");
            }
            _ => assert_eq!(family, before, "{case}"),
        }
    }
}

#[test]
fn the_absolute_end_comes_however_much_it_is_used() {
    let mut family = begun();
    for generation in 0..6 {
        let time = i64::from(generation) * 900;
        assert_eq!(
            family.rotate(&present(generation), at(time)),
            Verdict::Rotated
        );
    }
    let mut early = family.clone();
    assert_eq!(early.rotate(&present(6), at(4999)), Verdict::Rotated);
    assert_eq!(early.session.ends_at, at(5000));
    assert_eq!(early.session.expires_at(), at(5000));
    assert_eq!(family.rotate(&present(6), at(5000)), Verdict::Expired);
}

#[test]
fn what_has_ended_stays_ended_for_the_first_reason() {
    let mut family = grown();
    assert!(family.end(EndReason::SignedOut, at(300)));
    let ended = family.clone();
    for proposal in [present(0), present(1), present(2), present(3)] {
        for time in [0, 300, 301, 9000] {
            let first = Ended {
                reason: EndReason::SignedOut,
                at: at(300),
            };
            assert_eq!(family.rotate(&proposal, at(time)), Verdict::Ended(first));
        }
    }
    assert!(!family.end(EndReason::Evicted, at(400)));
    assert_eq!(family, ended);
}

#[test]
fn what_is_past_its_time_ends_for_that_reason() {
    let mut family = grown();
    assert!(family.end(EndReason::SignedOut, at(1200)));
    let ended = family.session.ended.unwrap();
    assert_eq!((ended.reason, ended.at), (EndReason::Expired, at(1200)));
    let verdict = family.rotate(&present(2), at(300));
    assert_eq!(verdict, Verdict::Ended(ended));
}

#[test]
fn a_clock_that_is_set_back_revives_nothing() {
    let mut family = grown();
    assert_eq!(family.rotate(&present(2), at(1200)), Verdict::Expired);
    let verdict = family.rotate(&present(2), at(300));
    assert!(matches!(verdict, Verdict::Ended(_)), "{verdict:?}");
}

#[test]
fn retries_do_not_prolong_the_grace() {
    let mut family = grown();
    for time in 200..230 {
        let since = u64::try_from(time - 200).unwrap();
        assert_eq!(family.rotate(&present(1), at(time)), reissued(since, false));
    }
    assert_eq!(family.reissues, 30);
    assert_eq!(family.rotate(&present(1), at(230)), reused(1, 30));
}

#[test]
fn there_is_an_end_to_retries() {
    let mut family = grown();
    for _ in 0..LIMIT {
        assert_eq!(family.rotate(&present(1), at(200)), reissued(0, false));
    }
    assert_eq!(family.rotate(&present(1), at(200)), reused(1, 0));
}

#[test]
fn the_last_number_is_an_end_and_no_beginning() {
    let mut family = grown();
    family.generation = u32::MAX;
    let last = Proposal {
        generation: u32::MAX,
        ..present(2)
    };
    assert_eq!(family.rotate(&last, at(300)), Verdict::Expired);
    // Nor is a token of it believed.
    let mut family = grown();
    family.generation = u32::MAX - 1;
    let generations = 1;
    let verdict = family.rotate(&believed(last), at(300));
    assert_eq!(verdict, Verdict::Ahead { generations });
}

#[test]
fn what_opens_something_is_not_shown() {
    let shown = format!("{:?} {:?}", grown(), with_attempt(present(1), 9));
    assert!(!shown.contains("101, 101"), "{shown}");
    assert!(!shown.contains("1, 1, 1"), "{shown}");
}
