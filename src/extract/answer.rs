use serde_json::Value;

use super::explain::{Scope, explain};
use super::occurrences::{is_value, name_runs, occurrences, scalars};
use crate::domain::{AnswerPart, AnswerTemplate, Binding, Operand, Tier};
use crate::expr::Seen;
use crate::spans::lex;

/// Templates a final answer: every value in it must be one of the task or of an observation.
/// `None` if one is not, since fixed words would then be wrong for another task.
pub(super) fn template(answer: &str, scope: &Scope<'_>) -> Option<AnswerTemplate> {
    let text = lex(answer);
    let mut spans: Vec<(usize, usize)> = Vec::new();
    let mut add = |span: (usize, usize)| {
        if !spans.iter().any(|s| s.0 < span.1 && span.0 < s.1) {
            spans.push(span);
        }
    };
    // What an observation shows is a value even where it is an ordinary word.
    for seen in scope.seen {
        let all: Vec<&Value> = match seen {
            Seen::One(value) => vec![value],
            Seen::Each(_, each) => each.clone(),
            Seen::Nothing => Vec::new(),
        };
        for value in all.into_iter().flat_map(scalars).filter(|v| v.is_string() || v.is_number()) {
            occurrences(&text, value).into_iter().for_each(&mut add);
        }
    }
    for (i, token) in text.tokens.iter().enumerate() {
        if is_value(token) {
            add((i, i + 1));
        }
    }
    for (from, to) in name_runs(&text, 0, text.tokens.len()) {
        if !super::occurrences::begins_sentence(&text, from) || to > from + 1 {
            add((from, to));
        }
    }
    spans.sort_unstable();
    let mut parts = Vec::new();
    let mut done = 0;
    for (from, to) in spans {
        let (start, end) = text.bytes(from, to);
        let operand = bound(&text.value(from, to), scope)?;
        if start > done {
            parts.push(AnswerPart::Text(answer[done..start].to_owned()));
        }
        parts.push(AnswerPart::Value(operand));
        done = end;
    }
    if done < answer.len() {
        parts.push(AnswerPart::Text(answer[done..].to_owned()));
    }
    Some(AnswerTemplate { parts })
}

/// The simplest operand that yields the value, if one does without counting positions.
fn bound(value: &Value, scope: &Scope<'_>) -> Option<Operand> {
    explain(value, None, scope).bindings.into_iter().find_map(|binding| match binding {
        Binding::Value(operand) if operand.tier() <= Tier::Path => Some(operand),
        _ => None,
    })
}
