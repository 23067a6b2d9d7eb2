use std::time::Duration;

use http::{HeaderMap, HeaderValue};

use crate::{
    AccessToken, Error, ErrorKind, Rejection, TokenPair,
    credentials::{self, is_tchar},
};

/// A cookie that holds a token for a browser: the refresh token, and the access token too if that is to be.
///
/// No script can read it (`HttpOnly`), it goes over TLS only (`Secure`), and only to the host that set it: there is no
/// `Domain`. What browsers ignore without a word, such as `__Host-` with a path, cannot be made.
///
/// | | name | `Path` | what browsers promise |
/// |---|---|---|---|
/// | [`host`](Self::host) | `__Host-…` | `/` | it was set by this very host, over TLS |
/// | [`secure`](Self::secure) | `__Secure-…` | any | it was set over TLS, by this host or a neighbouring domain |
/// | [`insecure_loopback`](Self::insecure_loopback) | any | `/` | nothing |
///
/// Take [`host`](Self::host) if you can. A neighbouring domain, such as `blog.example.com` beside `api.example.com`, can
/// set a `__Secure-` cookie for both. If the browser has one from here too, there are two, which [`read`](Self::read)
/// refuses: the user is locked out. If it has none, because the user is signed out or the browser has dropped it for many
/// others, the neighbour's is the only one, and nothing in the request tells: whoever runs that domain can sign the user
/// in as themselves, and sees what the user then enters. Only `__Host-` prevents it.
///
/// `__Host-` demands the path `/`. A refresh token that is to be sent to its endpoint alone, and with no other request,
/// is therefore `__Secure-`: for hosts without neighbours, or with none but trusted ones.
///
/// ```
/// use std::time::Duration;
/// use buttress_jwt::TokenCookie;
///
/// let cookie = TokenCookie::host("rt")?;
/// assert_eq!(
///     cookie.set("the-token", Duration::from_secs(1_209_600))?,
///     "__Host-rt=the-token; Path=/; Max-Age=1209600; Secure; HttpOnly; SameSite=Strict"
/// );
/// # Ok::<_, buttress_jwt::Error>(())
/// ```
///
/// # Requests that other sites make
///
/// A cookie comes along whoever made the browser send the request. With [`SameSite::Strict`], the default, it does not
/// when another *site* did. A site is a registrable domain and its scheme: `https://evil.example.com` is the same site as
/// `https://api.example.com`, and so is every page in which somebody can run a script. Methods that change something
/// need more: refuse requests whose `Sec-Fetch-Site` or `Origin` is another origin, as the layer `csrf` of tower-http
/// does, and never change anything by `GET`. A request that has its token in `Authorization` needs none of this: no
/// browser adds that by itself.
///
/// # Whether to take it back
///
/// A refresh that is [refused](crate::RefreshError::Refused) will be refused for ever: [`clear`](Self::clear) the
/// cookie if it held the token. The exception is [`Refusal::Ahead`](crate::Refusal::Ahead), where the store may get back
/// what it has lost: leave it for as long as an operator may need. One that [failed](crate::RefreshError::Failed) may be tried again with the same token:
/// leave it alone.
///
/// # Development without TLS
///
/// On `http://localhost`, Firefox accepts all of these cookies, Chrome those without a prefix in their name, and Safari
/// none that is `Secure`. Either give the server a certificate, or use [`insecure_loopback`](Self::insecure_loopback).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct TokenCookie {
    name: Box<str>,
    path: Box<str>,
    secure: bool,
    same_site: SameSite,
}

/// Which requests a cookie comes along with. There is no `None`: a token that comes along with the requests of every
/// site belongs into `Authorization`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SameSite {
    /// Those that pages of the same site make.
    #[default]
    Strict,
    /// Also those by which the user comes from another site, by `GET`: for a token that pages are rendered with.
    Lax,
}

/// What browsers keep of a name and its value, at most (RFC 6265bis, section 5.7).
const MAX_PAIR: usize = 4096;
/// What they read of an attribute.
const MAX_PATH: usize = 1024;

impl TokenCookie {
    /// `__Host-` and this name, for all paths of this host.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfiguration`] when the name has characters that no name of a cookie has, or a prefix
    /// already.
    pub fn host(name: &str) -> Result<Self, Error> {
        Self::new("__Host-", name, "/")
    }

    /// `__Secure-` and this name, for this path and what is below it. Neighbouring domains can set it too, with a token of
    /// their own: see [above](Self).
    ///
    /// # Errors
    ///
    /// As [`host`](Self::host), and when the path does not begin with a slash or has characters that no path has.
    pub fn secure(name: &str, path: &str) -> Result<Self, Error> {
        let is_path = path.starts_with('/')
            && path.len() <= MAX_PATH
            && path
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b';');
        if !is_path {
            return Err(invalid(
                "the path of a cookie begins with a slash and has at most 1024 printable ASCII characters other than \
                 a semicolon",
            ));
        }
        Self::new("__Secure-", name, path)
    }

    /// This name, and not `Secure`, which every browser takes from `http://localhost`. For development alone: over a
    /// network, everyone on the way can read and set it.
    ///
    /// # Errors
    ///
    /// As [`host`](Self::host).
    pub fn insecure_loopback(name: &str) -> Result<Self, Error> {
        Ok(Self {
            secure: false,
            ..Self::new("", name, "/")?
        })
    }

    fn new(prefix: &str, name: &str, path: &str) -> Result<Self, Error> {
        if name.is_empty() || !name.bytes().all(is_tchar) {
            return Err(invalid(
                "the name of a cookie is letters, digits and !#$%&'*+-.^_`|~",
            ));
        }
        // Browsers compare their prefixes without regard to case.
        if name.starts_with("__") {
            return Err(invalid(
                "the name of a cookie is given without its prefix: it does not begin with two underscores",
            ));
        }
        Ok(Self {
            name: format!("{prefix}{name}").into(),
            path: path.into(),
            secure: true,
            same_site: SameSite::default(),
        })
    }

    /// Which requests it comes along with.
    pub fn with_same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// Its name, with the prefix: for [`BearerLayer::with_cookie`](crate::BearerLayer::with_cookie).
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value of `Set-Cookie` that gives the browser this token for so long, in whole seconds. Browsers keep it for
    /// 400 days at most.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidConfiguration`] when the token has characters that may not stand in a cookie, which no token
    /// of this crate has, and when it is larger than browsers keep: name and value have 4096 bytes.
    pub fn set(&self, token: &str, max_age: Duration) -> Result<HeaderValue, Error> {
        if token.is_empty() || !token.bytes().all(is_cookie_octet) {
            return Err(invalid(
                "a token in a cookie is printable ASCII without quotes, commas, semicolons and backslashes",
            ));
        }
        if self.name.len() + token.len() > MAX_PAIR {
            return Err(invalid(
                "the token is too large for a cookie: its name and its value have 4096 bytes together at most",
            ));
        }
        Ok(self.value(token, max_age))
    }

    /// The value of `Set-Cookie` for the refresh token, until the session ends if it is not refreshed.
    ///
    /// It is counted from when the token was made: a retry that gets the same token again may keep the cookie for longer
    /// than the session lives. It opens nothing then.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    pub fn set_refresh_token(&self, pair: &TokenPair) -> Result<HeaderValue, Error> {
        let session = &pair.session;
        // Both times are the store's: no other clock plays a part.
        let left = session.expires_at() - session.last_used_at;
        self.set(&pair.refresh_token, left.to_std().unwrap_or_default())
    }

    /// The value of `Set-Cookie` for the access token, until it expires.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    pub fn set_access_token(&self, token: &AccessToken) -> Result<HeaderValue, Error> {
        self.set(&token.token, token.expires_in)
    }

    /// The value of `Set-Cookie` that takes it back.
    #[must_use]
    pub fn clear(&self) -> HeaderValue {
        self.value("", Duration::ZERO)
    }

    /// The token in the `Cookie` of a request, by its very name: browsers compare prefixes without regard to case, we do
    /// not. One that is empty counts as none.
    ///
    /// # Errors
    ///
    /// A [`Rejection`] of the kind [`InvalidRequest`](crate::RejectionKind::InvalidRequest) when there are two of this
    /// name: which of them comes from here cannot be told. Nor can it of one, unless it is [`host`](Self::host).
    pub fn read<'a>(&self, headers: &'a HeaderMap) -> Result<Option<&'a str>, Rejection> {
        credentials::in_cookies(headers, &self.name)
    }

    fn value(&self, token: &str, max_age: Duration) -> HeaderValue {
        let Self { name, path, .. } = self;
        let secure = if self.secure { " Secure;" } else { "" };
        let same_site = match self.same_site {
            SameSite::Strict => "Strict",
            SameSite::Lax => "Lax",
        };
        let text = format!(
            "{name}={token}; Path={path}; Max-Age={};{secure} HttpOnly; SameSite={same_site}",
            max_age.as_secs()
        );
        // Every character in it is printable ASCII.
        let mut value = HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""));
        value.set_sensitive(true);
        value
    }
}

/// RFC 6265bis, section 4.1.1.
fn is_cookie_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\')
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidConfiguration, message)
}
