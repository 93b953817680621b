//! How clear a choice was, from the log-probabilities that an endpoint reports.

use async_openai::types::chat::ChatCompletionTokenLogprob;

/// The smallest lead, in nats, of a token of the answer over one that would have led to another
/// candidate; infinite where none was reported. Other tokens (a space more, another notation)
/// say nothing of the choice.
pub(super) fn margin(tokens: &[ChatCompletionTokenLogprob], candidates: &[String], chosen: usize) -> f32 {
    let text: String = tokens.iter().map(|token| token.token.as_str()).collect();
    let quoted = |candidate: &String| serde_json::to_string(candidate).unwrap_or_default();
    let Some(own) = candidates.get(chosen).map(quoted) else { return f32::INFINITY };
    let Some(start) = text.rfind(&own) else { return f32::INFINITY };
    let (before, _) = text.split_at(start);
    let whole = format!("{before}{own}");
    let others: Vec<String> = candidates
        .iter()
        .enumerate()
        .filter(|(index, _)| *index != chosen)
        .map(|(_, candidate)| format!("{before}{}", quoted(candidate)))
        .chain([format!("{before}null")])
        .collect();
    let mut smallest = f32::INFINITY;
    let mut read = String::new();
    for token in tokens {
        let is_rival = |alternative: &str| {
            let path = format!("{read}{alternative}");
            // Another way to cut the same answer into tokens is no rival.
            !whole.starts_with(&path)
                && others.iter().any(|other| other.starts_with(&path) || path.starts_with(other.as_str()))
        };
        let rivals = token.top_logprobs.iter().filter(|top| is_rival(&top.token));
        if let Some(best) = rivals.map(|top| top.logprob).reduce(f32::max) {
            smallest = smallest.min(token.logprob - best);
        }
        read.push_str(&token.token);
    }
    smallest
}

#[cfg(test)]
mod tests {
    use async_openai::types::chat::TopLogprobs;

    use super::*;

    fn token(text: &str, logprob: f32, others: &[(&str, f32)]) -> ChatCompletionTokenLogprob {
        let top = |text: &str, logprob| TopLogprobs { token: text.to_owned(), logprob, bytes: None };
        ChatCompletionTokenLogprob {
            token: text.to_owned(),
            logprob,
            bytes: None,
            top_logprobs: others.iter().map(|(text, logprob)| top(text, *logprob)).collect(),
        }
    }

    #[test]
    fn only_tokens_that_lead_to_another_candidate_count() {
        let candidates = ["blue pen".to_owned(), "blue ink".to_owned(), "red pen".to_owned()];
        let tokens = [
            token("{\"answer\":", -0.1, &[("{", -0.2)]),
            token(" \"", -0.1, &[(" '", -0.15)]),
            token("blue", -0.25, &[("red", -2.25), ("green", -0.5)]),
            token(" pen", -0.5, &[(" ink", -1.25), (" pens", -0.75)]),
            token("\"}", 0.0, &[]),
        ];
        assert_eq!(margin(&tokens, &candidates, 0), 0.75);
    }

    #[test]
    fn a_choice_without_a_rival_is_certain() {
        let candidates = ["a".to_owned(), "b".to_owned()];
        let tokens = [token("{\"answer\": \"a\"}", -0.1, &[("}", -4.0)])];
        assert_eq!(margin(&tokens, &candidates, 0), f32::INFINITY);
    }
}
