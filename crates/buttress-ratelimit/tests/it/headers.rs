//! What the answers tell, read as the standard has it.

use std::{
    convert::Infallible,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ::http::{HeaderMap, Request, Response};
use buttress_problem::ToProblem;
use buttress_ratelimit::{
    Basis, HeaderFormat, Key, OnStoreError, Quota, RateLimitHeaders, RateLimitLayer, RateLimiter,
    Rejection, ResetForm,
};
use buttress_testkit::{
    alloc,
    http::{self, Answer},
};
use bytes::Bytes;
use http_body_util::Full;
use sfv::{List, ListEntry, Parser};
use tower::{Layer, ServiceBuilder, service_fn};

use crate::{
    support::{Elsewhere, answering, hello, shared},
    time::Time,
};

const SECOND: Duration = Duration::from_secs(1);

/// The members of a field: its name, and its parameters as they were.
fn members(answer: &Answer, field: &str) -> Vec<(String, Vec<(String, i64)>)> {
    let lines: Vec<_> = answer.headers().get_all(field).iter().collect();
    // As a recipient combines them (RFC 9651, section 4.2).
    let joined = lines
        .iter()
        .map(|line| line.to_str().expect("ASCII"))
        .collect::<Vec<_>>()
        .join(",");
    let list: List = Parser::new(&joined)
        .parse()
        .unwrap_or_else(|error| panic!("{joined:?}: {error}"));
    let item = |entry: &ListEntry| {
        let ListEntry::Item(item) = entry else {
            panic!("no item: {entry:?}")
        };
        let name = item
            .bare_item
            .as_string()
            .expect("a string")
            .as_str()
            .to_owned();
        let parameters = item.params.iter();
        let number = |value: &sfv::BareItem| i64::from(value.as_integer().expect("an integer"));
        (
            name,
            parameters
                .map(|(key, value)| (key.as_str().to_owned(), number(value)))
                .collect(),
        )
    };
    list.iter().map(item).collect()
}

fn told(name: &str, parameters: &[(&str, i64)]) -> (String, Vec<(String, i64)>) {
    let parameters = parameters
        .iter()
        .map(|(key, value)| ((*key).to_owned(), *value));
    (name.to_owned(), parameters.collect())
}

async fn get(layer: &RateLimitLayer) -> Answer {
    http::get("/").call(layer.layer(hello())).await
}

/// Test 15 of the specification.
#[tokio::test]
async fn each_member_tells_of_its_own_policy() {
    let time = Time::new();
    let odd = r#"od"d\;r=9"#;
    let layer = shared(&time.limiter([
        Quota::per_second(10).burst(20).named("burst"),
        Quota::per_hour(5_000).named(odd),
        Quota::per_day(1).named("idea").shadow(),
    ]));
    let answer = get(&layer).await.expect_status(200);
    assert_eq!(
        members(&answer, "ratelimit-policy"),
        [
            told("burst", &[("q", 20), ("w", 2)]),
            told(odd, &[("q", 5_000), ("w", 3_600)])
        ]
    );
    assert_eq!(
        members(&answer, "ratelimit"),
        [
            told("burst", &[("r", 19), ("t", 1)]),
            told(odd, &[("r", 4_999), ("t", 1)])
        ]
    );
    for _ in 0..19 {
        get(&layer).await.expect_status(200);
    }
    let refused = get(&layer).await.expect_status(429);
    // Only what has refused, and when it would not any more; the policies are the same in every answer.
    assert_eq!(
        members(&refused, "ratelimit"),
        [told("burst", &[("r", 0), ("t", 1)])]
    );
    assert_eq!(
        refused.header("ratelimit-policy"),
        answer.header("ratelimit-policy")
    );
}

#[tokio::test]
async fn two_layers_make_one_list() {
    let time = Time::new();
    let day = shared(&time.limiter([Quota::per_day(9).named("day")]));
    let minute = shared(&time.limiter([Quota::per_minute(1).named("minute")]));
    let service = ServiceBuilder::new()
        .layer(day)
        .layer(minute)
        .service(hello::<Full<Bytes>>());
    let answer = http::get("/")
        .call(service.clone())
        .await
        .expect_status(200);
    assert_eq!(
        members(&answer, "ratelimit"),
        [
            told("minute", &[("r", 0), ("t", 60)]),
            told("day", &[("r", 8), ("t", 9_600)])
        ]
    );
    assert_eq!(
        members(&answer, "ratelimit-policy"),
        [
            told("minute", &[("q", 1), ("w", 60)]),
            told("day", &[("q", 9), ("w", 86_400)])
        ]
    );
    // The inner one refuses: who comes back as it says is not told to stay away for longer by the other.
    let refused = http::get("/").call(service).await.expect_status(429);
    assert_eq!(refused.header("retry-after"), Some("60"));
    assert_eq!(
        members(&refused, "ratelimit"),
        [
            told("minute", &[("r", 0), ("t", 60)]),
            told("day", &[("r", 7)])
        ]
    );
}

#[tokio::test]
async fn nobody_is_told_to_come_back_before_the_window_ends() {
    let time = Time::new();
    let layer = shared(&time.limiter([Quota::per_minute(1).named("minute")]));
    for (wait, shown) in [
        ("60", true),
        ("61", true),
        ("59", false),
        ("0", false),
        ("Sun, 06 Nov 1994 08:49:37 GMT", false),
        ("soon", false),
    ] {
        let fields: &'static [_] = vec![("retry-after", wait)].leak();
        let answer = http::get("/")
            .call(layer.layer(answering(fields)))
            .await
            .expect_status(200);
        let has_window = members(&answer, "ratelimit")[0]
            .1
            .iter()
            .any(|(key, _)| key == "t");
        assert_eq!(has_window, shown, "{wait}");
        time.pass(60 * SECOND);
    }
}

#[tokio::test]
async fn a_window_is_never_rounded_down() {
    let time = Time::new();
    let layer = shared(
        &time.limiter([Quota::per(1, Duration::from_millis(1_500))
            .burst(2)
            .named("q")]),
    );
    let answer = get(&layer).await;
    assert_eq!(
        members(&answer, "ratelimit-policy"),
        [told("q", &[("q", 2), ("w", 3)])]
    );
    assert_eq!(
        members(&answer, "ratelimit"),
        [told("q", &[("r", 1), ("t", 2)])]
    );
    get(&layer).await;
    let refused = get(&layer).await.expect_status(429);
    assert_eq!(
        members(&refused, "ratelimit"),
        [told("q", &[("r", 0), ("t", 2)])]
    );
    assert_eq!(refused.header("retry-after"), Some("2"));
}

#[tokio::test]
async fn replaced_quotas_are_told_of_at_once() {
    let time = Time::new();
    let limiter = time.limiter([Quota::per_minute(10).named("q")]);
    let layer = shared(&limiter);
    assert_eq!(
        members(&get(&layer).await, "ratelimit-policy"),
        [told("q", &[("q", 10), ("w", 60)])]
    );
    limiter
        .replace(
            [Quota::per_minute(20).named("q")],
            buttress_ratelimit::Inherit::Spent,
        )
        .unwrap();
    let answer = get(&layer).await;
    assert_eq!(
        members(&answer, "ratelimit-policy"),
        [told("q", &[("q", 20), ("w", 60)])]
    );
    assert_eq!(members(&answer, "ratelimit")[0].1[0], ("r".to_owned(), 18));
}

#[tokio::test]
async fn shadow_quotas_are_not_told_of() {
    let time = Time::new();
    let layer = shared(&time.limiter([Quota::per_day(1).shadow()]));
    for _ in 0..3 {
        let answer = get(&layer).await.expect_status(200);
        assert_eq!(answer.header("ratelimit"), None);
        assert_eq!(answer.header("ratelimit-policy"), None);
    }
}

#[tokio::test]
async fn none_and_older_forms() {
    let time = Time::new();
    let limiter: RateLimiter = time.limiter([
        Quota::per_second(10).burst(20).named("burst"),
        Quota::per_minute(6).named("minute"),
    ]);
    let layer = shared(&limiter);
    let answer = get(&layer.clone().with_headers(HeaderFormat::None)).await;
    assert!(
        answer
            .headers()
            .keys()
            .all(|name| !name.as_str().contains("ratelimit"))
    );

    let answer = get(&layer.clone().with_headers(HeaderFormat::Draft07)).await;
    assert_eq!(
        answer.header("ratelimit"),
        Some("limit=6, remaining=4, reset=20")
    );
    assert_eq!(answer.header("ratelimit-policy"), Some("6;w=60"));

    let older = layer.with_headers(HeaderFormat::None);
    let delta = older.clone().with_x_headers(ResetForm::DeltaSeconds);
    let answer = get(&delta).await;
    assert_eq!(answer.header("x-ratelimit-limit"), Some("6"));
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("3"));
    assert_eq!(answer.header("x-ratelimit-reset"), Some("30"));

    let answer = get(&older.with_x_headers(ResetForm::UnixSeconds)).await;
    let reset: u64 = answer.header("x-ratelimit-reset").unwrap().parse().unwrap();
    #[allow(clippy::disallowed_methods, reason = "the header names a date")]
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    // The test may have been stopped in between for long, but not into the past.
    assert!(
        reset <= now + 41 && reset > 1_750_000_000,
        "{reset} at {now}"
    );
    for _ in 0..2 {
        get(&delta).await.expect_status(200);
    }
    let refused = get(&delta).await.expect_status(429);
    assert_eq!(refused.header("x-ratelimit-remaining"), Some("0"));
    assert_eq!(refused.header("x-ratelimit-reset"), Some("10"));
}

#[tokio::test]
async fn of_several_limiters_the_nearest_to_its_end_is_in_fields_for_one() {
    let time = Time::new();
    let of = |quota: Quota| {
        let layer = shared(&time.limiter([quota])).with_headers(HeaderFormat::Draft07);
        layer.with_x_headers(ResetForm::DeltaSeconds)
    };
    let (few, many) = (of(Quota::per_minute(3)), of(Quota::per_minute(600)));
    for (outer, inner, left) in [(&few, &many, "2"), (&many, &few, "1")] {
        let service = ServiceBuilder::new()
            .layer(outer.clone())
            .layer(inner.clone());
        let answer = http::get("/").call(service.service(hello())).await;
        assert_eq!(answer.header("x-ratelimit-limit"), Some("3"));
        assert_eq!(answer.header("x-ratelimit-remaining"), Some(left));
        assert!(answer.header("ratelimit").unwrap().starts_with("limit=3,"));
        assert_eq!(answer.headers().get_all("ratelimit").iter().count(), 1);
    }
    let theirs = few.layer(answering(&[
        ("x-ratelimit-remaining", "many"),
        ("ratelimit", "?"),
    ]));
    let answer = http::get("/").call(theirs).await;
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("many"));
    assert_eq!(answer.header("ratelimit"), Some("?"));
}

#[tokio::test]
async fn who_asks_a_limiter_tells_the_same_as_the_layer() {
    let quotas = || {
        [
            Quota::per_second(2).named("burst"),
            Quota::per_minute(3).named("minute"),
            Quota::per_day(1).named("idea").shadow(),
        ]
    };
    for (format, older) in [
        (HeaderFormat::Draft11, None),
        (HeaderFormat::Draft11, Some(ResetForm::DeltaSeconds)),
        (HeaderFormat::Draft07, None),
        (HeaderFormat::None, Some(ResetForm::DeltaSeconds)),
        (HeaderFormat::None, None),
    ] {
        let time = Time::new();
        let mut layer = shared(&time.limiter(quotas())).with_headers(format);
        let (limiter, mut told) = (time.limiter(quotas()), RateLimitHeaders::new(format));
        if let Some(reset) = older {
            layer = layer.with_x_headers(reset);
            told = told.with_x_headers(reset);
        }
        for _ in 0..4 {
            let answer = get(&layer).await;
            let decision = limiter.check(&Key::global(), 1).await.expect("decides");
            let mut headers = HeaderMap::new();
            if let Some(rejection) = Rejection::of(&decision) {
                headers = rejection.to_problem().headers().clone();
            }
            told.write(&decision, &mut headers);
            assert_eq!(decision.is_allowed(), answer.status() == 200);
            let only_told = |headers: &HeaderMap| {
                let mut headers = headers.clone();
                headers.remove("content-type");
                headers.remove("content-length");
                headers
            };
            assert_eq!(
                only_told(&headers),
                only_told(answer.headers()),
                "{format:?}"
            );
        }
    }
}

/// N14 of the specification.
#[tokio::test]
async fn redirects_tell_nothing_if_they_are_not_to() {
    let time = Time::new();
    let layer = shared(&time.limiter([Quota::per_day(30)]))
        .with_x_headers(ResetForm::DeltaSeconds)
        .with_responder(|_| Response::builder().status(303).body(Bytes::new()).unwrap());
    let silent = layer.clone().with_redirects_untold();
    let is_told = async |layer: &RateLimitLayer, status: u16| {
        let service = service_fn(move |_: Request<Full<Bytes>>| async move {
            let response = Response::builder().status(status);
            Ok::<_, Infallible>(response.body(Full::<Bytes>::default()).unwrap())
        });
        let answer = http::get("/").call(layer.layer(service)).await;
        let fields = [
            "ratelimit",
            "ratelimit-policy",
            "x-ratelimit-limit",
            "x-ratelimit-remaining",
            "x-ratelimit-reset",
        ];
        let told = fields.map(|field| answer.header(field).is_some());
        assert!(told.iter().all(|is| *is == told[0]), "{status}: {told:?}");
        (answer.status().as_u16(), told[0])
    };
    for status in [300, 301, 302, 303, 307, 308] {
        assert_eq!(is_told(&silent, status).await, (status, false));
        assert_eq!(is_told(&layer, status).await, (status, true));
    }
    for status in [200, 299, 304, 400, 404, 500] {
        assert_eq!(is_told(&silent, status).await, (status, true));
    }
    // Refusals that send their client elsewhere are redirects too.
    while is_told(&layer, 200).await.0 == 200 {}
    assert_eq!(is_told(&layer, 200).await, (303, true));
    assert_eq!(is_told(&silent, 200).await, (303, false));
}

#[tokio::test]
async fn what_is_told_is_not_prepared_anew_when_a_store_fails_now_and_then() {
    let elsewhere = Elsewhere::default();
    let store = elsewhere
        .shared()
        .with_on_store_error(OnStoreError::Local { share: 0.5 });
    let limiter = RateLimiter::with_store(store, [Quota::per_day(100)]).unwrap();
    let stored = limiter.check(&Key::global(), 1).await.unwrap();
    elsewhere.fail();
    let local = limiter.check(&Key::global(), 1).await.unwrap();
    assert_eq!(
        (stored.basis(), local.basis()),
        (Basis::Store, Basis::Local)
    );
    let headers = RateLimitHeaders::default();
    let allocations = |decision| {
        let written = || {
            let mut fields = HeaderMap::new();
            headers.write(decision, &mut fields);
            fields
        };
        alloc::count(written).count
    };
    // Each is prepared once.
    assert!(allocations(&stored) > 0 && allocations(&local) > 0);
    let usual = allocations(&local);
    for _ in 0..3 {
        assert_eq!(allocations(&stored), usual);
        assert_eq!(allocations(&local), usual);
    }
}
