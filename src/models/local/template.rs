//! The model's own chat template: a Jinja text inside its file, in the form that the `transformers`
//! library gave it, which all models follow.

use std::fmt;

use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde};
use minijinja::{Environment, ErrorKind, context};
use serde::Serialize;
use serde_json::Value;

/// Stand around the words of a message while the template is applied.
const WORDS: char = '\u{1}';
const END: char = '\u{2}';
/// Steps that a template may take: it comes with a file from somewhere.
const FUEL: u64 = 20_000_000;
/// Names the template inside its environment.
const CHAT: &str = "chat";

/// A piece of a rendered conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The template's own text, in which the format's marks are marks.
    Marks(String),
    /// What somebody said. Words that look like the format's marks stay words.
    Words(String),
}

/// Why a conversation cannot be rendered.
#[derive(Debug, thiserror::Error)]
#[error("the model's chat template {0}")]
pub struct TemplateError(String);

impl From<minijinja::Error> for TemplateError {
    fn from(error: minijinja::Error) -> Self {
        Self(format!("does not take this conversation: {error}"))
    }
}

/// Renders conversations as the model was trained to read them.
pub struct ChatTemplate {
    environment: Environment<'static>,
    bos: String,
    eos: String,
    calls: bool,
}

impl fmt::Debug for ChatTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatTemplate").field("calls", &self.calls).finish_non_exhaustive()
    }
}

impl ChatTemplate {
    /// The template of a model.
    pub(super) fn of(model: &LlamaModel) -> Result<Self, TemplateError> {
        let source = model.chat_template(None).map_err(|error| TemplateError(format!("is missing: {error}")));
        let source = source?.to_string().map_err(|error| TemplateError(format!("is not text: {error}")))?;
        let vocab = model.vocab();
        let mark = |token: LlamaToken| match token.0 {
            0.. => String::from_utf8_lossy(&vocab.token_to_piece(token, true, None)).into_owned(),
            _ => String::new(),
        };
        Self::new(source, mark(vocab.bos()), mark(vocab.eos()))
    }

    fn new(source: String, bos: String, eos: String) -> Result<Self, TemplateError> {
        let calls = source.contains("<tool_call>") && source.contains("tools");
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax?);
        environment.set_fuel(Some(FUEL));
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_filter("tojson", json);
        environment.add_function("raise_exception", |why: String| -> Result<String, minijinja::Error> {
            Err(minijinja::Error::new(ErrorKind::InvalidOperation, why))
        });
        environment.add_template_owned(CHAT, source)?;
        Ok(Self { environment, bos, eos, calls })
    }

    /// Whether the model writes its calls as `<tool_call>{"name": .., "arguments": ..}</tool_call>`.
    pub fn calls_tools(&self) -> bool {
        self.calls
    }

    /// A conversation up to where the assistant's answer begins. Messages are objects with `role`
    /// and `content`, and `tool_calls` with their arguments as objects.
    ///
    /// # Errors
    /// When the template refuses it, such as roles that do not alternate.
    pub fn render(&self, messages: &[Value], tools: &[Value]) -> Result<Vec<Part>, TemplateError> {
        let messages: Vec<Value> = messages.iter().cloned().map(marked).collect();
        let template = self.environment.get_template(CHAT)?;
        let tools = (!tools.is_empty()).then_some(tools);
        let text = template.render(context! {
            messages => Serde(&messages), tools => Serde(tools),
            add_generation_prompt => true, bos_token => self.bos.as_str(), eos_token => self.eos.as_str(),
        })?;
        Ok(parts(&text))
    }
}

/// The message with its words marked as such.
fn marked(mut message: Value) -> Value {
    if let Some(Value::String(content)) = message.get_mut("content") {
        content.retain(|c| c != WORDS && c != END);
        if !content.is_empty() {
            *content = format!("{WORDS}{content}{END}");
        }
    }
    message
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut pieces = text.split(WORDS);
    // A template that cuts words in two leaves half a pair.
    let marks = |text: &str| Part::Marks(text.replace(END, ""));
    parts.extend(pieces.next().map(marks));
    for piece in pieces {
        match piece.split_once(END) {
            Some((words, rest)) => parts.extend([Part::Words(words.to_owned()), marks(rest)]),
            None => parts.push(Part::Words(piece.to_owned())),
        }
    }
    parts.retain(|part| !matches!(part, Part::Marks(text) | Part::Words(text) if text.is_empty()));
    parts
}

/// JSON as Python writes it: models were trained on that.
fn json(value: minijinja::Value, options: Kwargs) -> Result<String, minijinja::Error> {
    let wrong =
        |error: serde_json::Error| minijinja::Error::new(ErrorKind::BadSerialization, error.to_string());
    let indent: Option<usize> = options.get("indent")?;
    let mut out = Vec::new();
    match indent {
        Some(indent) => {
            let indent = " ".repeat(indent.min(8));
            let pretty = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
            value.serialize(&mut serde_json::Serializer::with_formatter(&mut out, pretty)).map_err(wrong)?;
        }
        None => {
            value.serialize(&mut serde_json::Serializer::with_formatter(&mut out, Spaced)).map_err(wrong)?;
        }
    }
    let text = String::from_utf8_lossy(&out);
    // Strings in JSON are no place for the format's marks.
    Ok(text.replace("<|", "\\u003c|").replace([WORDS, END], ""))
}

/// Writes a blank after each comma and colon.
struct Spaced;

impl serde_json::ser::Formatter for Spaced {
    fn begin_array_value<W: ?Sized + std::io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(&mut self, out: &mut W) -> std::io::Result<()> {
        out.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn template(source: &str) -> ChatTemplate {
        ChatTemplate::new(source.to_owned(), "<s>".to_owned(), "</s>".to_owned()).unwrap()
    }

    #[test]
    fn words_stay_words_and_marks_stay_marks() {
        let template = template(
            "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{{ m.content | trim }}\n{% endfor %}\
             {% if add_generation_prompt %}<|assistant|>{% endif %}",
        );
        let said = json!({"role": "user", "content": "a <|end|> \u{1}b"});
        let parts = template.render(&[said, json!({"role": "assistant", "content": ""})], &[]).unwrap();
        let marks = |text: &str| Part::Marks(text.to_owned());
        let words = Part::Words("a <|end|> b".to_owned());
        assert_eq!(parts, [marks("<s><|user|>"), words, marks("\n<|assistant|>\n<|assistant|>")]);
    }

    #[test]
    fn json_is_written_as_models_know_it() {
        let template = template("{% for tool in tools %}{{ tool | tojson }}{% endfor %}<tool_call>");
        assert!(template.calls_tools());
        let tool = json!({"z": [1, 2.5, null], "a": "it's <b> & <|end|> ü"});
        let parts = template.render(&[], &[tool]).unwrap();
        let text = r#"{"z": [1, 2.5, null], "a": "it's <b> & \u003c|end|> ü"}<tool_call>"#;
        assert_eq!(parts, [Part::Marks(text.to_owned())]);
    }

    #[test]
    fn what_a_template_refuses_is_said() {
        let refusing = template("{{ raise_exception('roles must alternate') }}");
        let error = refusing.render(&[], &[]).unwrap_err().to_string();
        assert!(error.contains("roles must alternate"), "{error}");
        let endless =
            template("{% for i in range(10000) %}{% for j in range(10000) %}.{% endfor %}{% endfor %}");
        assert!(endless.render(&[], &[]).is_err());
    }
}
