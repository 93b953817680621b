//! An answer as a stream of events. Dropping it, as happens when the client goes, ends the writing.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Response, header};
use hyper::body::{Body as HttpBody, Frame};
use tokio::sync::mpsc::Receiver;

use super::answer::{Answer, Head, Step};
use super::error::Refusal;
use crate::models::local::Piece;

/// Pieces turned into events as they come.
#[derive(Debug)]
pub(super) struct Events {
    pieces: Receiver<Piece>,
    answer: Answer,
    head: Head,
    /// Whether the usage is asked for.
    usage: bool,
    /// Calls so far.
    calls: usize,
    over: bool,
    /// Events that were not sent yet.
    waiting: String,
}

impl Events {
    /// Begins with the first piece.
    pub(super) fn begun(
        first: Option<Piece>,
        pieces: Receiver<Piece>,
        answer: Answer,
        head: Head,
        usage: bool,
    ) -> Self {
        let mut events = Self { pieces, answer, usage, calls: 0, over: false, waiting: head.opening(), head };
        let more = events.next(first);
        events.waiting.push_str(&more);
        events
    }

    pub(super) fn response(self) -> Response<Body> {
        let mut response = Response::new(Body::new(self));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }

    fn next(&mut self, piece: Option<Piece>) -> String {
        match self.answer.next(piece) {
            Step::More(said) => self.head.events(&said, &mut self.calls),
            Step::Last(said, reason) => {
                self.over = true;
                let usage = self.usage.then_some(self.answer.tokens);
                self.head.events(&said, &mut self.calls) + &self.head.closing(reason, usage)
            }
            Step::Failed(why) => {
                self.over = true;
                format!("data: {}\n\n", Refusal::from(why).body())
            }
        }
    }
}

impl HttpBody for Events {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        while this.waiting.is_empty() && !this.over {
            let piece = ready!(this.pieces.poll_recv(context));
            this.waiting = this.next(piece);
        }
        if !this.waiting.is_empty() {
            let events = std::mem::take(&mut this.waiting);
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from(events)))));
        }
        // What is still written is for nobody.
        this.pieces.close();
        Poll::Ready(None)
    }
}
