//! The content of a message: a text, or parts of one.

use serde::Deserialize;

use super::turn::Unfit;

/// As either endpoint has it.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
pub(super) struct Part {
    r#type: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
}

impl Content {
    /// The text; parts of other kinds (images, sound) cannot be planned with.
    pub(super) fn text(self) -> Result<String, Unfit> {
        let parts = match self {
            Self::Text(text) => return Ok(text),
            Self::Parts(parts) => parts,
        };
        let text = |part: Part| match part.r#type.as_str() {
            "text" | "input_text" | "output_text" => part.text.ok_or(Unfit::CONTENT),
            "refusal" => Ok(part.refusal.unwrap_or_default()),
            _ => Err(Unfit::CONTENT),
        };
        Ok(parts.into_iter().map(text).collect::<Result<Vec<_>, _>>()?.join("\n"))
    }
}
