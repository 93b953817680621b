//! A body that holds something until it has been read or dropped.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

/// A body with its request's place among those under way.
pub(super) struct Held<B> {
    inner: B,
    _permit: Arc<OwnedSemaphorePermit>,
}

impl<B> Held<B> {
    pub(super) fn new(inner: B, permit: Arc<OwnedSemaphorePermit>) -> Self {
        Self { inner, _permit: permit }
    }
}

impl<B: Body + Unpin> Body for Held<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.get_mut().inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
