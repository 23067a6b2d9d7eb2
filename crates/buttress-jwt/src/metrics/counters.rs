use metrics::{Unit, counter, describe_counter};

use crate::{EndReason, Refusal, ReissueCause, RejectionKind};

const SESSIONS_STARTED: &str = "buttress_jwt_sessions_started_total";
const SESSIONS_ENDED: &str = "buttress_jwt_sessions_ended_total";
const REFRESHES_ROTATED: &str = "buttress_jwt_refreshes_rotated_total";
const REFRESHES_KEPT: &str = "buttress_jwt_refreshes_kept_total";
const REFRESHES_CAUGHT_UP: &str = "buttress_jwt_refreshes_caught_up_total";
const REFRESHES_REISSUED: &str = "buttress_jwt_refreshes_reissued_total";
const REFRESHES_REFUSED: &str = "buttress_jwt_refreshes_refused_total";
const REQUESTS_REFUSED: &str = "buttress_jwt_requests_refused_total";
const TOKENS_REMEMBERED: &str = "buttress_jwt_tokens_remembered_total";

/// Describes all metrics of this crate to the recorder of the program, with their units: once, after the recorder has
/// been installed.
///
/// They are counted with or without it. Most exporters pass the descriptions on, as `# HELP` for instance.
pub fn describe_metrics() {
    for (name, description) in [
        (SESSIONS_STARTED, "Sessions that began."),
        (SESSIONS_ENDED, "Sessions that ended, by reason."),
        (
            REFRESHES_ROTATED,
            "Refreshes that replaced the refresh token.",
        ),
        (
            REFRESHES_KEPT,
            "Refreshes whose refresh token was too young to be replaced.",
        ),
        (
            REFRESHES_CAUGHT_UP,
            "Refreshes that replaced a refresh token which the store had lost.",
        ),
        (
            REFRESHES_REISSUED,
            "Refreshes that gave the newest refresh token out again, by cause.",
        ),
        (REFRESHES_REFUSED, "Refreshes that were refused, by reason."),
        (REQUESTS_REFUSED, "Requests that a layer refused, by kind."),
        (
            TOKENS_REMEMBERED,
            "Access tokens that the memory of a BearerLayer was asked for, by outcome.",
        ),
    ] {
        describe_counter!(name, Unit::Count, description);
    }
}

pub(super) fn session_started() {
    counter!(SESSIONS_STARTED).increment(1);
}

pub(super) fn session_ended(reason: EndReason) {
    counter!(SESSIONS_ENDED, "reason" => reason.as_str()).increment(1);
}

pub(super) fn refresh_rotated() {
    counter!(REFRESHES_ROTATED).increment(1);
}

pub(super) fn refresh_kept() {
    counter!(REFRESHES_KEPT).increment(1);
}

pub(super) fn refresh_caught_up() {
    counter!(REFRESHES_CAUGHT_UP).increment(1);
}

pub(super) fn refresh_reissued(cause: ReissueCause) {
    counter!(REFRESHES_REISSUED, "cause" => cause.as_str()).increment(1);
}

pub(super) fn refresh_refused(refusal: Refusal) {
    counter!(REFRESHES_REFUSED, "reason" => refusal.as_str()).increment(1);
}

pub(crate) fn request_refused(kind: RejectionKind) {
    counter!(REQUESTS_REFUSED, "kind" => kind.as_str()).increment(1);
}

// Labels that are written out here are static, so that they cost no allocation on the way of every request.

pub(crate) fn memory_hit() {
    counter!(TOKENS_REMEMBERED, "outcome" => "hit").increment(1);
}

pub(crate) fn memory_miss() {
    counter!(TOKENS_REMEMBERED, "outcome" => "miss").increment(1);
}
