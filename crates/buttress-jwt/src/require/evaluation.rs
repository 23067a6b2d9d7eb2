//! How a requirement is evaluated: what can be said at once is said at once, and what is left has to be waited for.

use std::{error::Error, future::Future, pin::Pin};

use http::request::Parts;

use super::{
    Require,
    decision::Outcome,
    rule::{Answer, Rule},
};
use crate::Principal;

/// A requirement, as far as it is evaluated.
pub(super) enum Evaluation {
    Done(Outcome),
    Waiting(Waiting),
}

/// What depends on the answers of async checks, and on nothing else.
pub(super) enum Waiting {
    Check(Answer),
    /// Everything else allows it.
    All(Vec<Self>),
    /// Everything else denies it, for the want of these scopes.
    Any(Vec<Self>, Vec<String>),
    Not(Box<Self>),
}

/// Asks everything that answers at once.
pub(super) fn begin(require: &Require, principal: &Principal, parts: &Parts) -> Evaluation {
    let begin_all = |all: &[Require]| {
        let mut done = Vec::new();
        let mut waiting = Vec::new();
        for one in all {
            match begin(one, principal, parts) {
                Evaluation::Done(outcome) => done.push(outcome),
                Evaluation::Waiting(one) => waiting.push(one),
            }
        }
        (done, waiting)
    };
    match &*require.0 {
        Rule::Role(role) => of(principal.has_role(role)),
        Rule::Scope(scope) => Evaluation::Done(match principal.has_scope(scope) {
            true => Outcome::Allow,
            false => Outcome::Deny(vec![scope.clone().into_owned()]),
        }),
        Rule::All(all) => {
            let (done, waiting) = begin_all(all);
            match every(done) {
                Outcome::Allow if !waiting.is_empty() => Evaluation::Waiting(Waiting::All(waiting)),
                outcome => Evaluation::Done(outcome),
            }
        }
        Rule::Any(any) => {
            let (done, waiting) = begin_all(any);
            match some(done) {
                Outcome::Deny(missing) if !waiting.is_empty() => {
                    Evaluation::Waiting(Waiting::Any(waiting, missing))
                }
                outcome => Evaluation::Done(outcome),
            }
        }
        Rule::Not(requirement) => match begin(requirement, principal, parts) {
            Evaluation::Done(outcome) => Evaluation::Done(opposite(&outcome)),
            Evaluation::Waiting(one) => Evaluation::Waiting(Waiting::Not(Box::new(one))),
        },
        Rule::Check(_, check) => of(check(principal, parts)),
        Rule::AsyncCheck(_, check) => Evaluation::Waiting(Waiting::Check(check(principal, parts))),
    }
}

/// Waits for what is left, one after another and not longer than it matters.
pub(super) async fn finish(
    evaluation: Evaluation,
) -> Result<Outcome, Box<dyn Error + Send + Sync>> {
    match evaluation {
        Evaluation::Done(outcome) => Ok(outcome),
        Evaluation::Waiting(waiting) => wait(waiting).await,
    }
}

type Waited = Pin<Box<dyn Future<Output = Result<Outcome, Box<dyn Error + Send + Sync>>> + Send>>;

fn wait(waiting: Waiting) -> Waited {
    Box::pin(async move {
        match waiting {
            Waiting::Check(answer) => Ok(allow_if(answer.await?)),
            Waiting::All(all) => {
                for one in all {
                    let outcome = wait(one).await?;
                    if outcome != Outcome::Allow {
                        return Ok(outcome);
                    }
                }
                Ok(Outcome::Allow)
            }
            Waiting::Any(any, missing) => {
                let mut denied = vec![Outcome::Deny(missing)];
                for one in any {
                    let outcome = wait(one).await?;
                    if outcome == Outcome::Allow {
                        return Ok(outcome);
                    }
                    denied.push(outcome);
                }
                Ok(some(denied))
            }
            Waiting::Not(one) => Ok(opposite(&wait(*one).await?)),
        }
    })
}

fn of(allowed: bool) -> Evaluation {
    Evaluation::Done(allow_if(allowed))
}

fn allow_if(allowed: bool) -> Outcome {
    match allowed {
        true => Outcome::Allow,
        false => Outcome::Deny(Vec::new()),
    }
}

/// Scopes are what is missing only if they are all that is missing.
fn every(outcomes: Vec<Outcome>) -> Outcome {
    let mut all_missing = Vec::new();
    let mut allowed = true;
    for outcome in outcomes {
        let Outcome::Deny(missing) = outcome else {
            continue;
        };
        if missing.is_empty() {
            return Outcome::Deny(missing);
        }
        allowed = false;
        for scope in missing {
            if !all_missing.contains(&scope) {
                all_missing.push(scope);
            }
        }
    }
    match allowed {
        true => Outcome::Allow,
        false => Outcome::Deny(all_missing),
    }
}

/// Of several ways, the one that lacks the fewest scopes, and the first one of those.
fn some(outcomes: Vec<Outcome>) -> Outcome {
    let mut fewest = Vec::new();
    for outcome in outcomes {
        let Outcome::Deny(missing) = outcome else {
            return Outcome::Allow;
        };
        let is_way = !missing.is_empty();
        if is_way && (fewest.is_empty() || missing.len() < fewest.len()) {
            fewest = missing;
        }
    }
    Outcome::Deny(fewest)
}

fn opposite(outcome: &Outcome) -> Outcome {
    allow_if(*outcome != Outcome::Allow)
}
