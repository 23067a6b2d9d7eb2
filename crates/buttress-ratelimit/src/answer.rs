//! What is still to be done when a request has been let in.

use http::Response;

use crate::{
    ResponseBody,
    concurrency::Permit,
    headers::{Occupancy, Report},
    settle::Settling,
};

/// Nothing, or what the answer is to tell, and what is held until it has been sent.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    tell: Tell,
    hold: Hold,
}

#[derive(Debug, Default)]
pub(crate) enum Tell {
    #[default]
    Nothing,
    /// Elsewhere, so that this is small for those who are told nothing.
    Quotas(Box<Report>),
    Occupancy(Occupancy),
}

/// What ends with the answer, or with the client's patience: when it is dropped.
#[derive(Debug, Default)]
pub(crate) enum Hold {
    #[default]
    Nothing,
    Settling(Box<Settling>),
    Permit(#[expect(dead_code, reason = "held to be dropped")] Permit),
}

impl Answer {
    pub(crate) fn new(tell: Tell, hold: Hold) -> Self {
        Self { tell, hold }
    }

    pub(crate) fn finish<B>(self, response: Response<B>) -> Response<ResponseBody<B>> {
        let (mut parts, body) = response.into_parts();
        let hold = match self.hold {
            Hold::Settling(settling) => settling.answered(&parts),
            hold => hold,
        };
        match self.tell {
            Tell::Nothing => {}
            Tell::Quotas(report) => report.tell(parts.status, &mut parts.headers),
            Tell::Occupancy(occupancy) => occupancy.write(&mut parts.headers),
        }
        Response::from_parts(parts, ResponseBody::inner(body, hold))
    }
}

impl Hold {
    /// So many more bytes of the body are on their way.
    pub(crate) fn saw(&mut self, bytes: u64) {
        if let Self::Settling(settling) = self {
            settling.sent(bytes);
        }
    }
}
