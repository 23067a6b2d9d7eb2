//! Whose bucket a request is charged to.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use buttress_ratelimit::{
    ClientIp, ExtensionKey, Global, HeaderKey, Key, PeerAddr, PeerIp, RequestKey,
};
use http::{HeaderName, HeaderValue, request::Parts};
use tracing::{
    Event, Level, Metadata,
    field::{Field, Visit},
    span,
};

pub(crate) fn parts() -> Parts {
    http::Request::new(()).into_parts().0
}

pub(crate) fn from(peer: &str) -> Parts {
    let mut parts = parts();
    let peer: IpAddr = peer.parse().expect("an address");
    parts
        .extensions
        .insert(PeerAddr(SocketAddr::new(peer, 1_234)));
    parts
}

pub(crate) fn ip(text: &str) -> Key {
    text.parse::<IpAddr>().expect("an address").into()
}

/// Counts errors that name what to add.
#[derive(Clone, Default)]
pub(crate) struct Errors(Arc<AtomicU32>);

impl Errors {
    pub(crate) fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

impl tracing::Subscriber for Errors {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::ERROR
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        struct Text(String);
        impl Visit for Text {
            fn record_debug(&mut self, _: &Field, value: &dyn fmt::Debug) {
                self.0.push_str(&format!("{value:?}"));
            }
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        if text.0.contains("into_make_service_with_connect_info") && text.0.contains("PeerAddr") {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[test]
fn a_closure_is_a_key_and_so_is_what_is_shared() {
    let by_method = |parts: &Parts| Some(Key::from(parts.method.as_str()));
    let shared: Arc<dyn RequestKey> = Arc::new(by_method);
    assert_eq!(shared.key(&parts()), Some(Key::from("GET")));
    assert_eq!(
        Arc::new(Arc::clone(&shared)).key(&parts()),
        shared.key(&parts())
    );
}

/// Test 11 of the specification: addresses of one subscriber are one key, whichever way they come.
#[test]
fn a_peer_is_its_address_or_its_network() {
    let key = |peer: &str| PeerIp::new().key(&from(peer)).expect("a key");
    assert_eq!(key("192.0.2.1"), ip("192.0.2.1"));
    assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
    assert_ne!(key("::ffff:192.0.2.1"), key("::ffff:192.0.2.2"));
    assert_eq!(key("2001:db8:1:2:3::4"), key("2001:db8:1:2:ffff::"));
    assert_ne!(key("2001:db8:1:2::"), key("2001:db8:1:3::"));

    let wide = PeerIp::new().with_ipv4_prefix(24).expect("bits");
    let wide = wide.with_ipv6_prefix(48).expect("bits");
    assert_eq!(wide.key(&from("::ffff:192.0.2.1")), Some(ip("192.0.2.0")));
    assert_eq!(wide.key(&from("2001:db8:1:2::5")), Some(ip("2001:db8:1::")));
    assert_eq!(
        wide.of(&from("::ffff:192.0.2.1")),
        Some(IpAddr::from([192, 0, 2, 1]))
    );
}

#[test]
fn those_of_whom_nothing_is_known_share_a_bucket_and_one_error_is_logged() {
    let errors = Errors::default();
    tracing::subscriber::with_default(errors.clone(), || {
        let keys = PeerIp::new();
        let key = keys.key(&parts()).expect("never exempt");
        for _ in 0..10 {
            assert_eq!(keys.clone().key(&parts()).as_ref(), Some(&key));
        }
        assert_ne!(Some(key), keys.key(&from("0.0.0.0")));
        assert_eq!(keys.of(&parts()), None);
    });
    assert_eq!(errors.count(), 1);
}

#[cfg(feature = "axum")]
#[test]
fn the_connect_info_of_axum_is_a_peer() {
    use axum::extract::{ConnectInfo, connect_info::MockConnectInfo};

    let peer = |octet| SocketAddr::from(([192, 0, 2, octet], 80));
    let mut parts = parts();
    parts.extensions.insert(MockConnectInfo(peer(1)));
    assert_eq!(PeerIp::new().key(&parts), Some(ip("192.0.2.1")));
    parts.extensions.insert(ConnectInfo(peer(2)));
    assert_eq!(PeerIp::new().key(&parts), Some(ip("192.0.2.2")));
    parts.extensions.insert(PeerAddr(peer(3)));
    assert_eq!(PeerIp::new().key(&parts), Some(ip("192.0.2.3")));
}

#[derive(Clone)]
struct User(u64);

fn with_api_keys(values: &[&'static str]) -> Parts {
    let mut parts = from("192.0.2.1");
    for value in values {
        let value = HeaderValue::from_static(value);
        parts.headers.append("x-api-key", value);
    }
    parts
}

#[test]
fn the_value_of_a_header_is_a_secret_key() {
    let key = |values: &[&'static str]| HeaderKey::x_api_key().key(&with_api_keys(values));
    assert_eq!(key(&[]), None);
    let paul = key(&["paul"]).expect("a key");
    assert!(paul.is_secret() && paul == Key::secret("paul"));
    assert_ne!(key(&["eva"]), Some(paul.clone()));
    // Nobody gets new buckets by a second line, of which others may read only the first one.
    let two = key(&["paul", "1"]).expect("a key");
    assert_eq!(Some(&two), key(&["paul", "2"]).as_ref());
    assert_eq!(Some(&two), key(&["eva", "3", "4"]).as_ref());
    assert_ne!(two, paul);
    let other = HeaderKey::new(HeaderName::from_static("x-tenant"));
    assert_eq!(other.key(&with_api_keys(&["paul"])), None);
}

#[test]
fn an_extension_is_a_key_where_it_is() {
    let keys = ExtensionKey::new(|user: &User| Key::from(user.0));
    let mut parts = parts();
    assert_eq!(keys.key(&parts), None);
    parts.extensions.insert(User(7));
    assert_eq!(keys.clone().key(&parts), Some(Key::from(7_u64)));
    assert!(format!("{keys:?}").contains("User"));
}

#[test]
fn keys_are_composed() {
    let (paul, anonymous) = (with_api_keys(&["paul"]), with_api_keys(&[]));
    let address = ip("192.0.2.1");

    let either = HeaderKey::x_api_key().or(PeerIp::new());
    assert_eq!(either.key(&paul), Some(Key::secret("paul")));
    assert_eq!(either.key(&anonymous).as_ref(), Some(&address));

    let both = PeerIp::new().and(HeaderKey::x_api_key());
    let pair = address.clone().and(Key::secret("paul"));
    assert_eq!(both.key(&paul), Some(pair));
    // Whoever leaves something out is neither free nor somebody else.
    let alone = both.key(&anonymous).expect("never exempt");
    assert_ne!(alone, address);
    assert_eq!(both.key(&anonymous), Some(alone.clone()));
    let other_way = HeaderKey::x_api_key().and(PeerIp::new());
    assert_ne!(other_way.key(&anonymous), Some(alone));
    let neither = HeaderKey::x_api_key().and(HeaderKey::x_api_key());
    assert_eq!(neither.key(&anonymous), None);

    assert_eq!(Global.key(&paul), Global.key(&anonymous));
    assert_eq!(Global.key(&paul), Some(Key::global()));
    let shared: Arc<dyn RequestKey> = Arc::new(either.and(Global));
    assert!(shared.key(&anonymous).is_some());
}

#[test]
fn some_are_not_limited() {
    let client_ip = ClientIp::behind("10.0.0.0/8".parse().expect("networks"));
    let office = client_ip.within("198.51.100.0/24, 10.1.0.0/16".parse().expect("networks"));
    let keys = client_ip.and(Global).unless(office);
    let mut parts = from("10.0.0.1");
    assert!(keys.key(&parts).is_some());
    for (seen, limited) in [
        ("198.51.100.7", false),
        ("::ffff:198.51.100.7", false),
        ("203.0.113.9", true),
    ] {
        let seen = HeaderValue::from_static(seen);
        parts.headers.insert("x-forwarded-for", seen);
        assert_eq!(keys.key(&parts).is_some(), limited);
    }
    // Nobody gets free by saying so.
    let mut stranger = from("203.0.113.9");
    let office = HeaderValue::from_static("198.51.100.7");
    stranger.headers.insert("x-forwarded-for", office);
    assert!(keys.key(&stranger).is_some());
    // Nor is a stranger one whose address nobody says.
    assert!(keys.key(&crate::keys::parts()).is_some());
    assert_eq!(keys.key(&from("10.1.2.3")), None);
}
