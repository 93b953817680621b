use serde_json::Value;

use super::explain::{Scope, explain};
use super::occurrences::{occurrences, scalars};
use crate::domain::{AnswerPart, AnswerTemplate, Binding, Operand, Tier};
use crate::expr::Seen;
use crate::spans::{begins_sentence, is_value, lex, name_runs};

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
    // What the task gives or an observation shows is a value even where it is an ordinary word, or
    // a name that begins the sentence.
    for read in scope.values.slots.values() {
        occurrences(&text, &read.value).into_iter().for_each(&mut add);
    }
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
        if !begins_sentence(&text, from) || to > from + 1 {
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

#[cfg(test)]
mod tests {
    use super::super::examples::{slot, values};
    use super::*;
    use crate::domain::SlotPart;
    use serde_json::json;

    /// Templates an answer of a run whose text gave a name and an identifier.
    fn said(answer: &str, seen: &[Value]) -> Option<Vec<AnswerPart>> {
        let slots = [slot(0, "name"), slot(1, "identifier")];
        let own = values(&[json!("Gull"), json!("P_4")]);
        let seen: Vec<Seen<'_>> = seen.iter().map(Seen::One).collect();
        let scope = Scope {
            derives: false,
            slots: &slots,
            values: &own,
            seen: &seen,
            context: &Value::Null,
            unit: None,
            anchors: &[],
        };
        template(answer, &scope).map(|a| a.parts)
    }

    fn text(words: &str) -> AnswerPart {
        AnswerPart::Text(words.into())
    }

    fn value(slot: u32) -> AnswerPart {
        AnswerPart::Value(Operand::Slot { slot, part: SlotPart::Whole })
    }

    #[test]
    fn values_of_the_task_are_slots_and_all_else_stays() {
        assert_eq!(
            said("The boat Gull lies at P_4.", &[]),
            Some(vec![text("The boat "), value(0), text(" lies at "), value(1), text(".")])
        );
        assert_eq!(said("All is well.", &[]), Some(vec![text("All is well.")]));
    }

    #[test]
    fn a_value_that_nothing_explains_leaves_no_answer() {
        assert_eq!(said("That makes 45 crowns.", &[]), None);
        assert_eq!(said("Ask for Skua there.", &[]), None);
    }

    #[test]
    fn what_an_observation_shows_is_a_value_even_as_an_ordinary_word() {
        let seen = json!({"is": "afloat", "fee": 45});
        let parts = said("Gull is afloat, for 45 crowns.", std::slice::from_ref(&seen)).unwrap();
        let of = |key: &str| {
            let path = vec![crate::domain::PathStep::Key(key.into())];
            AnswerPart::Value(Operand::Observed { step: 0, path })
        };
        assert_eq!(parts, [value(0), text(" is "), of("is"), text(", for "), of("fee"), text(" crowns.")]);
    }

    #[test]
    fn an_element_of_a_list_that_only_its_place_explains_is_not_said() {
        let seen = json!({"boats": [{"fee": 45}, {"fee": 50}]});
        assert_eq!(said("That makes 50 crowns.", &[seen]), None);
    }
}
