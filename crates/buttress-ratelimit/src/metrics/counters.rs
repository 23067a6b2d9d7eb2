use std::sync::Arc;

use metrics::{Key, Label, Level, Metadata, Unit, counter, describe_counter};

use crate::{Basis, RejectionKind};

const ALLOWED: &str = "buttress_ratelimit_requests_allowed_total";
const REFUSED: &str = "buttress_ratelimit_requests_refused_total";
const SHADOWED: &str = "buttress_ratelimit_requests_shadowed_total";
const UNDECIDED: &str = "buttress_ratelimit_requests_undecided_total";
const OTHERWISE: &str = "buttress_ratelimit_decisions_without_store_total";
const STORE_ERRORS: &str = "buttress_ratelimit_store_errors_total";
const OUTAGES: &str = "buttress_ratelimit_store_outages_total";

/// Describes all metrics of this crate to the recorder of the program, with their units: once, after the recorder has
/// been installed.
///
/// They are counted with or without it. Most exporters pass the descriptions on, as `# HELP` for instance.
///
/// | counter | label | of what |
/// |---|---|---|
/// | `buttress_ratelimit_requests_allowed_total` | `quota` | requests that a layer let in, once for each quota that was asked |
/// | `buttress_ratelimit_requests_refused_total` | `quota` | requests that a layer refused, once for each quota that refused |
/// | `buttress_ratelimit_requests_shadowed_total` | `quota` | requests that a shadow quota would have refused |
/// | `buttress_ratelimit_requests_undecided_total` | `kind` | requests that a layer refused without asking a bucket: [`RejectionKind::as_str`] |
/// | `buttress_ratelimit_decisions_without_store_total` | `basis` | decisions for which the store was needed and has failed, or was left alone: what decided instead, `local`, `nothing` when everything is allowed, or `error` |
/// | `buttress_ratelimit_store_errors_total` | | calls of a store that have failed, or were not answered in time |
/// | `buttress_ratelimit_store_outages_total` | | how often a store was left alone because its calls have failed |
pub fn describe_metrics() {
    for (name, description) in [
        (ALLOWED, "Requests that a layer let in, by quota."),
        (REFUSED, "Requests that a layer refused, by quota."),
        (
            SHADOWED,
            "Requests that a shadow quota would have refused, by quota.",
        ),
        (
            UNDECIDED,
            "Requests that a layer refused without asking a bucket, by kind.",
        ),
        (
            OTHERWISE,
            "Decisions for which a store has failed, by what decided instead.",
        ),
        (STORE_ERRORS, "Calls of a store that have failed."),
        (
            OUTAGES,
            "How often a store was left alone because its calls have failed.",
        ),
    ] {
        describe_counter!(name, Unit::Count, description);
    }
}

/// Whether anything is.
pub(crate) const COUNTED: bool = true;

/// The counters of one quota. What names them is made once, so that to count costs no allocation.
#[derive(Debug)]
pub(crate) struct QuotaCounters {
    allowed: Key,
    refused: Key,
    shadowed: Key,
}

impl QuotaCounters {
    pub(crate) fn new(quota: &Arc<str>) -> Self {
        let key = |name| Key::from_parts(name, vec![Label::new("quota", Arc::clone(quota))]);
        Self {
            allowed: key(ALLOWED),
            refused: key(REFUSED),
            shadowed: key(SHADOWED),
        }
    }

    pub(crate) fn allowed(&self) {
        count(&self.allowed);
    }

    pub(crate) fn refused(&self) {
        count(&self.refused);
    }

    pub(crate) fn shadowed(&self) {
        count(&self.shadowed);
    }
}

/// Asks the recorder each time: it may be installed late, and another one may be in a test.
fn count(key: &Key) {
    const METADATA: Metadata<'static> =
        Metadata::new(module_path!(), Level::INFO, Some(module_path!()));
    metrics::with_recorder(|recorder| recorder.register_counter(key, &METADATA).increment(1));
}

pub(crate) fn request_undecided(kind: RejectionKind) {
    counter!(UNDECIDED, "kind" => kind.as_str()).increment(1);
}

/// `None` when nothing was decided.
pub(crate) fn decided_otherwise(basis: Option<Basis>) {
    let basis = match basis {
        Some(Basis::Nothing) => "nothing",
        Some(_) => "local",
        None => "error",
    };
    counter!(OTHERWISE, "basis" => basis).increment(1);
}

pub(crate) fn store_failed(outage_begins: bool) {
    counter!(STORE_ERRORS).increment(1);
    if outage_begins {
        counter!(OUTAGES).increment(1);
    }
}
