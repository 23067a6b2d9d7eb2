use crate::RejectionKind;

#[inline]
pub(crate) fn request_refused(_: RejectionKind) {}

#[inline]
pub(crate) fn memory_hit() {}

#[inline]
pub(crate) fn memory_miss() {}
