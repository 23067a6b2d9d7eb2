use std::fmt;

use zeroize::Zeroizing;

/// The text of an API key: whoever has it may do what the key may.
///
/// It is there once, when the key is issued or rotated: what is kept does not lead back to it. [`reveal`](Self::reveal)
/// it to the one who is to have it. `Debug` does not show it, it cannot be cloned, and it is overwritten when it is
/// dropped.
pub struct ApiKeySecret(Zeroizing<String>);

impl ApiKeySecret {
    pub(super) fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, which nothing here has any more.
    #[must_use]
    pub fn reveal(mut self) -> String {
        std::mem::take(&mut *self.0)
    }
}

impl fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeySecret").finish_non_exhaustive()
    }
}
