/// What came of a write that the caller may refuse when it sees what is there now.
///
/// The check is called within the transaction, after the row was read and locked and before it is
/// changed, so that nothing comes between what the check has seen and what is written. What it is
/// about is the caller's business: the store knows nothing of preconditions and roles.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Outcome<T, E> {
    /// It is written, or was so already: what is there now.
    Done(T),
    /// The check refused, and everything is as it was.
    Refused(E),
    /// There is nothing to write to. Nobody asked the check.
    Missing,
}

impl<T, E> Outcome<T, E> {
    /// What is there now, or the error that the refusal, or `missing`, is to the caller.
    ///
    /// # Errors
    ///
    /// When it is not done.
    pub fn or_missing<X: From<E>>(self, missing: impl FnOnce() -> X) -> Result<T, X> {
        match self {
            Self::Done(value) => Ok(value),
            Self::Refused(refusal) => Err(refusal.into()),
            Self::Missing => Err(missing()),
        }
    }
}
