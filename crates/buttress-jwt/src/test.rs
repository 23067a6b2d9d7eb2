//! What unit tests share.

use std::marker::PhantomData;

/// `Probe::<T>::HAS_EQ`, with [`Otherwise`] in scope: whether two of this type can be compared by `==`. The constant of
/// the type is taken where its bound holds, and that of the trait where not.
pub(crate) struct Probe<T>(PhantomData<T>);

impl<T: PartialEq> Probe<T> {
    pub(crate) const HAS_EQ: bool = true;
}

pub(crate) trait Otherwise {
    const HAS_EQ: bool = false;
}

impl<T> Otherwise for Probe<T> {}
