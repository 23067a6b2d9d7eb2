//! Requests and answers that are lost between a client and its server: nothing was done, or all of it.

use std::{sync::atomic::Ordering, time::Duration};

use buttress_jwt::{ErrorKind, Refresh, RefreshError, Refusal, TokenPair};
use buttress_testkit::Passage;

use super::through::{Part, Through};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_postgres_are_mended_by_a_retry() {
    are_mended_by_a_retry(&Through::to_postgres().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_redis_are_mended_by_a_retry() {
    are_mended_by_a_retry(&Through::to_redis().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_postgres_are_mended_late_by_who_proves_it() {
    are_mended_late_by_who_proves_it(&Through::to_postgres().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_redis_are_mended_late_by_who_proves_it() {
    are_mended_late_by_who_proves_it(&Through::to_redis().await).await;
}

async fn are_mended_by_a_retry(through: &Through) {
    let sessions = &through.sessions;
    for part in [Part::Request, Part::Answer] {
        for passage in [Passage::Cut, Passage::Reset] {
            let case = format!("{part:?}, {passage:?}");
            let subject = case.as_str();
            let first = sessions.start(subject).await.expect("a session");
            let id = first.session.id;
            through.told();
            lose(through, &first, None, part, passage).await;
            assert!(through.told().is_empty(), "{case}");
            let done = i64::from(part == Part::Answer);
            assert_eq!(through.generation(id).await, done, "{case}");

            let retry = sessions.refresh(&first.refresh_token).await.expect(&case);
            let expected = match part {
                Part::Request => "rotated",
                Part::Answer => "reissued",
            };
            assert_eq!(through.told(), [expected], "{case}");
            let tab = sessions.refresh(&first.refresh_token).await.expect(&case);
            assert_eq!(tab.refresh_token, retry.refresh_token, "{case}");
            assert_eq!(through.generation(id).await, 1, "{case}");

            let next = sessions.refresh(&retry.refresh_token).await.expect(&case);
            assert_eq!(through.told(), ["reissued", "rotated"], "{case}");
            assert_eq!(through.generation(id).await, 2, "{case}");
            let list = sessions.list(subject).await.expect("a list");
            assert_eq!(list, [next.session], "{case}");
        }
    }
}

async fn are_mended_late_by_who_proves_it(through: &Through) {
    const ATTEMPT: &str = "0f8d8a1e-6f43-4b6c-8f0e-1";
    const ANOTHER: &str = "0f8d8a1e-6f43-4b6c-8f0e-2";
    let (in_time, late, hour) = (5, 31, 3600);
    for (seconds, attempt, is_mended) in [
        (in_time, None, true),
        (late, None, false),
        (late, Some(ATTEMPT), true),
        (hour, Some(ATTEMPT), true),
        (hour, Some(ANOTHER), false),
        (hour, None, false),
    ] {
        let case = format!("{seconds} s, {attempt:?}");
        let sessions = &through.sessions;
        let first = sessions.start("user-1").await.expect("a session");
        let id = first.session.id;
        lose(through, &first, Some(ATTEMPT), Part::Answer, Passage::Cut).await;
        through.advance(Duration::from_secs(seconds)).await;
        through.told();

        let retry = Refresh::new(&first.refresh_token).with_attempt(attempt);
        let answer = sessions.refresh(retry).await;
        if is_mended {
            let pair = answer.expect(&case);
            assert_eq!(through.told(), ["reissued"], "{case}");
            assert_eq!(through.generation(id).await, 1, "{case}");
            sessions.refresh(&pair.refresh_token).await.expect(&case);
        } else {
            let refusal = answer.unwrap_err().refusal();
            assert!(matches!(refusal, Some(Refusal::Reused { .. })), "{case}");
            assert_eq!(through.told(), ["refused", "ended"], "{case}");
        }
    }
}

/// A refresh that fails because this part of it was lost.
async fn lose(
    through: &Through,
    pair: &TokenPair,
    attempt: Option<&str>,
    part: Part,
    passage: Passage,
) {
    let lost = through.once(pair.session.id, part, passage);
    let refresh = Refresh::new(&pair.refresh_token).with_attempt(attempt);
    match through.sessions.refresh(refresh).await {
        Err(RefreshError::Failed(error)) => assert_eq!(error.kind(), ErrorKind::Store),
        other => panic!("{part:?}: it did not fail: {other:?}"),
    }
    assert_eq!(lost.load(Ordering::SeqCst), 1, "{part:?}");
    through.proxy.resume();
}
