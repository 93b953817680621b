//! Chat Completions: requests, answers, streams.

mod answer;
mod draft;
mod read;

pub(super) use answer::answer;
pub(super) use draft::{Draft, Said, completion};
pub(super) use read::read;
