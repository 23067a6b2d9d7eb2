//! Rotation: nobody meets a token whose key is not published, whatever the times.

use std::{collections::HashSet, sync::Arc, thread, time::Duration};

use buttress_jwt::{
    Algorithm, Error, ErrorKind, Grant, Issuer, KeyRing, KeySet, KeyState, Schedule, SigningKey,
    TokenErrorKind, Verifier,
};
use chrono::{DateTime, Utc};
use proptest::{collection::vec, prelude::*};

use crate::support::{AUDIENCE, Hands, ISSUER, NOW, peer, refused, verify};

const TOKEN: u64 = 900;
const CACHE: u64 = 600;
const LEAD: i64 = 600 + 300;
const HOLD: i64 = 900 + 300;

fn key() -> SigningKey {
    SigningKey::generate(Algorithm::EdDSA).unwrap()
}

fn schedule() -> Schedule {
    Schedule::new(Duration::from_secs(TOKEN), Duration::from_secs(CACHE)).unwrap()
}

fn ring(hands: &Hands) -> KeyRing {
    KeyRing::new(key())
        .unwrap()
        .with_schedule(schedule())
        .unwrap()
        .with_clock(hands.clock())
}

fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn states(ring: &KeyRing) -> Vec<KeyState> {
    ring.keys().iter().map(|key| key.state()).collect()
}

fn kind<T>(result: Result<T, Error>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

fn kid(token: &str) -> String {
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

#[test]
fn a_key_waits_signs_retires_and_leaves() {
    use KeyState::{Active, Pending, Retiring};
    let hands = Hands::at(NOW);
    let ring = ring(&hands);
    let issuer = Issuer::new(ISSUER, AUDIENCE, ring.clone()).with_clock(hands.clock());
    let verifier = Verifier::new(ISSUER, AUDIENCE, ring.clone()).with_clock(hands.clock());
    let issue = || issuer.issue(Grant::new("user-1")).unwrap().token;
    let old = ring.keys()[0].key_id().to_owned();
    assert_eq!((states(&ring), kid(&issue())), (vec![Active], old.clone()));
    assert_eq!(
        (ring.keys()[0].active_from(), ring.keys()[0].removed_at()),
        (None, None)
    );

    let next = key();
    let new = next.key_id().to_owned();
    let rotation = ring.rotate(next).unwrap();
    assert_eq!(rotation.active_from(), time(NOW + LEAD));
    assert_eq!(rotation.old_removed_at(), time(NOW + LEAD + HOLD));
    assert_eq!(
        (states(&ring), kid(&issue())),
        (vec![Active, Pending], old.clone())
    );
    assert!(ring.jwks().contains(&new) && ring.jwks().contains(&old));

    hands.set_millis((NOW + LEAD) * 1000 - 1);
    assert_eq!(
        (states(&ring), kid(&issue())),
        (vec![Active, Pending], old.clone())
    );
    let last = issue();
    hands.set(NOW + LEAD);
    assert_eq!(
        (states(&ring), kid(&issue())),
        (vec![Retiring, Active], new.clone())
    );
    // The clock is set back: the old key is still there to sign.
    hands.set(NOW + LEAD - 1);
    assert_eq!(kid(&issue()), old);

    // The last token of the old key is accepted until it ends, leeway and all.
    hands.set_millis((NOW + LEAD + 900 - 1 + 30) * 1000 - 1);
    assert!(verify(&verifier, &last).is_ok());
    hands.set(NOW + LEAD + 900 - 1 + 30);
    assert_eq!(refused(&verifier, &last), TokenErrorKind::Expired);

    hands.set_millis((NOW + LEAD + HOLD) * 1000 - 1);
    assert!(ring.jwks().contains(&old));
    hands.set(NOW + LEAD + HOLD);
    assert_eq!(states(&ring), [Active]);
    assert!(!ring.jwks().contains(&old) && ring.jwks().contains(&new));
    // §7, test 17: what has left verifies nothing.
    assert_eq!(refused(&verifier, &last), TokenErrorKind::UnknownKey);
    assert!(verify(&verifier, &issue()).is_ok());
}

#[test]
fn unsafe_schedules_are_refused() {
    let hands = Hands::at(NOW);
    let ring = ring(&hands);
    assert_eq!(
        kind(ring.rotate_at(key(), time(NOW + LEAD - 1))),
        Some(ErrorKind::UnsafeSchedule)
    );
    assert_eq!(
        kind(ring.rotate_at(key(), time(NOW - 1))),
        Some(ErrorKind::UnsafeSchedule)
    );
    assert_eq!(
        kind(ring.rotate_at(key(), DateTime::<Utc>::MAX_UTC)),
        Some(ErrorKind::UnsafeSchedule)
    );
    assert_eq!(states(&ring), [KeyState::Active]);
    let error = ring.rotate_at(key(), time(NOW)).unwrap_err().to_string();
    assert!(
        error.contains("0 s after") && error.contains("900 s are needed"),
        "{error}"
    );

    ring.rotate_at(key(), time(NOW + LEAD)).unwrap();
    assert_eq!(kind(ring.rotate(key())), Some(ErrorKind::UnsafeSchedule));
    hands.set(NOW + LEAD);
    ring.rotate(key()).unwrap();
    assert_eq!(
        states(&ring),
        [KeyState::Retiring, KeyState::Active, KeyState::Pending]
    );

    // The times of the keys that are there follow from the schedule that there is.
    let error = ring.clone().with_schedule(Schedule::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsafeSchedule);

    let fresh = || self::ring(&hands);
    let published =
        |published: i64, active: i64| kind(fresh().with_next(key(), time(published), time(active)));
    assert_eq!(published(NOW, NOW + LEAD), None);
    assert_eq!(
        published(NOW, NOW + LEAD - 1),
        Some(ErrorKind::UnsafeSchedule)
    );
}

#[test]
fn a_name_is_given_once() {
    let hands = Hands::at(NOW);
    let only = key();
    let ring = KeyRing::new(only.clone())
        .unwrap()
        .with_clock(hands.clock());
    assert_eq!(
        kind(ring.rotate(only.clone())),
        Some(ErrorKind::DuplicateKey)
    );
    let verifying = only.verifying_key().clone();
    assert_eq!(
        kind(ring.clone().with_retired(verifying, time(NOW))),
        Some(ErrorKind::DuplicateKey)
    );
    let same = key().with_key_id(only.key_id()).unwrap();
    assert_eq!(kind(ring.rotate(same)), Some(ErrorKind::DuplicateKey));
}

#[test]
fn a_stolen_key_goes_at_once() {
    let hands = Hands::at(NOW);
    let ring = ring(&hands);
    let issuer = Issuer::new(ISSUER, AUDIENCE, ring.clone()).with_clock(hands.clock());
    let verifier = Verifier::new(ISSUER, AUDIENCE, ring.clone()).with_clock(hands.clock());
    let stolen = ring.keys()[0].key_id().to_owned();
    let token = issuer.issue(Grant::new("user-1")).unwrap().token;
    assert_eq!(kind(ring.remove(&stolen)), Some(ErrorKind::UnsafeSchedule));
    assert_eq!(kind(ring.remove("nobody")), Some(ErrorKind::UnknownKey));
    assert!(verify(&verifier, &token).is_ok());

    let next = key();
    ring.rotate(next.clone()).unwrap();
    ring.remove(&stolen).unwrap();
    assert_eq!(refused(&verifier, &token), TokenErrorKind::UnknownKey);
    let token = issuer.issue(Grant::new("user-1")).unwrap().token;
    assert_eq!(kid(&token), next.key_id());
    assert!(verify(&verifier, &token).is_ok());
    assert!(!ring.jwks().contains(&stolen));
}

#[test]
fn a_key_that_waits_can_be_taken_back() {
    let hands = Hands::at(NOW);
    let ring = ring(&hands);
    let only = ring.keys()[0].key_id().to_owned();
    let next = key();
    ring.rotate(next.clone()).unwrap();
    ring.remove(next.key_id()).unwrap();
    assert_eq!((ring.keys().len(), ring.keys()[0].removed_at()), (1, None));
    hands.set(NOW + LEAD + HOLD + 1);
    assert_eq!(ring.keys()[0].key_id(), only);
    ring.rotate(key()).unwrap();
}

#[test]
fn an_instance_that_starts_in_between_agrees_with_the_others() {
    let hands = Hands::at(NOW);
    let (old, new) = (key(), key());
    let first = KeyRing::new(old.clone())
        .unwrap()
        .with_schedule(schedule())
        .unwrap()
        .with_clock(hands.clock());
    first.rotate(new.clone()).unwrap();
    // One that starts before the new key signs, and one that starts after: it has the new one only, and the
    // public half of the old one.
    let second = KeyRing::new(old.clone())
        .unwrap()
        .with_schedule(schedule())
        .unwrap()
        .with_clock(hands.clock())
        .with_next(new.clone(), time(NOW), time(NOW + LEAD))
        .unwrap();
    let third = || {
        KeyRing::new(new.clone())
            .unwrap()
            .with_schedule(schedule())
            .unwrap()
            .with_clock(hands.clock())
            .with_retired(old.verifying_key().clone(), time(NOW + LEAD))
            .unwrap()
    };
    let names = |ring: &KeyRing| {
        ring.keys()
            .iter()
            .map(|key| key.key_id().to_owned())
            .collect::<Vec<_>>()
    };
    for at in [NOW, NOW + LEAD, NOW + LEAD + HOLD - 1, NOW + LEAD + HOLD] {
        hands.set(at);
        assert_eq!(first.keys(), second.keys(), "{at}");
        if at >= NOW + LEAD {
            assert_eq!(
                (names(&first), states(&first)),
                (names(&third()), states(&third())),
                "{at}"
            );
            assert_eq!(first.jwks(), third().jwks());
        }
    }
    assert_eq!(names(&third()), [new.key_id()]);
}

#[test]
fn a_clock_that_is_set_back_finds_a_key() {
    let hands = Hands::at(NOW);
    let ring = ring(&hands);
    ring.rotate(key()).unwrap();
    hands.set(NOW + LEAD + HOLD);
    // This leaves out what is gone.
    ring.rotate(key()).unwrap();
    hands.set(NOW - 100_000);
    let issuer = Issuer::new(ISSUER, AUDIENCE, ring.clone()).with_clock(hands.clock());
    let verifier = Verifier::new(ISSUER, AUDIENCE, ring.clone()).with_clock(hands.clock());
    let token = issuer.issue(Grant::new("user-1")).unwrap().token;
    assert!(verify(&verifier, &token).is_ok());
    assert_eq!(states(&ring), [KeyState::Active, KeyState::Pending]);
}

#[test]
fn symmetric_keys_rotate_and_are_not_published() {
    let hands = Hands::at(NOW);
    let ring = KeyRing::new(peer(Algorithm::HS256).key.clone())
        .unwrap()
        .with_clock(hands.clock());
    ring.rotate(SigningKey::generate(Algorithm::HS256).unwrap())
        .unwrap();
    assert_eq!(ring.keys().len(), 2);
    assert_eq!(ring.jwks(), r#"{"keys":[]}"#);
    ring.clone()
        .with_next(key(), time(NOW), time(NOW + 99_999))
        .unwrap_err();
}

/// A rotation is seen as a whole, by every clone, from every thread.
#[test]
fn rotations_are_atomic() {
    let hands = Hands::at(NOW);
    let ring = ring(&hands);
    let start = Arc::new(std::sync::Barrier::new(5));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (ring, start, hands) = (ring.clone(), Arc::clone(&start), hands.clone());
            thread::spawn(move || {
                let issuer = Issuer::new(ISSUER, AUDIENCE, ring.clone()).with_clock(hands.clock());
                let verifier =
                    Verifier::new(ISSUER, AUDIENCE, ring.clone()).with_clock(hands.clock());
                start.wait();
                for _ in 0..300 {
                    let before = hands.seconds();
                    let token = issuer.issue(Grant::new("user-1")).unwrap().token;
                    let verified = verify(&verifier, &token);
                    // The clock may have been moved beyond the end of the token in between.
                    if hands.seconds() - before < 900 {
                        verified.unwrap();
                    }
                    let active = ring
                        .keys()
                        .iter()
                        .filter(|key| key.state() == KeyState::Active)
                        .count();
                    assert_eq!(active, 1);
                }
            })
        })
        .collect();
    start.wait();
    for round in 1..=20 {
        ring.rotate(key()).unwrap();
        hands.set(NOW + round * LEAD);
    }
    for reader in readers {
        reader.join().unwrap();
    }
    assert_eq!(
        ring.keys()
            .iter()
            .filter(|key| key.state() == KeyState::Active)
            .count(),
        1
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever the schedule and whenever keys are rotated: a token is verified by everyone who has a document
    /// that is not older than it may be, from the moment it was issued until it ends.
    #[test]
    fn no_one_meets_a_key_that_is_not_published(
        token in 60_u64..3600,
        cache in 0_u64..3600,
        waits in vec(0_i64..4000, 1..6),
    ) {
        let hands = Hands::at(NOW);
        let schedule = Schedule::new(Duration::from_secs(token), Duration::from_secs(cache)).unwrap();
        let ring = KeyRing::new(key()).unwrap().with_schedule(schedule).unwrap().with_clock(hands.clock());
        let issuer = Issuer::new(ISSUER, AUDIENCE, ring.clone())
            .with_clock(hands.clock())
            .with_lifetime(Duration::from_secs(token))
            .unwrap();
        // Documents every now and then, and tokens with when they were issued.
        let mut documents: Vec<(i64, HashSet<String>)> = Vec::new();
        let mut tokens: Vec<(i64, String)> = Vec::new();
        let mut now = NOW;
        let mut waits = waits.into_iter();
        let mut next = Some(NOW);
        let end = NOW + 40_000;
        let mut rotations = 0;
        while now < end {
            hands.set(now);
            if next.is_some_and(|at| at <= now) && ring.rotate(key()).is_ok() {
                rotations += 1;
                next = waits.next().map(|wait| now + wait);
            }
            let keys = KeySet::from_json(ring.jwks()).unwrap();
            documents.push((now, keys.iter().map(|key| key.key_id().to_owned()).collect()));
            tokens.push((now, kid(&issuer.issue(Grant::new("u")).unwrap().token)));
            now += 97;
        }
        prop_assert!(rotations > 0);
        let (token, cache) = (i64::try_from(token).unwrap(), i64::try_from(cache).unwrap());
        for (issued, kid) in &tokens {
            for (fetched, keys) in &documents {
                // Some verifier uses this document while the token is valid, with five minutes of leeway.
                let used = (*fetched..=fetched + cache).any_overlap(*issued, issued + token + 300 - 1);
                prop_assert!(!used || keys.contains(kid), "issued {issued}, document of {fetched}");
            }
        }
    }
}

trait Overlap {
    fn any_overlap(&self, from: i64, to: i64) -> bool;
}

impl Overlap for std::ops::RangeInclusive<i64> {
    fn any_overlap(&self, from: i64, to: i64) -> bool {
        *self.start() <= to && *self.end() >= from
    }
}
