//! Passwords: hashed with Argon2id, compared, and never kept.

use std::{
    error::Error as StdError,
    fmt,
    num::NonZeroUsize,
    panic,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::{self, phc},
};
use tokio::{sync::Semaphore, time::timeout};

use crate::domain::{Password, PasswordHash};

/// What a hash costs whoever computes it, and so whoever guesses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// KiB of memory.
    pub memory: u32,
    /// How often it is gone through.
    pub passes: u32,
}

impl Cost {
    /// What OWASP recommends at least, with one lane: 19 MiB, twice.
    pub const OWASP: Self = Self {
        memory: 19 * 1024,
        passes: 2,
    };
}

/// Hashes passwords, beside the threads that serve requests, and so many at once as there are
/// cores: each one takes its memory, and more of them would be no faster. Clones share the bound.
#[derive(Clone)]
pub struct Passwords(Arc<Inner>);

struct Inner {
    argon2: Argon2<'static>,
    decoy: PasswordHash,
    turns: Arc<Semaphore>,
    computed: AtomicU64,
}

/// What came of comparing a password.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Comparison {
    /// It is the one.
    Right {
        /// A hash of today's cost, where the one that it was compared with is of another.
        renewed: Option<PasswordHash>,
    },
    /// It is another one.
    Wrong,
}

/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

impl Passwords {
    /// Hashes at this cost.
    ///
    /// # Errors
    ///
    /// When Argon2 knows no such cost.
    pub fn new(cost: Cost) -> Result<Self, PasswordError> {
        let params =
            Params::new(cost.memory, cost.passes, 1, None).map_err(|error| failed(error.into()))?;
        // A hash that no password has and that costs as much as any other.
        let decoy = format!(
            "$argon2id$v=19$m={},t={},p=1${}${}",
            cost.memory,
            cost.passes,
            "A".repeat(22),
            "A".repeat(43)
        );
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Ok(Self(Arc::new(Inner {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            decoy: PasswordHash::new(decoy),
            turns: Arc::new(Semaphore::new(cores)),
            computed: AtomicU64::new(0),
        })))
    }

    /// Hashes a password, with a salt of its own.
    ///
    /// # Errors
    ///
    /// [`PasswordError::Busy`] when too many are in front.
    pub async fn hash(&self, password: Password) -> Result<PasswordHash, PasswordError> {
        self.in_turn(move |inner| inner.hash(&password)).await
    }

    /// Compares a password with a hash. Without one, because there is no such user, it takes as
    /// long and is [`Comparison::Wrong`].
    ///
    /// # Errors
    ///
    /// [`PasswordError::Busy`] when too many are in front, [`PasswordError::Failed`] when the hash
    /// is none.
    pub async fn compare(
        &self,
        password: Password,
        hash: Option<PasswordHash>,
    ) -> Result<Comparison, PasswordError> {
        self.in_turn(move |inner| inner.compare(&password, hash.as_ref()))
            .await
    }

    /// How many hashes have been computed: for metrics.
    pub fn computed(&self) -> u64 {
        self.0.computed.load(Ordering::Relaxed)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let waiting = self.0.turns.clone().acquire_owned();
        let turn = match timeout(PATIENCE, waiting).await {
            Ok(Ok(turn)) => turn,
            Ok(Err(_)) | Err(_) => return Err(PasswordError::Busy),
        };
        let inner = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || {
            let result = work(&inner);
            // Not before: the work goes on when the client has hung up, and so does its memory.
            drop(turn);
            result
        });
        match done.await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => panic::resume_unwind(panic),
                // The process is about to end.
                Err(_) => Err(PasswordError::Busy),
            },
        }
    }
}

impl Inner {
    fn hash(&self, password: &Password) -> Result<PasswordHash, PasswordError> {
        self.computed.fetch_add(1, Ordering::Relaxed);
        let hash: Result<phc::PasswordHash, _> = self.argon2.hash_password(password.as_bytes());
        let hash = hash.map_err(|error| failed(error.into()))?;
        Ok(PasswordHash::new(hash.to_string()))
    }

    fn compare(
        &self,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> Result<Comparison, PasswordError> {
        let known = phc::PasswordHash::new(hash.unwrap_or(&self.decoy).as_str())
            .map_err(|error| failed(error.into()))?;
        self.computed.fetch_add(1, Ordering::Relaxed);
        match self.argon2.verify_password(password.as_bytes(), &known) {
            // Nobody gets in by guessing what the decoy is the hash of.
            Ok(()) if hash.is_some() => {}
            Ok(()) | Err(password_hash::Error::PasswordInvalid) => return Ok(Comparison::Wrong),
            Err(error) => return Err(failed(error.into())),
        }
        let renewed = match self.is_current(&known) {
            true => None,
            false => Some(self.hash(password)?),
        };
        Ok(Comparison::Right { renewed })
    }

    /// Whether a new hash would cost the same.
    fn is_current(&self, hash: &phc::PasswordHash) -> bool {
        let ours = self.argon2.params();
        let of_today = |theirs: Params| {
            (theirs.m_cost(), theirs.t_cost(), theirs.p_cost())
                == (ours.m_cost(), ours.t_cost(), ours.p_cost())
        };
        hash.algorithm == Algorithm::Argon2id.ident()
            && hash.version == Some(Version::V0x13.into())
            && Params::try_from(hash).is_ok_and(of_today)
    }
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords")
            .field("argon2", &self.0.argon2)
            .finish_non_exhaustive()
    }
}

/// Why a password was neither hashed nor compared.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many are in front; the same call may succeed later.
    #[error("too many passwords are being hashed")]
    Busy,
    /// What is kept is no hash, or there are no random bytes or no memory.
    #[error("the password cannot be hashed")]
    Failed(#[source] Box<dyn StdError + Send + Sync>),
}

fn failed(error: Box<dyn StdError + Send + Sync>) -> PasswordError {
    PasswordError::Failed(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost {
        memory: 8,
        passes: 1,
    };

    fn password(text: &str) -> Password {
        Password::new(text.to_owned()).expect(text)
    }

    #[tokio::test]
    async fn a_hash_is_argon2id_at_its_cost_with_a_salt_of_its_own() {
        let passwords = Passwords::new(Cost::OWASP).expect("a cost");
        let hash = passwords
            .hash(password("correct horse"))
            .await
            .expect("hashes");
        let begin = "$argon2id$v=19$m=19456,t=2,p=1$";
        assert!(hash.as_str().starts_with(begin), "{}", hash.as_str());
        let other = passwords
            .hash(password("correct horse"))
            .await
            .expect("hashes");
        assert_ne!(hash, other);
        let right = passwords.compare(password("correct horse"), Some(hash));
        let right = right.await.expect("compares");
        assert_eq!(right, Comparison::Right { renewed: None });
        let wrong = passwords.compare(password("battery staple"), Some(other));
        assert_eq!(wrong.await.expect("compares"), Comparison::Wrong);
    }

    #[tokio::test]
    async fn every_character_counts() {
        let passwords = Passwords::new(CHEAP).expect("a cost");
        let long = "ä".repeat(128);
        let hash = passwords.hash(password(&long)).await.expect("hashes");
        for other in [&long[..254], &long.to_uppercase(), &format!("{long} ")] {
            let other = Password::presented(other.to_owned()).expect("no NUL");
            let compared = passwords.compare(other, Some(hash.clone())).await;
            assert_eq!(compared.expect("compares"), Comparison::Wrong);
        }
    }

    #[tokio::test]
    async fn without_a_hash_one_is_computed_all_the_same() {
        let passwords = Passwords::new(CHEAP).expect("a cost");
        let compared = passwords.compare(password("correct horse"), None).await;
        assert_eq!(compared.expect("compares"), Comparison::Wrong);
        assert_eq!(passwords.computed(), 1);
        // Of the same cost: else it would be renewed, or take another time.
        let inner = &passwords.0;
        let decoy = phc::PasswordHash::new(inner.decoy.as_str()).expect("a hash");
        assert!(inner.is_current(&decoy));
        assert_eq!(decoy.salt.map(|salt| salt.len()), Some(16));
        assert_eq!(decoy.hash.map(|hash| hash.len()), Some(32));
    }

    #[tokio::test]
    async fn a_hash_of_another_cost_is_renewed_when_the_password_is_right() {
        let old = Passwords::new(CHEAP).expect("a cost");
        let hash = old.hash(password("correct horse")).await.expect("hashes");
        let new = Passwords::new(Cost {
            memory: 16,
            passes: 2,
        });
        let new = new.expect("a cost");
        let wrong = new.compare(password("battery staple"), Some(hash.clone()));
        assert_eq!(wrong.await.expect("compares"), Comparison::Wrong);
        let right = new.compare(password("correct horse"), Some(hash)).await;
        let Ok(Comparison::Right {
            renewed: Some(renewed),
        }) = right
        else {
            panic!("{right:?}");
        };
        assert!(renewed.as_str().contains("$m=16,t=2,p=1$"));
        let again = new.compare(password("correct horse"), Some(renewed)).await;
        assert_eq!(
            again.expect("compares"),
            Comparison::Right { renewed: None }
        );
    }

    #[tokio::test]
    async fn what_is_no_hash_fails() {
        let passwords = Passwords::new(CHEAP).expect("a cost");
        let nonsense = PasswordHash::new("correct horse".to_owned());
        let compared = passwords.compare(password("correct horse"), Some(nonsense));
        assert!(matches!(compared.await, Err(PasswordError::Failed(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_to_wait_too_long_is_told_so() {
        let passwords = Passwords::new(CHEAP).expect("a cost");
        let turns = passwords.0.turns.clone();
        let all = u32::try_from(turns.available_permits()).expect("few");
        let busy = turns.acquire_many(all).await.expect("is open");
        let waiting = passwords.hash(password("correct horse")).await;
        assert!(matches!(waiting, Err(PasswordError::Busy)));
        drop(busy);
        assert!(passwords.hash(password("correct horse")).await.is_ok());
    }
}
