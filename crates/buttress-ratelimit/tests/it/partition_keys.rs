//! N5 of the specification: whose buckets an answer tells of.

use buttress_ratelimit::{ErrorKind, HeaderFormat, HeaderKey, Quota, RateLimitLayer, ResetForm};
use buttress_testkit::http::{self, Answer};
use sfv::{List, ListEntry, Parser};
use tower::Layer;

use crate::{support::hello, time::Time};

const SECRET: &[u8; 16] = b"0123456789abcdef";

/// By a header, so that the keys are secrets themselves.
fn layer(secret: &[u8]) -> RateLimitLayer {
    let limiter = Time::new().limiter([
        Quota::per_minute(2).named("minute"),
        Quota::per_day(9).named("day"),
    ]);
    let key = HeaderKey::new(::http::HeaderName::from_static("x-api-key"));
    let layer = RateLimitLayer::new(limiter).with_key(key);
    layer.with_partition_keys(secret).expect("a secret")
}

async fn get(layer: &RateLimitLayer, api_key: &str) -> Answer {
    let request = http::get("/").header("x-api-key", api_key);
    request.call(layer.layer(hello())).await
}

/// The partition key of each member.
fn partitions(answer: &Answer) -> Vec<Vec<u8>> {
    let field = answer.header("ratelimit").expect("it is told");
    let list: List = Parser::new(field).parse().expect("a list");
    let partition = |entry: &ListEntry| {
        let ListEntry::Item(item) = entry else {
            panic!("no item: {entry:?}")
        };
        let mut keys = item.params.iter().map(|(key, _)| key.as_str());
        assert!(keys.by_ref().eq(["r", "t", "pk"]), "{field}");
        let bytes = item.params["pk"].as_byte_sequence();
        bytes.expect("a sequence of bytes").to_vec()
    };
    list.iter().map(partition).collect()
}

#[tokio::test]
async fn it_is_the_same_for_the_same_key_and_for_nobody_else() {
    let ours = layer(SECRET);
    let first = get(&ours, "paul's").await.expect_status(200);
    let known = partitions(&first);
    assert_eq!(known.len(), 2);
    assert!(known[0] == known[1] && known[0].len() == 12);
    // In refusals too, and in another process.
    get(&ours, "paul's").await.expect_status(200);
    let refused = get(&ours, "paul's").await.expect_status(429);
    assert_eq!(partitions(&refused), known[..1]);
    assert_eq!(partitions(&get(&layer(SECRET), "paul's").await), known);

    assert_ne!(partitions(&get(&ours, "mary's").await), known);
    assert_ne!(
        partitions(&get(&layer(b"another secret, as long"), "paul's").await),
        known
    );
    // What is the same for everybody has none.
    let policy = first.header("ratelimit-policy").expect("it is told");
    assert_eq!(policy, r#""minute";q=2;w=60, "day";q=9;w=86400"#);
}

/// By HMAC-SHA-256 of another implementation.
#[tokio::test]
async fn it_is_a_digest_under_the_secret() {
    let answer = get(&layer(SECRET), "paul's").await;
    assert_eq!(
        answer.header("ratelimit"),
        Some(r#""minute";r=1;t=30;pk=:UZnLQdL74Z/qzSyt:, "day";r=8;t=9600;pk=:UZnLQdL74Z/qzSyt:"#)
    );
}

#[tokio::test]
async fn forms_without_a_place_for_it_have_none() {
    let older = layer(SECRET)
        .with_headers(HeaderFormat::Draft07)
        .with_x_headers(ResetForm::DeltaSeconds);
    let answer = get(&older, "paul's").await;
    assert_eq!(
        answer.header("ratelimit"),
        Some("limit=2, remaining=1, reset=30")
    );
    assert!(!format!("{:?}", answer.headers()).contains("pk"));
}

#[test]
fn secrets_that_can_be_guessed_stop_the_start_and_none_is_shown() {
    let limiter = Time::new().limiter([Quota::per_minute(2)]);
    for secret in ["", "0123456789abcde"] {
        let layer = RateLimitLayer::new(limiter.clone());
        let error = layer.with_partition_keys(secret).expect_err("too short");
        assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
        let text = error.to_string();
        assert!(
            text.contains(&format!("{} bytes", secret.len())) && text.contains("16"),
            "{text}"
        );
    }
    let shown = format!("{:?}", layer(b"a secret that nobody sees"));
    assert!(!shown.contains("nobody sees"), "{shown}");
}
