//! A request that only asks what it would need: `testing::Routes` makes it, and no client can.

use http::Extensions;

use crate::Require;

#[cfg(feature = "testing")]
pub(crate) use self::asked::Inquiry;
#[cfg(not(feature = "testing"))]
pub(crate) use self::none::Inquiry;

impl Inquiry {
    /// Whether a request without credentials goes on where it needs some: one that only asks, and learns that.
    pub(crate) fn goes_on(extensions: &Extensions) -> bool {
        let inquiry = Self::in_extensions(extensions);
        inquiry
            .inspect(|inquiry| inquiry.note(&Require::authenticated()))
            .is_some()
    }
}

#[cfg(feature = "testing")]
mod asked {
    use std::sync::{Arc, Mutex, PoisonError};

    use http::Extensions;

    use crate::Require;

    /// What the layers on its way have said.
    #[derive(Clone, Default)]
    pub(crate) struct Inquiry(Arc<Mutex<Option<Require>>>);

    impl Inquiry {
        pub(crate) fn in_extensions(extensions: &Extensions) -> Option<&Self> {
            extensions.get()
        }

        /// This is required. What is further in knows better.
        pub(crate) fn note(&self, require: &Require) {
            let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            *noted = Some(require.clone());
        }

        pub(crate) fn noted(&self) -> Option<Require> {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone()
        }
    }
}

#[cfg(not(feature = "testing"))]
mod none {
    use http::Extensions;

    use crate::Require;

    /// There is none.
    pub(crate) enum Inquiry {}

    impl Inquiry {
        pub(crate) fn in_extensions(_: &Extensions) -> Option<&Self> {
            None
        }

        pub(crate) fn note(&self, _: &Require) {
            match *self {}
        }
    }
}
