//! What a call costs on Postgres, as the messages between client and server say it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use buttress_testkit::{Direction, Passage, Proxy};

use super::through::Through;

const REFRESHES: usize = 10;

#[tokio::test]
async fn a_refresh_is_one_statement_and_so_are_the_others() {
    let through = Through::to_postgres().await;
    let sessions = &through.sessions;
    let mut pair = sessions.start("user-1").await.expect("a session");
    let id = pair.session.id;
    // Each statement is prepared once on a connection, of which there is one here.
    pair = sessions.refresh(&pair.refresh_token).await.expect("a pair");
    sessions.find(id).await.expect("a session");
    sessions.list("user-1").await.expect("a list");
    sessions.end("user-2", id).await.expect("no end");
    sessions.end_all("user-2").await.expect("no end");

    let counts = Counts::of(&through.proxy);
    let first = pair.clone();
    for _ in 0..REFRESHES {
        pair = sessions.refresh(&pair.refresh_token).await.expect("a pair");
    }
    assert_eq!(counts.take(), one_each(REFRESHES), "rotated");
    sessions.refresh(&pair.refresh_token).await.expect("a pair");
    sessions.refresh(&pair.refresh_token).await.expect("a pair");
    assert_eq!(counts.take(), one_each(2), "rotated and reissued");
    sessions.find(id).await.expect("a session");
    assert_eq!(counts.take(), one_each(1), "found");
    sessions.list("user-1").await.expect("a list");
    assert_eq!(counts.take(), one_each(1), "listed");
    let reused = sessions.refresh(&first.refresh_token).await;
    assert!(reused.unwrap_err().refusal().is_some());
    assert_eq!(counts.take(), one_each(1), "reused");
    sessions.end("user-1", id).await.expect("an end");
    assert_eq!(counts.take(), one_each(1), "ended");
    sessions.end_all("user-1").await.expect("no end");
    assert_eq!(counts.take(), one_each(1), "all ended");
    assert_eq!(through.proxy.accepted(), 1);
}

/// The kinds of messages that make statements: `Q`uery, `P`arse, `B`ind and `E`xecute of the client, and `C`ommandComplete
/// of the server, one for each statement whatever it came in. What is between, such as a `S`ync that asks whether the
/// connection is there, is none.
fn one_each(statements: usize) -> BTreeMap<(bool, char), usize> {
    [(true, 'B'), (true, 'E'), (false, 'C')]
        .map(|kind| (kind, statements))
        .into()
}

/// How often a message came, and whether it came from the client.
struct Counts(Arc<Mutex<BTreeMap<(bool, char), usize>>>);

impl Counts {
    /// From now on, when nothing is under way.
    fn of(proxy: &Proxy) -> Self {
        let counts = Self(Arc::default());
        let counted = Arc::clone(&counts.0);
        let (mut requests, mut answers) = (Vec::new(), Vec::new());
        proxy.inspect(move |direction, bytes| {
            let from_client = direction == Direction::ToServer;
            let rest = if from_client {
                &mut requests
            } else {
                &mut answers
            };
            rest.extend_from_slice(bytes);
            while let Some(kind) = next_message(rest) {
                let counts = if from_client { "QPBE" } else { "C" };
                if counts.contains(kind) {
                    let mut counted = counted.lock().unwrap();
                    *counted.entry((from_client, kind)).or_default() += 1;
                }
            }
            Passage::Pass
        });
        counts
    }

    fn take(&self) -> BTreeMap<(bool, char), usize> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// A message is a byte that says what it is, and then its length, in four bytes that count themselves.
fn next_message(bytes: &mut Vec<u8>) -> Option<char> {
    let (kind, length) = (*bytes.first()?, bytes.get(1..5)?);
    let length = u32::from_be_bytes(length.try_into().unwrap()) as usize + 1;
    if bytes.len() < length {
        return None;
    }
    bytes.drain(..length);
    Some(kind.into())
}
