//! Several processes on one Redis: the test runs its own binary again, as the others.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
};

use buttress_ratelimit::{Inherit, Key, Quota, RateLimiter};
use buttress_testkit::RedisServer;
use redis::Client;

use super::redis::store;
use crate::support::bare;

const PROCESSES: usize = 8;
const CALLERS: usize = 16;
const BURST: u32 = 500;

/// Where a process that is one of the others finds the server.
const PLACE: &str = "BUTTRESS_RATELIMIT_TEST_PLACE";

fn limiter(place: &str) -> RateLimiter {
    let (url, prefix) = place.split_once(' ').expect("a place");
    let client = Client::open(url).expect("a client");
    let quotas = [
        Quota::per_day(BURST),
        Quota::per_day(10 * BURST).named("roomy"),
    ];
    RateLimiter::with_store(bare(store(client, prefix)), quotas).expect("quotas")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn share_the_same_buckets() {
    if let Ok(place) = env::var(PLACE) {
        return be_one_of_them(limiter(&place)).await;
    }
    let server = RedisServer::shared().await;
    let place = format!("{} {}", server.url(), server.key_prefix());
    let mut others: Vec<Child> = (0..PROCESSES)
        .map(|_| {
            Command::new(env::current_exe().expect("this binary"))
                .args([
                    "--exact",
                    "--nocapture",
                    "stores::processes::share_the_same_buckets",
                ])
                .env(PLACE, &place)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("another process")
        })
        .collect();
    let mut outputs: Vec<_> = others
        .iter_mut()
        .map(|other| BufReader::new(other.stdout.take().expect("its output")).lines())
        .collect();
    for output in &mut outputs {
        let ready = output.find(|line| matches!(line.as_deref(), Ok("READY")));
        assert!(ready.is_some(), "a process did not start");
    }
    for other in &mut others {
        let input = other.stdin.as_mut().expect("its input");
        input.write_all(b"go\n").expect("it listens");
    }
    let lines = outputs.into_iter().flatten().map_while(Result::ok);
    let allowed: Vec<u32> = lines
        .filter_map(|line| line.strip_prefix("ALLOWED ")?.parse().ok())
        .collect();
    for mut other in others {
        assert!(other.wait().expect("its end").success());
    }
    assert_eq!(allowed.len(), PROCESSES);
    assert_eq!(allowed.iter().sum::<u32>(), BURST);
    // What all have spent is what one inherits.
    let limiter = limiter(&place);
    let quotas = [Quota::per_day(10 * BURST + 1).named("roomy")];
    limiter.replace(quotas, Inherit::Spent).expect("quotas");
    let decision = limiter.peek(&Key::global()).await.expect("a decision");
    let left = decision.states().next().expect("a state").remaining;
    // A token comes every 17 seconds.
    assert!((9 * BURST..9 * BURST + 3).contains(&left), "{left}");
}

async fn be_one_of_them(limiter: RateLimiter) {
    assert!(
        limiter
            .peek(&Key::global())
            .await
            .expect("a decision")
            .is_allowed()
    );
    println!("\nREADY");
    std::io::stdin()
        .read_line(&mut String::new())
        .expect("the start");
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let limiter = limiter.clone();
            tokio::spawn(async move {
                let mut allowed = 0;
                for _ in 0..10 {
                    let decision = limiter.check(&Key::global(), 1).await;
                    allowed += u32::from(decision.expect("a decision").is_allowed());
                }
                allowed
            })
        })
        .collect();
    let mut allowed = 0;
    for caller in callers {
        allowed += caller.await.expect("no panic");
    }
    println!("\nALLOWED {allowed}");
}
