//! Access tokens of sessions that have ended, on whichever instance.

use std::{
    convert::Infallible,
    future::ready,
    io,
    num::NonZeroU32,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use buttress_jwt::{
    BearerLayer, Beginning, Begun, Ending, Endings, Error, Grant, Judged, MemoryRefreshStore,
    Proposal, RefreshStore, Revocation, Session, SessionId, SessionRevocation, Sessions, TokenPair,
};
use buttress_testkit::http;
use bytes::Bytes;
use http_body_util::Full;
use tokio::sync::Semaphore;
use tower::{Layer, service_fn};

use super::{Login, refresh_keys};

/// A store that counts what it is asked about sessions.
#[derive(Debug)]
struct Counting {
    store: MemoryRefreshStore,
    asked: Arc<AtomicUsize>,
    question: Arc<Mutex<Behaviour>>,
}

#[derive(Clone, Debug)]
enum Behaviour {
    Answers,
    Fails,
    Hangs,
    Panics,
    /// The answer is known, and given when it is let.
    Waits(Arc<Semaphore>),
}

#[async_trait]
impl RefreshStore for Counting {
    async fn begin(&self, beginning: &Beginning) -> Result<Begun, Error> {
        self.store.begin(beginning).await
    }

    async fn rotate(&self, proposal: &Proposal) -> Result<Option<Judged>, Error> {
        self.store.rotate(proposal).await
    }

    async fn end(&self, ending: &Ending) -> Result<Endings, Error> {
        self.store.end(ending).await
    }

    async fn list(&self, subject: &str) -> Result<Vec<Session>, Error> {
        self.store.list(subject).await
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, Error> {
        let answer = self.store.find(id).await;
        self.asked.fetch_add(1, Ordering::SeqCst);
        let behaviour = self.question.lock().unwrap().clone();
        match behaviour {
            Behaviour::Answers => answer,
            Behaviour::Fails => Err(Error::store(io::Error::other("away"))),
            Behaviour::Hangs => std::future::pending().await,
            Behaviour::Panics => panic!("the store panics"),
            Behaviour::Waits(gate) => {
                gate.acquire().await.unwrap().forget();
                answer
            }
        }
    }
}

/// One instance, and another on the same store.
struct Instances {
    login: Login,
    elsewhere: Sessions,
    asked: Arc<AtomicUsize>,
    question: Arc<Mutex<Behaviour>>,
}

impl Instances {
    fn new() -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let question = Arc::new(Mutex::new(Behaviour::Answers));
        let login = Login::with_store(|store| Counting {
            store,
            asked: Arc::clone(&asked),
            question: Arc::clone(&question),
        });
        let elsewhere = Sessions::new(login.issuer.clone(), refresh_keys(), login.store.clone());
        Self {
            login,
            elsewhere,
            asked,
            question,
        }
    }

    async fn start(&self) -> TokenPair {
        self.login.sessions.start("user-1").await.unwrap()
    }

    fn set(&self, behaviour: Behaviour) {
        *self.question.lock().unwrap() = behaviour;
    }

    /// How often the store was asked since the last time.
    fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::SeqCst)
    }

    async fn status(&self, revocation: &SessionRevocation, token: &str) -> u16 {
        status(self.layer(revocation), token.to_owned()).await
    }

    fn layer(&self, revocation: &SessionRevocation) -> BearerLayer {
        BearerLayer::new(self.login.verifier.clone()).with_revocation(revocation.clone())
    }
}

pub(super) async fn status(layer: BearerLayer, token: String) -> u16 {
    let inner = service_fn(|_: ::http::Request<Full<Bytes>>| {
        ready(Ok::<_, Infallible>(::http::Response::new(
            Full::<Bytes>::from("inside"),
        )))
    });
    let request = http::get("/").header("authorization", format!("Bearer {token}"));
    request.call(layer.layer(inner)).await.status().as_u16()
}

#[tokio::test(start_paused = true)]
async fn an_end_elsewhere_holds_within_a_second_and_the_store_is_asked_once_in_it() {
    let instances = Instances::new();
    let revocation = instances.login.sessions.revocation();
    let pair = instances.start().await;
    let token = &pair.access_token.token;
    for _ in 0..10 {
        assert_eq!(instances.status(&revocation, token).await, 200);
    }
    assert_eq!(instances.asked(), 1);

    tokio::time::advance(Duration::from_millis(500)).await;
    instances.elsewhere.end_all("user-1").await.unwrap();
    assert_eq!(instances.status(&revocation, token).await, 200);
    tokio::time::advance(Duration::from_millis(500)).await;
    assert_eq!(instances.status(&revocation, token).await, 401);
    assert_eq!(instances.asked(), 1);

    // What has ended is not asked again, and a restart knows it at once.
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(instances.status(&revocation, token).await, 401);
    assert_eq!(instances.asked(), 0);
    let restarted = instances.elsewhere.revocation();
    assert_eq!(instances.status(&restarted, token).await, 401);
}

#[tokio::test(start_paused = true)]
async fn a_theft_that_is_found_elsewhere_ends_the_access_tokens_within_a_second() {
    let instances = Instances::new();
    let revocation = instances.login.sessions.revocation();
    let stolen = instances.start().await;
    let sessions = &instances.login.sessions;
    let second = sessions.refresh(&stolen.refresh_token).await.unwrap();
    let third = sessions.refresh(&second.refresh_token).await.unwrap();
    let tokens = [stolen.clone(), second, third].map(|pair| pair.access_token.token);
    for token in &tokens {
        assert_eq!(instances.status(&revocation, token).await, 200);
    }
    let refused = instances.elsewhere.refresh(&stolen.refresh_token).await;
    assert!(refused.is_err());
    tokio::time::advance(Duration::from_secs(1)).await;
    for token in &tokens {
        assert_eq!(instances.status(&revocation, token).await, 401);
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_here_holds_at_once_also_against_an_answer_that_is_under_way() {
    let instances = Instances::new();
    let revocation = instances.login.sessions.revocation();
    let pair = instances.start().await;
    let token = &pair.access_token.token;
    assert_eq!(instances.status(&revocation, token).await, 200);
    instances.login.sessions.end_all("user-1").await.unwrap();
    assert_eq!(instances.status(&revocation, token).await, 401);
    assert_eq!(instances.asked(), 1);

    let pair = instances.start().await;
    let gate = Arc::new(Semaphore::new(0));
    instances.set(Behaviour::Waits(Arc::clone(&gate)));
    let layer = instances.layer(&revocation);
    let request = tokio::spawn(status(layer, pair.access_token.token.clone()));
    while instances.asked() == 0 {
        tokio::task::yield_now().await;
    }
    // The store has found it live, and the answer is not here yet.
    instances.login.sessions.end_all("user-1").await.unwrap();
    gate.add_permits(1);
    assert_eq!(request.await.unwrap(), 401);
    let status = instances.status(&revocation, &pair.access_token.token);
    assert_eq!(status.await, 401);
}

#[tokio::test(start_paused = true)]
async fn all_who_ask_at_once_share_one_question_and_later_ones_do_not() {
    let instances = Instances::new();
    let revocation = instances.login.sessions.revocation();
    let pair = instances.start().await;
    let gate = Arc::new(Semaphore::new(0));
    instances.set(Behaviour::Waits(Arc::clone(&gate)));
    let ask = || {
        let layer = instances.layer(&revocation);
        tokio::spawn(status(layer, pair.access_token.token.clone()))
    };
    let requests: Vec<_> = (0..64).map(|_| ask()).collect();
    while instances.asked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    // The first who asked goes away, and the question stays.
    requests[0].abort();
    tokio::time::advance(Duration::from_millis(999)).await;
    let joined = ask();
    tokio::task::yield_now().await;
    assert_eq!(instances.asked(), 1);

    // What is answered now may be older than an end which this one has to know of.
    instances.elsewhere.end_all("user-1").await.unwrap();
    tokio::time::advance(Duration::from_millis(1)).await;
    let late = ask();
    while instances.asked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(instances.asked(), 1);
    gate.add_permits(2);
    assert_eq!(late.await.unwrap(), 401);
    // Those before have had their answer from a time when the session was live, or a better one.
    for request in requests.into_iter().skip(1).chain([joined]) {
        let status = request.await.unwrap();
        assert!(status == 200 || status == 401, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_lets_nobody_in_and_is_asked_again() {
    let instances = Instances::new();
    let revocation = instances.login.sessions.revocation();
    let pair = instances.start().await;
    let token = &pair.access_token.token;
    for behaviour in [Behaviour::Fails, Behaviour::Hangs, Behaviour::Panics] {
        instances.set(behaviour.clone());
        assert_eq!(
            instances.status(&revocation, token).await,
            503,
            "{behaviour:?}"
        );
        assert_eq!(instances.asked(), 1);
        instances.set(Behaviour::Answers);
        assert_eq!(
            instances.status(&revocation, token).await,
            200,
            "{behaviour:?}"
        );
        assert_eq!(instances.asked(), 1);
        tokio::time::advance(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn questions_are_among_the_calls_that_may_wait() {
    let instances = Instances::new();
    let sessions = instances.login.sessions.clone();
    let revocation = sessions
        .with_store_calls(NonZeroU32::new(1).unwrap())
        .revocation();
    let [first, second] = [instances.start().await, instances.start().await];
    let gate = Arc::new(Semaphore::new(0));
    instances.set(Behaviour::Waits(Arc::clone(&gate)));
    let layer = instances.layer(&revocation);
    let waiting = tokio::spawn(status(layer, first.access_token.token));
    while instances.asked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let token = &second.access_token.token;
    assert_eq!(instances.status(&revocation, token).await, 503);
    assert_eq!(instances.asked(), 1);

    gate.add_permits(2);
    assert_eq!(waiting.await.unwrap(), 200);
    assert_eq!(instances.status(&revocation, token).await, 200);
}

#[tokio::test(start_paused = true)]
async fn an_age_of_nothing_asks_every_time() {
    let instances = Instances::new();
    let revocation = instances.login.sessions.revocation();
    let revocation = revocation.with_max_age(Duration::ZERO);
    let pair = instances.start().await;
    let token = &pair.access_token.token;
    for _ in 0..3 {
        assert_eq!(instances.status(&revocation, token).await, 200);
    }
    assert_eq!(instances.asked(), 3);
    instances.elsewhere.end_all("user-1").await.unwrap();
    assert_eq!(instances.status(&revocation, token).await, 401);
}

#[tokio::test(start_paused = true)]
async fn what_there_is_no_room_for_is_asked_again() {
    let instances = Instances::new();
    let revocation = instances.login.sessions.revocation().with_capacity(2);
    let mut tokens = Vec::new();
    for _ in 0..8 {
        tokens.push(instances.start().await.access_token.token);
    }
    for token in tokens.iter().chain(&tokens) {
        assert_eq!(instances.status(&revocation, token).await, 200);
    }
    assert_eq!(instances.asked(), 16);
    // It learns of ends as well.
    assert_eq!(instances.status(&revocation, &tokens[0]).await, 200);
    instances.login.sessions.end_all("user-1").await.unwrap();
    assert_eq!(instances.status(&revocation, &tokens[0]).await, 401);
}

#[tokio::test(start_paused = true)]
async fn sessions_that_nobody_knows_are_over_and_tokens_without_one_are_let_alone() {
    let instances = Instances::new();
    let revocation = instances.login.sessions.revocation();
    let issue = |grant: Grant| instances.login.issuer.issue(grant).unwrap().token;
    let bare = issue(Grant::new("user-1"));
    assert_eq!(instances.status(&revocation, &bare).await, 200);
    assert_eq!(instances.asked(), 0);
    let strange = issue(Grant::new("user-1").with_session("s-7"));
    assert_eq!(instances.status(&revocation, &strange).await, 401);
    assert_eq!(instances.asked(), 0);
    let unknown = SessionId::new("user-1").unwrap().to_string();
    let unknown = issue(Grant::new("user-1").with_session(unknown));
    assert_eq!(instances.status(&revocation, &unknown).await, 401);
    assert_eq!(instances.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_not_used_is_over_by_the_clock_of_the_store() {
    let instances = Instances::new();
    let revocation = instances.login.sessions.revocation();
    let pair = instances.start().await;
    let token = &pair.access_token.token;
    assert_eq!(instances.status(&revocation, token).await, 200);
    instances.login.there.advance(14 * super::DAY);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(instances.status(&revocation, token).await, 401);
}

#[test]
fn it_is_shared_and_shows_no_token() {
    fn check<T: Revocation + Clone + std::fmt::Debug + 'static>(revocation: &T) -> String {
        format!("{revocation:?}")
    }
    let instances = Instances::new();
    let shown = check(&instances.login.sessions.revocation());
    assert!(shown.contains("max_age: 1s"), "{shown}");
}
