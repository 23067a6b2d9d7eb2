//! What a session is, the token that continues it, and the rules of its rotation: values in, a verdict
//! out. Nothing here does I/O or asks for the time.

mod beginning;
mod ended;
mod ending;
mod ratchet;
mod rotation;
mod secret;
mod session;
mod session_id;
mod token;

pub use beginning::{Beginning, Begun, Judged};
pub use ended::{EndReason, Ended};
pub use ending::{Ending, Endings, Which};
pub use rotation::{Family, Proposal, Verdict};
pub use session::{NewSession, Session};
pub use session_id::SessionId;
pub use token::RefreshKeys;

pub(crate) use ratchet::{attempt_digest, successor};
pub(crate) use secret::Secret;
pub(crate) use session::later;
pub(crate) use token::RefreshToken;

/// What makes the successor of a token unguessable to those who know the token alone.
pub(crate) type Salt = [u8; 32];
