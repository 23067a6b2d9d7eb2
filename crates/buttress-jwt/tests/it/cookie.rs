//! Cookies that hold tokens: what browsers are told, and what is read back.

use std::{convert::Infallible, time::Duration};

use buttress_jwt::{
    Algorithm, BearerLayer, ErrorKind, Issuer, KeyRing, MemoryRefreshStore, NewSession,
    RefreshKeys, RejectionKind, SameSite, Sessions, SigningKey, TokenCookie,
};
use buttress_testkit::http;
use bytes::Bytes;
use http_body_util::Full;
use proptest::prelude::*;
use tower::{Layer, service_fn};

use crate::support::{Hands, NOW, claims, peer};

const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

fn headers(fields: &[&str]) -> ::http::HeaderMap {
    let mut headers = ::http::HeaderMap::new();
    for field in fields {
        headers.append("cookie", field.parse().unwrap());
    }
    headers
}

#[test]
fn every_cookie_is_closed_to_scripts_and_neighbours() {
    let cookie = TokenCookie::host("rt").unwrap();
    assert_eq!(cookie.name(), "__Host-rt");
    assert_eq!(
        cookie.set("a.b-c_d", WEEK).unwrap(),
        "__Host-rt=a.b-c_d; Path=/; Max-Age=604800; Secure; HttpOnly; SameSite=Strict"
    );
    assert_eq!(
        cookie.clear(),
        "__Host-rt=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict"
    );

    let cookie = TokenCookie::secure("rt", "/v1/auth/refresh").unwrap();
    let cookie = cookie.with_same_site(SameSite::Lax);
    assert_eq!(
        cookie.set("t", Duration::from_millis(1999)).unwrap(),
        "__Secure-rt=t; Path=/v1/auth/refresh; Max-Age=1; Secure; HttpOnly; SameSite=Lax"
    );
    // Another path would be another cookie, and leave this one.
    assert_eq!(
        cookie.clear(),
        "__Secure-rt=; Path=/v1/auth/refresh; Max-Age=0; Secure; HttpOnly; SameSite=Lax"
    );

    let cookie = TokenCookie::insecure_loopback("rt").unwrap();
    assert_eq!(
        cookie.set("t", WEEK).unwrap(),
        "rt=t; Path=/; Max-Age=604800; HttpOnly; SameSite=Strict"
    );
}

#[test]
fn what_a_browser_would_drop_is_an_error() {
    for name in [
        "",
        "a b",
        "a;b",
        "a=b",
        "ä",
        "a\n",
        "__Host-rt",
        "__host-rt",
        "__Secure-rt",
        "__x",
    ] {
        for cookie in [
            TokenCookie::host(name),
            TokenCookie::secure(name, "/"),
            TokenCookie::insecure_loopback(name),
        ] {
            let error = cookie.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfiguration, "{name}");
        }
    }
    let long = format!("/{}", "a".repeat(1024));
    for path in ["", "a", "/a; Domain=x", "/a b", "/ä", "/\n", &long] {
        let error = TokenCookie::secure("rt", path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfiguration, "{path}");
    }
    let cookie = TokenCookie::host("rt").unwrap();
    let full = "a".repeat(4096 - "__Host-rt".len());
    cookie.set(&full, WEEK).unwrap();
    for token in [
        "",
        "a b",
        "a;b",
        "a,b",
        "\"a\"",
        "a\\b",
        "ä",
        "a\n",
        &format!("{full}a"),
    ] {
        let error = cookie.set(token, WEEK).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfiguration, "{token:.8}");
        assert!(!error.to_string().contains(&full), "{error}");
    }
}

#[test]
fn the_value_is_not_shown_where_headers_are() {
    let cookie = TokenCookie::host("rt").unwrap();
    let mut headers = ::http::HeaderMap::new();
    headers.append("set-cookie", cookie.set("the-token", WEEK).unwrap());
    assert!(!format!("{headers:?}").contains("the-token"));
}

#[test]
fn one_cookie_of_the_very_name_is_read() {
    let cookie = TokenCookie::host("rt").unwrap();
    for fields in [
        &["__Host-rt=x"][..],
        &["a=b; __Host-rt=x; c=d"],
        &["a=b", "__Host-rt=x"],
        &["__host-rt=y; __Host-rt=x; __HOST-RT=z"],
    ] {
        assert_eq!(cookie.read(&headers(fields)).unwrap(), Some("x"));
    }
    for fields in [
        &[][..],
        &["rt=x"],
        &["__Secure-rt=x"],
        &["__host-rt=x"],
        &["__Host-rt="],
    ] {
        assert_eq!(cookie.read(&headers(fields)).unwrap(), None);
    }
    for fields in [
        &["__Host-rt=x; __Host-rt=y"][..],
        &["__Host-rt=x; __Host-rt=x"],
        &["__Host-rt=x", "__Host-rt=y"],
    ] {
        let rejection = cookie.read(&headers(fields)).unwrap_err();
        assert_eq!(rejection.kind(), RejectionKind::InvalidRequest);
    }
}

/// A neighbouring domain can set `__Secure-rt` with `Domain=example.com` in a browser that has none: nothing in the
/// request tells. The same cannot be done to `__Host-rt`, which browsers take from this very host alone.
#[test]
fn one_cookie_of_a_neighbour_is_read_as_ours() {
    let secure = TokenCookie::secure("rt", "/v1/auth/refresh").unwrap();
    let host = TokenCookie::host("rt").unwrap();
    let headers = headers(&["__Secure-rt=of-the-attacker"]);
    assert_eq!(secure.read(&headers).unwrap(), Some("of-the-attacker"));
    assert_eq!(host.read(&headers).unwrap(), None);
}

#[tokio::test]
async fn it_lives_as_long_as_the_session_and_the_token() {
    let hands = Hands::at(NOW);
    let key = SigningKey::generate(Algorithm::EdDSA).unwrap();
    let ring = KeyRing::new(key).unwrap();
    let issuer = Issuer::new("https://api.example.com", "shop", ring).with_clock(hands.clock());
    let store = MemoryRefreshStore::new().with_clock(hands.clock());
    let sessions = Sessions::new(issuer, RefreshKeys::new(1, [7; 32]).unwrap(), store);
    let new = NewSession::new("user-1")
        .with_idle_timeout(Duration::from_secs(1000))
        .with_lifetime(Duration::from_secs(1500));
    let pair = sessions.start(new).await.unwrap();

    let refresh = TokenCookie::secure("rt", "/refresh").unwrap();
    let access = TokenCookie::host("at").unwrap();
    let value = refresh.set_refresh_token(&pair).unwrap();
    let value = value.to_str().unwrap();
    let expected = format!(
        "__Secure-rt={}; Path=/refresh; Max-Age=1000; ",
        pair.refresh_token
    );
    assert!(value.starts_with(&expected), "{value}");
    let value = access.set_access_token(&pair.access_token).unwrap();
    let value = value.to_str().unwrap();
    assert!(value.starts_with(&format!("__Host-at={}; ", pair.access_token.token)));
    assert!(value.contains("; Max-Age=900; "), "{value}");

    // The absolute end comes before the idle one, and before that of other access tokens.
    hands.set(NOW + 900);
    let pair = sessions.refresh(&pair.refresh_token).await.unwrap();
    let value = refresh.set_refresh_token(&pair).unwrap();
    assert!(value.to_str().unwrap().contains("; Max-Age=600; "));
    let value = access.set_access_token(&pair.access_token).unwrap();
    assert!(value.to_str().unwrap().contains("; Max-Age=600; "));
}

#[tokio::test]
async fn the_layer_takes_the_token_from_it() {
    let cookie = TokenCookie::host("at").unwrap();
    let peer = peer(Algorithm::HS256);
    let layer = BearerLayer::<()>::new(peer.verifier()).with_cookie(cookie.name());
    let service = layer
        .unwrap()
        .layer(service_fn(async |_: ::http::Request<Full<Bytes>>| {
            Ok::<_, Infallible>(::http::Response::new(Full::<Bytes>::default()))
        }));
    let set = cookie.set(&peer.token(&claims()), WEEK).unwrap();
    let pair = set.to_str().unwrap().split(';').next().unwrap().to_owned();
    let request = http::get("/").header("cookie", format!("theme=dark; {pair}"));
    request.call(service.clone()).await.expect_status(200);
    http::get("/").call(service).await.expect_status(401);
}

proptest! {
    #[test]
    fn what_is_set_is_read(token in "[!#-+\\--:<-\\[\\]-~]{1,200}", others in "[a-z]{1,5}=[a-z]{0,5}") {
        let cookie = TokenCookie::host("rt").unwrap();
        let set = cookie.set(&token, WEEK).unwrap();
        let pair = set.to_str().unwrap().split(';').next().unwrap().to_owned();
        let headers = headers(&[&format!("{others}; {pair}; {others}")]);
        prop_assert_eq!(cookie.read(&headers).unwrap(), Some(&*token));
    }
}
