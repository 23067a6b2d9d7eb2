use buttress_ratelimit::{Key, Rejection, Reservation};

use super::{Limits, RateLimited};
use crate::domain::Email;

/// An attempt to log in with an e-mail address. It counts as one that has failed unless it is taken
/// back: whoever hangs up before the answer has had an attempt.
#[must_use = "it counts as failed unless it is taken back"]
pub(in crate::http) struct LoginAttempt(Option<Reservation>);

impl Limits {
    /// Lets somebody try to log in with this address, unless that has failed too often. It is counted
    /// before anything is compared, so that many attempts at once are no more than one after the other,
    /// and whether or not there is an account, so that nobody learns that.
    ///
    /// # Errors
    ///
    /// When there are no attempts left, for those who know the password too.
    pub(in crate::http) async fn login_attempt(
        &self,
        email: Option<&Email>,
    ) -> Result<LoginAttempt, RateLimited> {
        let (Some(limiter), Some(email)) = (&self.failed_logins, email) else {
            return Ok(LoginAttempt(None));
        };
        // An address is personal, and does not stand readable in stores.
        let key = Key::secret(email.key());
        let reservation = limiter.reserve(&key, 1).await.map_err(Rejection::from)?;
        match Rejection::of(reservation.decision()) {
            Some(rejection) => Err(rejection.into()),
            None => Ok(LoginAttempt(Some(reservation))),
        }
    }
}

impl LoginAttempt {
    /// It has not failed for what was tried.
    pub(in crate::http) async fn take_back(self) {
        if let Some(reservation) = self.0
            && let Err(error) = reservation.settle(0).await
        {
            // Nobody is kept out for that.
            tracing::warn!(%error, "a login counts as failed that has not");
        }
    }
}
