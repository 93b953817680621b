//! A planner's response on its way to the client: its bytes pass through as they are, while what
//! they say is read on the side.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use axum::http::{Response, header};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::oneshot;

use super::chat::{self, Said};
use super::endpoint::Endpoint;
use super::frames::Frames;
use super::planning::Planned;
use super::responses;
use super::tracker::{Thread, Tracker};
use crate::domain::{Namespace, NextStep, PlanResponse, RunId};

/// What is needed to read a response.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    pub(super) endpoint: Endpoint,
    pub(super) final_tools: Arc<Vec<String>>,
    /// The usage was asked for by the proxy, and is kept from the client.
    pub(super) hide_usage: bool,
    /// The most bytes that are read.
    pub(super) most: usize,
    pub(super) tenant: Namespace,
    pub(super) run: RunId,
    pub(super) thread: Thread,
    pub(super) tracker: Arc<Tracker>,
}

/// Reads what passes by.
enum Reader {
    Whole(Vec<u8>),
    Chat(Frames, chat::Draft),
    Responses(Frames, responses::Draft),
    /// Too long, or already told.
    Done,
}

/// A body that is read on its way.
pub(super) struct Tee {
    inner: Body,
    reader: Reader,
    watch: Watch,
    seen: usize,
    /// Bytes of the body, where the upstream said how many.
    length: Option<usize>,
    tell: Option<oneshot::Sender<Option<PlanResponse>>>,
}

impl Tee {
    /// Puts a tee on a response. The receiver gets the step that it says, or `None`.
    pub(super) fn put_on(
        response: Response<Body>,
        watch: Watch,
    ) -> (Response<Body>, oneshot::Receiver<Option<PlanResponse>>) {
        let header = |name| response.headers().get(name).and_then(|v| v.to_str().ok());
        let streamed = header(header::CONTENT_TYPE).is_some_and(|t| t.starts_with("text/event-stream"));
        let length = header(header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
        let reader = match (streamed, watch.endpoint) {
            (false, _) => Reader::Whole(Vec::new()),
            (true, Endpoint::Chat) => Reader::Chat(Frames::default(), chat::Draft::default()),
            (true, Endpoint::Responses) => Reader::Responses(Frames::default(), responses::Draft::default()),
        };
        let (tell, told) = oneshot::channel();
        let response =
            response.map(|inner| Body::new(Self { inner, reader, watch, seen: 0, length, tell: Some(tell) }));
        (response, told)
    }

    /// Reads a chunk, and says which bytes of it, and of what was held back, are to be passed on.
    /// The step is told before its last bytes are passed on: the client may ask again at once.
    fn read(&mut self, chunk: Bytes) -> Bytes {
        self.seen += chunk.len();
        if self.seen > self.watch.most && self.tell.is_some() {
            self.tell(None);
        }
        let told = self.tell.is_none();
        let hide = self.watch.hide_usage;
        match &mut self.reader {
            Reader::Whole(_) | Reader::Responses(..) if told => chunk,
            Reader::Whole(bytes) => {
                bytes.extend_from_slice(&chunk);
                if self.length.is_some_and(|length| bytes.len() >= length) {
                    self.end();
                }
                chunk
            }
            Reader::Chat(frames, draft) if hide => {
                let mut kept = Vec::with_capacity(chunk.len());
                let mut last = false;
                for frame in frames.push(&chunk) {
                    let said = frame.data.as_deref().map(|data| draft.event(data));
                    last |= said == Some(Said::Done);
                    if said != Some(Said::Usage) {
                        kept.extend_from_slice(&frame.raw);
                    }
                }
                if frames.waiting() > self.watch.most {
                    kept.extend_from_slice(&frames.rest());
                    self.watch.hide_usage = false;
                    self.tell(None);
                } else if last && !told {
                    self.end();
                }
                kept.into()
            }
            Reader::Chat(frames, draft) if !told => {
                let mut last = false;
                for data in frames.push(&chunk).into_iter().filter_map(|frame| frame.data) {
                    last |= draft.event(&data) == Said::Done;
                }
                if last {
                    self.end();
                }
                chunk
            }
            Reader::Responses(frames, draft) => {
                frames
                    .push(&chunk)
                    .into_iter()
                    .filter_map(|frame| frame.data)
                    .for_each(|data| draft.event(&data));
                if draft.ended() {
                    self.end();
                }
                chunk
            }
            Reader::Chat(..) | Reader::Done => chunk,
        }
    }

    /// The body is complete: tells what it said.
    fn end(&mut self) {
        let finals = &self.watch.final_tools;
        let planned = match &mut self.reader {
            Reader::Whole(bytes) => match self.watch.endpoint {
                Endpoint::Chat => chat::completion(bytes, finals),
                Endpoint::Responses => responses::response(bytes, finals),
            },
            // A comment or half an event at the end is not lost, but it says nothing.
            Reader::Chat(_, draft) => draft.finish(finals),
            Reader::Responses(_, draft) => draft.finish(finals),
            Reader::Done => None,
        };
        self.tell(planned);
    }

    fn tell(&mut self, planned: Option<Planned>) {
        let Some(tell) = self.tell.take() else { return };
        if let Some(Planned { step: NextStep::Calls(calls), .. }) = &planned {
            let ids = calls.iter().map(|call| call.id.as_str());
            self.watch.tracker.tie(&self.watch.tenant, &self.watch.run, self.watch.thread, ids);
        }
        if !self.watch.hide_usage {
            self.reader = Reader::Done;
        }
        // Nobody listens where the request was given up; then nothing is to be learnt.
        let _ = tell.send(planned.map(|Planned { step, usage }| PlanResponse { step, usage }));
    }

    /// What was held back at the end: an event without its empty line.
    fn rest(&mut self) -> Bytes {
        match &mut self.reader {
            Reader::Chat(frames, _) if self.watch.hide_usage && frames.waiting() > 0 => frames.rest().into(),
            _ => Bytes::new(),
        }
    }
}

impl HttpBody for Tee {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        loop {
            match ready!(Pin::new(&mut this.inner).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(chunk) => {
                        let out = this.read(chunk);
                        if !out.is_empty() {
                            return Poll::Ready(Some(Ok(Frame::data(out))));
                        }
                    }
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                Some(Err(error)) => {
                    this.tell(None);
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    this.end();
                    let rest = this.rest();
                    return Poll::Ready((!rest.is_empty()).then(|| Ok(Frame::data(rest))));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        // Asked before the end, it would keep the last bytes from being read.
        false
    }

    fn size_hint(&self) -> SizeHint {
        if self.watch.hide_usage { SizeHint::default() } else { self.inner.size_hint() }
    }
}
