//! Clients that are gone when the server has committed and not answered yet.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use axum::{Router, http::StatusCode, routing::post};
use buttress_jwt::Sessions;
use buttress_testkit::{Passage, http};
use tokio::{io::AsyncWriteExt, net::TcpStream, task::yield_now};

use super::through::{Part, Through};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_postgres_leave_a_rotation_that_a_retry_gets() {
    leave_a_rotation_that_a_retry_gets(&Through::to_postgres().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_redis_leave_a_rotation_that_a_retry_gets() {
    leave_a_rotation_that_a_retry_gets(&Through::to_redis().await).await;
}

async fn leave_a_rotation_that_a_retry_gets(through: &Through) {
    let dropped = Arc::new(AtomicUsize::new(0));
    let server = http::serve(app(through.sessions.clone(), &dropped)).await;
    let first = through.sessions.start("user-1").await.expect("a session");
    let (id, token) = (first.session.id, &first.refresh_token);
    through.told();

    let held = through.once(id, Part::Answer, Passage::Hold);
    let mut client = TcpStream::connect(server.address())
        .await
        .expect("a connection");
    let request = format!(
        "POST /refresh HTTP/1.1\r\nHost: shop\r\nContent-Length: {}\r\n\r\n{token}",
        token.len()
    );
    client
        .write_all(request.as_bytes())
        .await
        .expect("a server");
    while held.load(Ordering::SeqCst) == 0 {
        yield_now().await;
    }
    drop(client);
    while dropped.load(Ordering::SeqCst) == 0 {
        yield_now().await;
    }
    assert!(through.told().is_empty());
    assert_eq!(through.generation(id).await, 1);

    // What had begun is finished, and its connection is good for the next.
    through.proxy.resume();
    let retry = http::post("/refresh").body(token.clone());
    let retry = retry.send(server.address()).await.expect_status(200);
    let another = http::post("/refresh").body(token.clone());
    let another = another.send(server.address()).await.expect_status(200);
    assert_eq!(retry.text(), another.text());
    assert_eq!(through.told(), ["rotated", "reissued", "reissued"]);
    assert_eq!(through.generation(id).await, 1);
    assert_eq!(through.proxy.accepted(), 1);
    let next = through.sessions.refresh(retry.text()).await;
    assert_eq!(next.expect("a pair").session.id, id);
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
}

/// Answers a refresh token with the next one, and counts the requests that nobody waited for.
fn app(sessions: Sessions, dropped: &Arc<AtomicUsize>) -> Router {
    let dropped = Arc::clone(dropped);
    let refresh = move |token: String| {
        let (sessions, dropped) = (sessions.clone(), Arc::clone(&dropped));
        async move {
            let unanswered = Unanswered {
                dropped,
                answered: AtomicBool::new(false),
            };
            let answer = sessions.refresh(&token).await;
            unanswered.answered.store(true, Ordering::SeqCst);
            match answer {
                Ok(pair) => (StatusCode::OK, pair.refresh_token),
                Err(error) => (StatusCode::UNAUTHORIZED, error.to_string()),
            }
        }
    };
    Router::new().route("/refresh", post(refresh))
}

struct Unanswered {
    dropped: Arc<AtomicUsize>,
    answered: AtomicBool,
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if !self.answered.load(Ordering::SeqCst) {
            self.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }
}
