use std::{any::Any, fmt, sync::Arc};

use http::Extensions;

use crate::{ApiKey, Claims, challenge::Realm};

/// Who makes a request, as far as it matters for what they may do.
///
/// [`BearerLayer`](crate::BearerLayer) puts it into the extensions of the request, beside the claims, and
/// [`ApiKeyLayer`](crate::ApiKeyLayer) beside the key. It has no type parameter, so that a
/// [`Require`](crate::Require) fits every service. Clones share everything.
#[derive(Clone)]
pub struct Principal(Arc<dyn Party>);

/// What speaks for somebody.
trait Party: Any + Send + Sync {
    fn subject(&self) -> &str;
    fn session_id(&self) -> Option<&str>;
    fn scopes(&self) -> &[String];
    fn roles(&self) -> &[String];
}

impl<C: Send + Sync + 'static> Party for Claims<C> {
    fn subject(&self) -> &str {
        &self.subject
    }

    fn session_id(&self) -> Option<&str> {
        self.session_id.as_deref()
    }

    fn scopes(&self) -> &[String] {
        &self.scopes
    }

    fn roles(&self) -> &[String] {
        &self.roles
    }
}

impl Party for ApiKey {
    fn subject(&self) -> &str {
        &self.subject
    }

    fn session_id(&self) -> Option<&str> {
        None
    }

    fn scopes(&self) -> &[String] {
        &self.scopes
    }

    fn roles(&self) -> &[String] {
        &self.roles
    }
}

impl Principal {
    /// The one who makes the request with these extensions, if they are known.
    #[must_use]
    pub fn in_extensions(extensions: &Extensions) -> Option<&Self> {
        Authentication::in_extensions(extensions)?
            .principal
            .as_ref()
    }

    /// Whom the credentials speak for.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.0.subject()
    }

    /// The session that the credentials belong to.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        self.0.session_id()
    }

    /// What the client may do.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        self.0.scopes()
    }

    /// Whether the client may do this.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes().iter().any(|granted| granted == scope)
    }

    /// What the subject is.
    #[must_use]
    pub fn roles(&self) -> &[String] {
        self.0.roles()
    }

    /// Whether the subject is this.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles().iter().any(|held| held == role)
    }

    /// The claims of the access token, if `C` is the type that the layer reads.
    #[must_use]
    pub fn claims<C: 'static>(&self) -> Option<&Claims<C>> {
        let party: &dyn Any = &*self.0;
        party.downcast_ref()
    }

    /// The API key, if the request was made with one.
    #[must_use]
    pub fn api_key(&self) -> Option<&ApiKey> {
        let party: &dyn Any = &*self.0;
        party.downcast_ref()
    }
}

impl From<Arc<ApiKey>> for Principal {
    fn from(key: Arc<ApiKey>) -> Self {
        Self(key)
    }
}

impl<C: Send + Sync + 'static> From<Arc<Claims<C>>> for Principal {
    fn from(claims: Arc<Claims<C>>) -> Self {
        Self(claims)
    }
}

impl<C: Send + Sync + 'static> From<Claims<C>> for Principal {
    fn from(claims: Claims<C>) -> Self {
        Arc::new(claims).into()
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal")
            .field("subject", &self.subject())
            .field("session_id", &self.session_id())
            .field("scopes", &self.scopes())
            .field("roles", &self.roles())
            .finish_non_exhaustive()
    }
}

/// In the extensions of a request that an authentication layer has let pass. Its absence is how
/// [`RequireLayer`](crate::RequireLayer) finds out that there is none.
#[derive(Clone, Debug)]
pub(crate) struct Authentication {
    /// `None` when the request has no credentials, and needs none to pass.
    pub(crate) principal: Option<Principal>,
    pub(crate) realm: Realm,
}

impl Authentication {
    pub(crate) fn in_extensions(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    /// Tells that this layer knows nobody. Another one further out may, and what it calls the place counts, if it calls it
    /// anything.
    pub(crate) fn nobody(extensions: &mut Extensions, realm: &Realm) {
        match extensions.get_mut::<Self>() {
            Some(known) if known.realm == Realm::default() => known.realm = realm.clone(),
            Some(_) => {}
            None => {
                extensions.insert(Self {
                    principal: None,
                    realm: realm.clone(),
                });
            }
        }
    }
}
