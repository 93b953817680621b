use super::segment::Span;
use crate::spans::{Lexed, is_boundary};

/// What a group is worth that gets a span at all: more than a cut between clauses costs, less than
/// one within a clause. So calls that use the same values are still told apart where each has a
/// sentence of its own, and stay together where the words leave no room between them.
const OWN: f64 = 0.25;

/// What it costs to go on to a later group between two neighbouring spans.
fn cost(text: &Lexed, before: &Span, after: &Span) -> f64 {
    let between = &text.tokens[before.to.min(after.from)..after.from];
    if between.iter().any(|t| is_boundary(&t.folded) && !t.is(";")) {
        0.0
    } else if between.iter().any(|t| t.is(";")) {
        // A semicolon also stands within what one call is told.
        0.1
    } else {
        0.5
    }
}

/// A group with the question whether it already has a span that its values point to.
type State = (usize, bool);

/// The order-preserving assignment of spans to groups with the most links; among those with equally
/// many, the one in which the most groups have a span of their own and that is cut between
/// sentences. `links` holds for each group how strongly it points to each span.
pub(super) fn assign(text: &Lexed, spans: &[Span], links: &[&[u32]]) -> Vec<usize> {
    if links.is_empty() {
        return vec![0; spans.len()];
    }
    let states: Vec<State> = (0..links.len()).flat_map(|g| [(g, false), (g, true)]).collect();
    // best[s]: the best value of the spans so far with the last one in state s.
    let mut best: Vec<f64> = Vec::new();
    let mut back: Vec<Vec<usize>> = Vec::new();
    for (i, span) in spans.iter().enumerate() {
        let change = i.checked_sub(1).map_or(0.0, |before| cost(text, &spans[before], span));
        let mut next = vec![f64::NEG_INFINITY; states.len()];
        let mut from = vec![0; states.len()];
        for (s, &(group, fed)) in states.iter().enumerate() {
            let link = links[group][i];
            let own = f64::from(link) + if link > 0 { OWN } else { 0.0 };
            if i == 0 && fed == (link > 0) {
                next[s] = own;
            }
            for (b, &so_far) in best.iter().enumerate() {
                let (before, was_fed) = states[b];
                let stays = before == group && fed == (was_fed || link > 0);
                let changes = before < group && fed == (link > 0);
                if !stays && !changes {
                    continue;
                }
                let value = match stays {
                    true if was_fed => so_far + f64::from(link),
                    true => so_far + own,
                    false => so_far - change + own,
                };
                if value > next[s] + 1e-9 || (value > next[s] - 1e-9 && stays) {
                    (next[s], from[s]) = (value, b);
                }
            }
        }
        best = next;
        back.push(from);
    }
    let mut at = (0..best.len()).max_by(|a, b| best[*a].total_cmp(&best[*b])).unwrap_or(0);
    let mut assigned = vec![0; spans.len()];
    for i in (0..spans.len()).rev() {
        assigned[i] = states[at].0;
        at = back[i][at];
    }
    assigned
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spans::{Kind, lex};

    /// Which group each identifier of a text goes to, if groups point to them so strongly.
    fn assigned(text: &str, links: &[&[u32]]) -> Vec<usize> {
        let text = lex(text);
        let values = text.tokens.iter().enumerate().filter(|(_, t)| t.kind == Kind::Identifier);
        let spans: Vec<Span> = values.map(|(i, _)| Span { from: i, to: i + 1 }).collect();
        assign(&text, &spans, links)
    }

    #[test]
    fn calls_with_the_same_values_have_a_sentence_each() {
        let both: [&[u32]; 2] = [&[3, 3, 3, 3], &[3, 3, 3, 3]];
        assert_eq!(assigned("Tow K_1 to P_1. Paint K_1 at P_1.", &both), [0, 0, 1, 1]);
        // Within one clause nothing says where the first ends.
        assert_eq!(assigned("Tow K_1 to P_1 and paint K_1 at P_1.", &both), [1, 1, 1, 1]);
    }

    #[test]
    fn a_cut_stands_between_sentences_rather_than_at_a_semicolon() {
        let both: [&[u32]; 2] = [&[3, 0, 3, 0], &[0, 3, 3, 3]];
        assert_eq!(assigned("Tow K_1; K_2; by P_1. Paint K_3.", &[&[3, 3, 3, 0], both[1]]), [0, 0, 0, 1]);
    }

    #[test]
    fn more_links_count_for_more_than_a_cut() {
        assert_eq!(assigned("Tow K_1 then paint K_2", &[&[3, 0], &[0, 3]]), [0, 1]);
        assert_eq!(assigned("Tow K_1 by K_2", &[&[3, 3], &[0, 3]]), [0, 0]);
        assert_eq!(assigned("Tow K_1.", &[]), [0]);
    }
}
