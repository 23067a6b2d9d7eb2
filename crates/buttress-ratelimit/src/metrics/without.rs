use std::sync::Arc;

use crate::{Basis, RejectionKind};

/// Whether anything is.
pub(crate) const COUNTED: bool = false;

#[derive(Debug)]
pub(crate) struct QuotaCounters;

impl QuotaCounters {
    pub(crate) fn new(_: &Arc<str>) -> Self {
        Self
    }

    #[inline]
    pub(crate) fn allowed(&self) {}

    #[inline]
    pub(crate) fn refused(&self) {}

    #[inline]
    pub(crate) fn shadowed(&self) {}
}

#[inline]
pub(crate) fn request_undecided(_: RejectionKind) {}

#[inline]
pub(crate) fn decided_otherwise(_: Option<Basis>) {}

#[inline]
pub(crate) fn store_failed(_: bool) {}
