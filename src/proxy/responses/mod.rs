//! The Responses endpoint: requests, answers, streams.

mod answer;
mod draft;
mod kept;
mod read;

pub(super) use answer::answer;
pub(super) use draft::{Draft, response};
pub(super) use kept::Kept;
pub(super) use read::read;
