//! The Redis store while a slot of its cluster is being moved.

use std::sync::Arc;

use buttress_jwt::{ErrorKind, RedisRefreshStore, Sessions};
use buttress_testkit::RedisCluster;
use redis::cluster::ClusterClient;

use super::{sessions, slot::Slot};

fn sessions_on(cluster: &RedisCluster) -> Sessions {
    let client = ClusterClient::new(cluster.urls()).expect("a client");
    sessions(Arc::new(RedisRefreshStore::new(client)))
}

/// Three families and their index: each number of them has been carried over, with the index first or last.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_stays_alive_and_out_of_the_index() {
    let cluster = RedisCluster::start().await;
    for index_first in [true, false] {
        for carried in 0..=4 {
            end_all(&cluster, index_first, carried).await;
        }
    }
}

async fn end_all(cluster: &RedisCluster, index_first: bool, carried: usize) {
    let case = format!("index first: {index_first}, carried over: {carried}");
    let subject = format!("user-{index_first}-{carried}");
    let sessions = sessions_on(cluster);
    let mut pairs = Vec::new();
    for _ in 0..3 {
        pairs.push(sessions.start(&*subject).await.expect("a session"));
    }
    let mut slot = Slot::leave(cluster, &format!("*:subject:{subject}"), index_first).await;
    assert_eq!(slot.left(), 4, "{case}");
    slot.carry(carried).await;

    // A refresh has to do with its own family only.
    for pair in &mut pairs {
        *pair = sessions.refresh(&pair.refresh_token).await.expect(&case);
    }
    let answer = sessions.end_all(&subject).await;
    slot.arrive().await;

    let mut alive = Vec::new();
    for pair in &pairs {
        let session = sessions.find(pair.session.id).await.expect("an answer");
        if session.expect("a session").ended.is_none() {
            alive.push(pair.session.id);
        }
    }
    alive.sort();
    let listed = sessions.list(&subject).await.expect("a list");
    let mut listed: Vec<_> = listed.iter().map(|session| session.id).collect();
    listed.sort();
    assert_eq!(listed, alive, "{case}");
    match answer {
        Ok(ended) => assert_eq!((ended.len(), alive.len()), (3, 0), "{case}"),
        // All or nothing.
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Store, "{case}");
            assert_eq!(alive.len(), 3, "{case}");
        }
    }
    let ended = sessions.end_all(&subject).await.expect(&case);
    assert_eq!(ended.len(), alive.len(), "{case}");
    for pair in &pairs {
        sessions
            .refresh(&pair.refresh_token)
            .await
            .expect_err(&case);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_call_waits_until_the_slot_has_arrived() {
    let cluster = RedisCluster::start().await;
    let sessions = sessions_on(&cluster);
    for _ in 0..3 {
        sessions.start("user-1").await.expect("a session");
    }
    let mut slot = Slot::leave(&cluster, "*:subject:user-1", true).await;
    slot.carry(2).await;
    let arrival = async {
        slot.is_asked().await;
        slot.arrive().await;
    };
    let (listed, ()) = tokio::join!(sessions.list("user-1"), arrival);
    assert_eq!(listed.expect("a list").len(), 3);
}

/// What ends one session marks it, wherever the index is.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_session_ends_apart_from_the_index() {
    let cluster = RedisCluster::start().await;
    let sessions = sessions_on(&cluster);
    for index_first in [true, false] {
        let subject = format!("user-{index_first}");
        let first = sessions.start(&*subject).await.expect("a session");
        let second = sessions.start(&*subject).await.expect("a session");
        let pattern = format!("*:subject:{subject}");
        let mut slot = Slot::leave(&cluster, &pattern, index_first).await;
        slot.carry(if index_first { 1 } else { 2 }).await;
        let ended = sessions.end(&subject, first.session.id).await;
        assert!(ended.expect("an end"), "{index_first}");
        slot.arrive().await;
        let listed = sessions.list(&subject).await.expect("a list");
        let listed: Vec<_> = listed.iter().map(|session| session.id).collect();
        assert_eq!(listed, [second.session.id], "{index_first}");
    }
}
