use std::fmt;

const MIN_ATTEMPT: usize = 16;
const MAX_ATTEMPT: usize = 255;

/// A refresh that a client asks for: its token, and what it says of the attempt.
///
/// A token alone will do, so that `sessions.refresh(&token)` refreshes.
#[derive(Clone, Copy)]
pub struct Refresh<'a> {
    pub(super) token: &'a str,
    pub(super) attempt: Option<&'a str>,
}

impl<'a> Refresh<'a> {
    /// With this token.
    #[must_use]
    pub fn new(token: &'a str) -> Self {
        Self {
            token,
            attempt: None,
        }
    }

    /// The client's name for this attempt, such as its `Idempotency-Key`: random, another one for each
    /// attempt, and the same one when it retries. A UUID does.
    ///
    /// Who comes back with it has proven that the first answer was lost, and gets the same tokens for as long
    /// as the session lives and has not been refreshed otherwise, [so often at
    /// most](crate::Sessions::with_reissue_limit). A name of less than 16 bytes could be guessed by whoever has
    /// an old token, and proves nothing: it counts as no name, and so does one of more than 255.
    #[must_use]
    pub fn with_attempt(mut self, attempt: impl Into<Option<&'a str>>) -> Self {
        let proves = |attempt: &&str| (MIN_ATTEMPT..=MAX_ATTEMPT).contains(&attempt.len());
        self.attempt = attempt.into().filter(proves);
        self
    }
}

impl fmt::Debug for Refresh<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refresh").finish_non_exhaustive()
    }
}

impl<'a> From<&'a str> for Refresh<'a> {
    fn from(token: &'a str) -> Self {
        Self::new(token)
    }
}

impl<'a> From<&'a String> for Refresh<'a> {
    fn from(token: &'a String) -> Self {
        Self::new(token)
    }
}
