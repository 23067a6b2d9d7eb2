use chrono::{DateTime, Utc};

/// What an access token is to say, beside what is the same in all tokens of an [`Issuer`](crate::Issuer).
///
/// ```
/// use buttress_jwt::Grant;
///
/// #[derive(serde::Serialize)]
/// struct Tenant {
///     tenant: String,
/// }
///
/// let grant = Grant::new("user-1")
///     .with_session("s-7")
///     .with_roles(["admin"])
///     .with_scopes(["orders:read", "orders:write"])
///     .with_custom(Tenant { tenant: "acme".into() });
/// # let _ = grant;
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Grant<C = ()> {
    pub(crate) subject: String,
    pub(crate) session_id: Option<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) roles: Vec<String>,
    pub(crate) not_after: Option<DateTime<Utc>>,
    pub(crate) custom: C,
}

impl Grant {
    /// A token that speaks for this subject.
    #[must_use]
    pub fn new(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            session_id: None,
            scopes: Vec::new(),
            roles: Vec::new(),
            not_after: None,
            custom: (),
        }
    }
}

impl<C> Grant<C> {
    /// It belongs to this session: `sid`.
    #[must_use]
    pub fn with_session(mut self, session_id: impl Into<String>) -> Self {
        self.session_id = Some(session_id.into());
        self
    }

    /// The subject has these roles: `roles`.
    #[must_use]
    pub fn with_roles<I>(mut self, roles: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.roles = roles.into_iter().map(Into::into).collect();
        self
    }

    /// The client may do this: `scope`.
    #[must_use]
    pub fn with_scopes<I>(mut self, scopes: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// What the application adds: anything that serde writes as an object. Its members stand beside the registered
    /// claims, so it may have none of their names.
    #[must_use]
    pub fn with_custom<D>(self, custom: D) -> Grant<D> {
        Grant {
            subject: self.subject,
            session_id: self.session_id,
            scopes: self.scopes,
            roles: self.roles,
            not_after: self.not_after,
            custom,
        }
    }

    /// The token is not valid beyond this time, however long the issuer's tokens are: the end of a session, say.
    #[must_use]
    pub fn not_after(mut self, end: DateTime<Utc>) -> Self {
        self.not_after = Some(end);
        self
    }
}
