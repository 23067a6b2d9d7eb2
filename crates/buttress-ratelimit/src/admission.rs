//! What the layer does with a request before anybody else sees it.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::Arc,
    time::Duration,
};

use http::{Method, header, request::Parts};

use crate::{
    Decision, Error, ErrorKind, Key, Rejection,
    answer::{Answer, Hold, Tell},
    future::{Asking, Verdict},
    headers::{Policies, Report},
    layer::Config,
    metrics::{self, QuotaCounters},
    settle::{Reserved, Settling},
};

/// What is known of a request once its key is.
pub(crate) enum Asked {
    /// It has passed, and nothing is to be told, counted or held of it.
    Passed,
    /// Whose buckets are to be charged, and how much.
    Of(Key, u32),
}

/// The verdict, or what it has to wait for.
pub(crate) enum Decided {
    Now(Verdict),
    Later(Asking),
}

#[inline]
pub(crate) fn ask(config: &Config, parts: &Parts) -> Asked {
    let exempt = config.exempt.is(parts) || (config.preflights_exempt && is_preflight(parts));
    let key = match exempt {
        true => None,
        false => config.key.key(parts),
    };
    let Some(key) = key else {
        return Asked::Passed;
    };
    let cost = config.cost.as_ref().map_or(1, |cost| cost(parts));
    let simple = config.formats.is_none() && config.settle.is_none() && !metrics::COUNTED;
    if simple && config.limiter.pays_now(&key, cost) {
        return Asked::Passed;
    }
    Asked::Of(key, cost)
}

pub(crate) fn decide(config: &Arc<Config>, key: Key, cost: u32) -> Decided {
    if let Some(decided) = config.limiter.check_now(&key, cost) {
        return Decided::Now(verdict(config, key, decided));
    }
    let config = Arc::clone(config);
    Decided::Later(Box::pin(async move {
        let decided = config.limiter.check(&key, cost).await;
        verdict(&config, key, decided)
    }))
}

fn verdict(config: &Config, key: Key, decided: Result<Decision, Error>) -> Verdict {
    match decided {
        Ok(decision) => config
            .policies
            .with(&decision, |policies| match decision.is_allowed() {
                true => pass(config, key, &decision, policies),
                false => refuse(config, &key, &decision, policies),
            }),
        Err(error) => {
            let rejection = Rejection::undecided(&error);
            metrics::request_undecided(rejection.kind());
            match error.kind() {
                ErrorKind::CostTooLarge => {
                    tracing::debug!(target: "buttress_ratelimit::layer", %error, "a request is refused");
                }
                _ => {
                    tracing::debug!(
                        target: "buttress_ratelimit::layer",
                        error = &error as &dyn std::error::Error,
                        "nothing can be decided"
                    );
                }
            }
            Verdict::Refuse(config.responder.respond(rejection))
        }
    }
}

fn pass(config: &Config, key: Key, decision: &Decision, policies: &Arc<Policies>) -> Verdict {
    match decision.quotas().has_shadow() {
        true => count(decision, policies),
        false => policies.counters().for_each(QuotaCounters::allowed),
    }
    let tell = match config.formats.is_none() {
        true => Tell::Nothing,
        false => Tell::Quotas(Box::new(report(config, &key, decision, policies))),
    };
    Verdict::Pass(Answer::new(tell, hold(config, key, decision)))
}

fn report(config: &Config, key: &Key, decision: &Decision, policies: &Arc<Policies>) -> Report {
    let partition = config.partitions.as_ref().map(|keys| keys.of(key));
    Report::new(decision, policies, config.formats).of_partition(partition)
}

fn hold(config: &Config, key: Key, decision: &Decision) -> Hold {
    match &config.settle {
        None => Hold::Nothing,
        Some(settle) => Hold::Settling(Box::new(Settling::new(
            &config.limiter,
            key,
            Reserved::of(decision),
            settle,
        ))),
    }
}

fn refuse(config: &Config, key: &Key, decision: &Decision, policies: &Arc<Policies>) -> Verdict {
    count(decision, policies);
    let mut violated = 0;
    let mut wait = Duration::ZERO;
    for (at, state) in decision.states().enumerate() {
        if let Some(retry) = state.retry_after
            && !state.quota.is_shadow()
        {
            violated |= 1 << at;
            wait = wait.max(retry);
        }
    }
    let refusal = policies.refusal(decision.quotas(), violated);
    let rejection = Rejection::new(refusal, wait.saturating_add(some_of(config.jitter)));
    tracing::debug!(
        target: "buttress_ratelimit::layer",
        quotas = ?rejection.violated().collect::<Vec<_>>(),
        "a request is refused"
    );
    let mut response = config.responder.respond(rejection);
    if !config.formats.is_none() {
        let status = response.status();
        report(config, key, decision, policies).tell(status, response.headers_mut());
    }
    Verdict::Refuse(response)
}

/// Counts it for each of its quotas.
fn count(decision: &Decision, policies: &Policies) {
    if !metrics::COUNTED && !decision.quotas().has_shadow() {
        return;
    }
    for (state, counters) in decision.states().zip(policies.counters()) {
        match (state.quota.is_shadow(), state.retry_after) {
            (false, None) if decision.is_allowed() => counters.allowed(),
            (false, None) => {}
            (false, Some(_)) => counters.refused(),
            (true, None) => {}
            (true, Some(_)) => {
                counters.shadowed();
                tracing::debug!(
                    target: "buttress_ratelimit::layer",
                    quota = state.quota.name(),
                    "a shadow quota would have refused a request"
                );
            }
        }
    }
}

/// What a browser asks before a request of another origin, of itself and without credentials (Fetch, section 3.3.2).
fn is_preflight(parts: &Parts) -> bool {
    parts.method == Method::OPTIONS
        && parts.headers.contains_key(header::ORIGIN)
        && parts
            .headers
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Some of this time, by chance.
fn some_of(most: Duration) -> Duration {
    let Ok(most) = u64::try_from(most.as_nanos()) else {
        return most;
    };
    if most == 0 {
        return Duration::ZERO;
    }
    // The keys of each hash state are others, and nobody knows them: that is chance enough.
    let chance = RandomState::new().build_hasher().finish();
    let part = (u128::from(most) * u128::from(chance)) >> 64;
    u64::try_from(part).map_or(Duration::ZERO, Duration::from_nanos)
}

/// Which requests are none of the layer's business.
#[derive(Clone, Default)]
pub(crate) struct Exempt(Option<Arc<Is>>);

type Is = dyn Fn(&Parts) -> bool + Send + Sync;

impl Exempt {
    pub(crate) fn new(exempt: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(exempt)))
    }

    pub(crate) fn is(&self, parts: &Parts) -> bool {
        self.0.as_ref().is_some_and(|exempt| exempt(parts))
    }
}
