use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;

use super::core::CacheHandle;
use crate::domain::{NextStep, Outcome, PlanRequest, PlanResponse, TaskPart, Usage};

/// How planning calls look on the wire of the inner service.
pub trait Protocol<Req>: Clone + Send + Sync + 'static {
    /// What the inner service answers.
    type Response: Send + 'static;

    /// The planning call in a request, or `None` if it is something else, which then passes
    /// through untouched.
    fn read<'r>(&self, request: &'r Req) -> Option<Cow<'r, PlanRequest>>;

    /// A response that says this step, made by the cache.
    fn answer(&self, step: NextStep, outcome: &Outcome) -> Self::Response;

    /// Sees a response of the planner on its way to the caller, and says what it was.
    fn observe(&self, response: Self::Response) -> (Self::Response, Observed);

    /// Tells the caller what the cache decided on a response of the planner (a header, say).
    fn mark(&self, response: Self::Response, outcome: &Outcome) -> Self::Response {
        let _ = outcome;
        response
    }

    /// The request with which the planner is asked for a part of the task only.
    /// `None`: such a request cannot be made, and the planner is asked for all that is left.
    fn part(&self, request: &Req, part: TaskPart) -> Option<Req> {
        let _ = (request, part);
        None
    }

    /// Reads a response of the planner to its end before it goes anywhere: the response, whole, and what
    /// it was. Asked of responses to [`Protocol::part`] only.
    fn whole(&self, response: Self::Response) -> Whole<Self::Response> {
        let (response, observed) = self.observe(response);
        let planned = match observed {
            Observed::Now(planned) => Some(planned),
            Observed::Later(_) | Observed::Nothing => None,
        };
        Box::pin(std::future::ready((response, planned)))
    }

    /// The planner's answer has been noted: a protocol that knows the ends of runs can end this one
    /// now. `planned` is `None` if the answer could not be read. The history of `asked` is empty.
    fn noted(&self, cache: &CacheHandle, asked: &PlanRequest, planned: Option<&PlanResponse>) {
        let _ = (cache, asked, planned);
    }
}

/// A response of the planner that is being read to its end, and what it was; `None` if that could not be
/// read.
pub type Whole<R> = Pin<Box<dyn Future<Output = (R, Option<PlanResponse>)> + Send>>;

/// What the planner answered.
pub enum Observed {
    /// This.
    Now(PlanResponse),
    /// It is known when the response has been read to its end; `None` if that never happened.
    Later(Pin<Box<dyn Future<Output = Option<PlanResponse>> + Send>>),
    /// Nothing that is a planning step: the run is not learnt.
    Nothing,
}

impl std::fmt::Debug for Observed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Now(_) => "Now",
            Self::Later(_) => "Later",
            Self::Nothing => "Nothing",
        })
    }
}

/// The protocol of plain types: requests are [`PlanRequest`]s, responses [`PlanResponse`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct Native;

impl Protocol<PlanRequest> for Native {
    type Response = PlanResponse;

    fn read<'r>(&self, request: &'r PlanRequest) -> Option<Cow<'r, PlanRequest>> {
        Some(Cow::Borrowed(request))
    }

    fn answer(&self, step: NextStep, _: &Outcome) -> PlanResponse {
        PlanResponse { step, usage: Usage::default() }
    }

    fn observe(&self, response: PlanResponse) -> (PlanResponse, Observed) {
        let observed = Observed::Now(response.clone());
        (response, observed)
    }

    fn part(&self, request: &PlanRequest, part: TaskPart) -> Option<PlanRequest> {
        Some(PlanRequest { part: Some(part), ..request.clone() })
    }
}
