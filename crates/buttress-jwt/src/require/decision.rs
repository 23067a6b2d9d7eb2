/// Whether somebody may do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision(pub(super) Outcome);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Allow,
    /// These scopes would change it, and nothing would if there are none.
    Deny(Vec<String>),
}

impl Decision {
    /// Whether they may.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.0 == Outcome::Allow
    }

    /// The scopes that are missing, when they are all that is missing. Where there are several ways, it is the one
    /// that lacks the fewest.
    #[must_use]
    pub fn missing_scopes(&self) -> &[String] {
        match &self.0 {
            Outcome::Allow => &[],
            Outcome::Deny(missing) => missing,
        }
    }
}
