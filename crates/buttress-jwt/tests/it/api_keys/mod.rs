//! API keys: issued, used, rotated and revoked, and the layer that takes them.

mod beside_tokens;
mod keys;
mod layer;
mod remembered;
#[cfg(feature = "testing")]
mod stores;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use buttress_jwt::{
    ApiKey, ApiKeyId, ApiKeyStore, ApiKeys, Environment, Error, KeptKey, KeyIssuance, KeyRotated,
    KeyRotation, MemoryApiKeyStore, NewApiKey, WhichKeys,
};
use tokio::sync::Semaphore;

use crate::support::{Hands, NOW};

/// A store that counts what it is asked, and does not answer as it should if it is told so.
#[derive(Clone, Debug)]
struct Counting {
    kept: MemoryApiKeyStore,
    finds: Arc<AtomicUsize>,
    uses: Arc<AtomicUsize>,
    trouble: Trouble,
    /// What it waits for when it is late.
    late: Arc<Semaphore>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Trouble {
    None,
    Fails,
    Hangs,
    HangsOnUses,
    /// It looks at once, and says only later what it saw.
    AnswersLate,
    /// It rotates and revokes only later.
    ChangesLate,
}

impl Counting {
    fn new(hands: &Hands) -> Self {
        Self {
            kept: MemoryApiKeyStore::new().with_clock(hands.clock()),
            finds: Arc::default(),
            uses: Arc::default(),
            trouble: Trouble::None,
            late: Arc::new(Semaphore::new(0)),
        }
    }

    /// Goes on with what is late, and is not late again.
    fn go_on(&self) {
        self.late.add_permits(1);
    }

    async fn be_late(&self, trouble: Trouble) {
        if self.trouble == trouble {
            let _turn = self.late.acquire().await.unwrap();
        }
    }

    /// On the same keys and counts.
    fn in_trouble(&self, trouble: Trouble) -> Self {
        Self {
            trouble,
            ..self.clone()
        }
    }

    fn finds(&self) -> usize {
        self.finds.load(Ordering::SeqCst)
    }

    fn uses(&self) -> usize {
        self.uses.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl ApiKeyStore for Counting {
    async fn insert(&self, issuance: &KeyIssuance) -> Result<ApiKey, Error> {
        self.kept.insert(issuance).await
    }

    async fn find(&self, which: &WhichKeys) -> Result<Vec<KeptKey>, Error> {
        self.finds.fetch_add(1, Ordering::SeqCst);
        match self.trouble {
            Trouble::Fails => Err(Error::store("the disk is full")),
            Trouble::Hangs => std::future::pending().await,
            _ => {
                let found = self.kept.find(which).await;
                self.be_late(Trouble::AnswersLate).await;
                found
            }
        }
    }

    async fn rotate(&self, rotation: &KeyRotation) -> Result<KeyRotated, Error> {
        self.be_late(Trouble::ChangesLate).await;
        self.kept.rotate(rotation).await
    }

    async fn revoke(&self, which: &WhichKeys) -> Result<Vec<ApiKey>, Error> {
        self.be_late(Trouble::ChangesLate).await;
        self.kept.revoke(which).await
    }

    async fn note_use(&self, id: ApiKeyId, apart: Duration) -> Result<(), Error> {
        self.uses.fetch_add(1, Ordering::SeqCst);
        if self.trouble == Trouble::HangsOnUses {
            return std::future::pending().await;
        }
        self.kept.note_use(id, apart).await
    }
}

/// Live keys of `shop` on a clock that stands still, and the store that they are in.
fn keys() -> (ApiKeys, Counting, Hands) {
    let hands = Hands::at(NOW);
    let store = Counting::new(&hands);
    (on(&store, &hands), store, hands)
}

/// Another instance on the store.
fn on(store: &Counting, hands: &Hands) -> ApiKeys {
    let keys = ApiKeys::new("shop", Environment::Live, store.clone()).unwrap();
    keys.with_clock(hands.clock())
}

/// The text of a new key of user-1.
async fn issue(keys: &ApiKeys) -> (ApiKeyId, String) {
    let new = NewApiKey::new("user-1")
        .with_scopes(["orders:read"])
        .with_roles(["machine"]);
    let issued = keys.issue(new).await.unwrap();
    (issued.key.id, issued.secret.reveal())
}

/// With a checksum that is right, by other code than that under test.
fn sealed(beginning: &str) -> String {
    let mut crc = u32::MAX;
    for byte in beginning.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xEDB8_8320
            } else {
                crc >> 1
            };
        }
    }
    let mut number = !crc;
    let mut digits = Vec::new();
    for _ in 0..6 {
        let digit = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
            [(number % 62) as usize];
        digits.insert(0, char::from(digit));
        number /= 62;
    }
    format!("{beginning}_{}", String::from_iter(digits))
}

/// The key with another secret.
fn guess(key: &str) -> String {
    let parts: Vec<_> = key.split('_').collect();
    sealed(&[parts[0], parts[1], parts[2], &"a".repeat(43)].join("_"))
}
