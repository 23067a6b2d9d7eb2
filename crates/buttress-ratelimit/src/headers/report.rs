use std::{sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::{
    Formats, HeaderFormat, PartitionKey, Policies, RATELIMIT, RATELIMIT_POLICY, ResetForm,
    X_RATELIMIT_LIMIT, X_RATELIMIT_REMAINING, X_RATELIMIT_RESET, ceil_seconds, policies::Policy,
    text::Text, told_to_wait,
};
use crate::{Decision, clock, levels::MAX_QUOTAS};

/// What the answer is to tell of a decision.
///
/// Of one that was allowed it tells of all quotas, and when they will be full; of a refusal, of those that refused,
/// and when they would not any more. Shadow quotas are nobody's business.
#[derive(Debug)]
pub(crate) struct Report {
    policies: Arc<Policies>,
    formats: Formats,
    partition: Option<PartitionKey>,
    /// In the order of the quotas.
    states: [State; MAX_QUOTAS],
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    is_told: bool,
    remaining: u32,
    seconds: u64,
}

impl Report {
    pub(crate) fn new(decision: &Decision, policies: &Arc<Policies>, formats: Formats) -> Self {
        let allowed = decision.is_allowed();
        let mut states = [State::default(); MAX_QUOTAS];
        for (told, state) in states.iter_mut().zip(decision.states()) {
            *told = State {
                is_told: !state.quota.is_shadow() && (allowed || state.retry_after.is_some()),
                remaining: state.remaining,
                seconds: ceil_seconds(state.retry_after.unwrap_or(state.reset)),
            };
        }
        Self {
            policies: Arc::clone(policies),
            formats,
            partition: None,
            states,
        }
    }

    pub(crate) fn of_partition(mut self, partition: Option<PartitionKey>) -> Self {
        self.partition = partition;
        self
    }

    /// Into the headers of an answer with this status.
    pub(crate) fn tell(&self, status: StatusCode, headers: &mut HeaderMap) {
        if self.formats.are_told_with(status) {
            self.write(headers);
        }
    }

    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        match self.formats.draft {
            HeaderFormat::Draft11 => self.write_lists(headers),
            HeaderFormat::Draft07 => self.write_dictionary(headers),
            HeaderFormat::None => {}
        }
        if let Some(form) = self.formats.older {
            self.write_older(headers, form);
        }
    }

    /// Members of lists, which are added to those of other limiters.
    fn write_lists(&self, headers: &mut HeaderMap) {
        let wait = told_to_wait(headers);
        let mut members = Text::new();
        for (policy, state) in self.told() {
            members.next();
            members.raw(&policy.member);
            members.number(state.remaining.into());
            // Nobody is to be told to come back before there is room again (section 6 of the draft). Who says so, another limiter
            // or the service, has their reasons; that of the window is left out.
            if wait.is_none_or(|wait| state.seconds <= wait) {
                members.raw(";t=");
                members.number(state.seconds);
            }
            if let Some(PartitionKey(bytes)) = &self.partition {
                members.raw(";pk=");
                members.bytes(bytes);
            }
        }
        if let Some(policies) = &self.policies.field
            && let Some(members) = members.into_value()
            && !members.is_empty()
        {
            headers.append(RATELIMIT_POLICY, policies.clone());
            headers.append(RATELIMIT, members);
        }
    }

    fn write_dictionary(&self, headers: &mut HeaderMap) {
        let Some((policy, state)) = self.nearest() else {
            return;
        };
        let told = headers.get(RATELIMIT).map(|value| {
            let members = value.to_str().unwrap_or_default().split(',');
            let mut members = members.filter_map(|member| member.trim().strip_prefix("remaining="));
            members.next().and_then(|number| number.parse().ok())
        });
        if !is_stricter(state, told) {
            return;
        }
        let mut members = Text::new();
        members.raw("limit=");
        members.number(policy.limit.into());
        members.raw(", remaining=");
        members.number(state.remaining.into());
        members.raw(", reset=");
        members.number(state.seconds);
        if let (Some(policy), Some(members)) = (&policy.field_07, members.into_value()) {
            headers.insert(RATELIMIT_POLICY, policy.clone());
            headers.insert(RATELIMIT, members);
        }
    }

    fn write_older(&self, headers: &mut HeaderMap, form: ResetForm) {
        let Some((policy, state)) = self.nearest() else {
            return;
        };
        let told = headers
            .get(X_RATELIMIT_REMAINING)
            .map(|value| value.to_str().ok().and_then(|number| number.parse().ok()));
        if !is_stricter(state, told) {
            return;
        }
        let reset = match form {
            ResetForm::DeltaSeconds => state.seconds,
            ResetForm::UnixSeconds => {
                ceil_seconds(clock::since_1970() + Duration::from_secs(state.seconds))
            }
        };
        let mut insert = |name: HeaderName, number: u64| {
            headers.insert(name, HeaderValue::from(number));
        };
        insert(X_RATELIMIT_LIMIT, policy.limit.into());
        insert(X_RATELIMIT_REMAINING, state.remaining.into());
        insert(X_RATELIMIT_RESET, reset);
    }

    /// The one that a client has to heed first: with the fewest tokens, and of those the slowest.
    fn nearest(&self) -> Option<(&Policy, &State)> {
        self.told()
            .min_by_key(|(_, state)| (state.remaining, u64::MAX - state.seconds))
    }

    fn told(&self) -> impl Iterator<Item = (&Policy, &State)> {
        let policies = self.policies.quotas.iter();
        policies
            .zip(&self.states)
            .filter(|(_, state)| state.is_told)
    }
}

/// Fields that hold one number stay those of the limiter with the fewest tokens, and of somebody else whose number
/// cannot be read.
fn is_stricter(state: &State, told: Option<Option<u32>>) -> bool {
    match told {
        None => true,
        Some(None) => false,
        Some(Some(remaining)) => state.remaining < remaining,
    }
}
