//! Errors in the shape that OpenAI's clients read.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::fill::FillError;
use crate::models::local::GenerateError;

/// Why a request is not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    /// The member of the request that is meant.
    param: Option<&'static str>,
    message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, param: None, message: message.into() }
    }

    /// A request that cannot be answered as it is.
    pub(super) fn of(param: &'static str, message: impl Into<String>) -> Self {
        Self { param: Some(param), ..Self::new(StatusCode::BAD_REQUEST, "invalid_value", message) }
    }

    pub(super) fn body(&self) -> Value {
        let kind = if self.status.is_client_error() { "invalid_request_error" } else { "server_error" };
        json!({"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}})
    }

    pub(super) fn response(&self) -> Response<Body> {
        let mut response = json_response(self.status, &self.body());
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<FillError> for Refusal {
    fn from(error: FillError) -> Self {
        match error {
            FillError::Busy { waiting } => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                format!("the model is busy ({waiting} requests wait); ask again later"),
            ),
            error => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "model_failed", error.to_string()),
        }
    }
}

impl From<GenerateError> for Refusal {
    fn from(error: GenerateError) -> Self {
        let message = error.to_string();
        match error {
            GenerateError::TooLong { .. } => {
                Self { code: "context_length_exceeded", ..Self::of("messages", message) }
            }
            // Of a tool or of the response format: the message says what is wrong with it.
            GenerateError::Constraint(_) => Self::new(StatusCode::BAD_REQUEST, "invalid_schema", message),
            GenerateError::Failed(_) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "model_failed", message),
        }
    }
}

/// A response with a JSON body.
pub(super) fn json_response(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
