use serde_json::{Map, Value};

use super::assign::assign;
use super::flow::Flow;
use super::groups::{Group, Said, join, join_with_neighbour, run_on};
use super::nested::nested_range;
use super::notations::{may_say, said};
use super::occurrences::{occurrences, places, record, scalars};
use crate::domain::Trace;
use crate::expr::elements;
use crate::spans::{Kind, Lexed, is_boundary, is_separator, is_value, name_runs, same_value};

/// A part of the text with the steps that serve it (none: the part is idle).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// First token.
    pub(super) from: usize,
    /// One past the last token.
    pub(super) to: usize,
    /// Steps of the trace, in order, with all they need.
    pub(super) steps: Vec<usize>,
    /// A step of it failed: it is not learnt, and its text is not idle either.
    pub(super) broken: bool,
}

/// A value in the text.
pub(super) struct Span {
    pub(super) from: usize,
    pub(super) to: usize,
}

/// Cuts the text into segments. Values in the text are linked to the calls that used them; since
/// tasks are worked off in the order of their text, the cut is the order-preserving assignment of
/// spans to calls with the most links (`assign`). `loops` says whether lists within lists are looked for:
/// what goes through one is a single block. Sentences without links between two segments are idle.
pub(super) fn segment(trace: &Trace, text: &Lexed, flow: &Flow, loops: bool) -> Vec<Segment> {
    let spans = spans(trace, text, flow.values);
    let mut groups: Vec<Group> = Vec::new();
    for &sink in &flow.sinks {
        let steps = flow.closure(sink);
        let links = links(trace, text, &steps, &spans, flow.values);
        groups.push(Group { sinks: vec![sink], steps, links });
    }
    // One group is one block anyway.
    let nested = if loops && groups.len() > 1 { nested_range(trace, text, flow.values) } else { None };
    let said = Said { trace, text, spans: &spans, nested };
    let assigned = loop {
        let links: Vec<&[u32]> = groups.iter().map(|g| g.links.as_slice()).collect();
        let assigned = assign(text, &spans, &links);
        let starved = (0..groups.len())
            .find(|g| !(0..spans.len()).any(|s| assigned[s] == *g && groups[*g].links[s] > 0));
        match (starved, run_on(&said, &groups, &assigned)) {
            (Some(g), _) if groups.len() > 1 => join_with_neighbour(&mut groups, g),
            (None, Some(g)) => join(&mut groups, g, g - 1),
            _ => break assigned,
        }
    };
    cut(text, &spans, &groups, &assigned, flow)
}

/// All of the text with all that the run did.
pub(super) fn whole(text: &Lexed, flow: &Flow) -> Vec<Segment> {
    let mut steps: Vec<usize> = flow.sinks.iter().flat_map(|sink| flow.closure(*sink)).collect();
    steps.sort_unstable();
    steps.dedup();
    vec![Segment { from: 0, to: text.tokens.len(), steps, broken: !flow.broken.is_empty() }]
}

/// The values that the text shows: tokens that are values by form, capitalised words, and
/// whatever else the run's arguments spell.
fn spans(trace: &Trace, text: &Lexed, values: bool) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut add = |from: usize, to: usize| {
        if !spans.iter().any(|s| s.from < to && from < s.to) {
            spans.push(Span { from, to });
        }
    };
    let taken = || trace.steps.iter().flat_map(|s| s.call.arguments.values()).flat_map(scalars);
    // A day is one value, though a name and numbers may stand in it.
    for (from, to) in taken().filter(|_| values).flat_map(|value| said(text, value, true)) {
        add(from, to);
    }
    for (from, to) in name_runs(text, 0, text.tokens.len()) {
        add(from, to);
    }
    for (i, token) in text.tokens.iter().enumerate() {
        if is_value(token) {
            add(i, i + 1);
        }
    }
    for value in taken() {
        for (from, to) in occurrences(text, value) {
            add(from, to);
        }
    }
    spans.sort_by_key(|s| s.from);
    spans
}

/// How strongly the values of these steps point to each span: 3 for an argument that is the span,
/// 2 for one that is a part of it, 1 for a value beside it in the record it came from.
fn links(trace: &Trace, text: &Lexed, steps: &[usize], spans: &[Span], values: bool) -> Vec<u32> {
    let arguments: Vec<&Value> = steps
        .iter()
        .flat_map(|&s| trace.steps[s].call.arguments.values())
        .flat_map(scalars)
        .filter(|v| !v.is_boolean())
        .collect();
    let siblings = siblings(trace, steps, &arguments);
    spans
        .iter()
        .map(|span| {
            let own = text.value(span.from, span.to);
            if arguments.iter().any(|a| same_value(a, &own) || (values && may_say(&own, a))) {
                return 3;
            }
            if let Value::Object(object) = &own {
                let part = elements(&own).iter().any(|(_, v)| arguments.iter().any(|a| same_value(a, v)));
                let same = siblings.iter().any(|s| s.as_object().is_some_and(|s| within(object, s)));
                return if part { 2 } else { u32::from(same) };
            }
            let words = &text.tokens[span.from..span.to];
            if words.iter().any(|w| arguments.iter().any(|a| same_value(a, &w.value))) {
                return 2;
            }
            let spelt = |value: &Value| {
                occurrences(text, value).iter().any(|(from, to)| span.from <= *from && *to <= span.to)
            };
            u32::from(siblings.iter().any(|s| !s.is_object() && spelt(s)))
        })
        .collect()
}

/// Whether an object's members all stand in another one; their values may differ if its keys do
/// not (then it is what the task changes).
pub(super) fn within(part: &Map<String, Value>, whole: &Map<String, Value>) -> bool {
    part.keys().all(|key| whole.contains_key(key))
        && part.iter().all(|(key, value)| whole.get(key).is_some_and(|w| same_value(w, value)))
}

/// The values beside the arguments in the records of the observations they came from.
pub(super) fn siblings<'a>(trace: &'a Trace, steps: &[usize], arguments: &[&Value]) -> Vec<&'a Value> {
    let mut out: Vec<&Value> = Vec::new();
    for &step in steps {
        let Some(observation) = &trace.steps[step].observation else { continue };
        for argument in arguments {
            for place in places(&observation.value, argument) {
                let Some((_, record)) = record(&observation.value, &place) else { continue };
                for (_, value) in elements(record) {
                    let tells = value.is_object() || value.as_str().is_some_and(|s| s.len() > 1);
                    if tells && !out.contains(&value) {
                        out.push(value);
                    }
                }
            }
        }
    }
    out
}

/// From the assignment to token ranges.
fn cut(text: &Lexed, spans: &[Span], groups: &[Group], assigned: &[usize], flow: &Flow) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    // The tokens from the first to the last linked span of each group, in order.
    for (g, group) in groups.iter().enumerate() {
        let mut own = (0..spans.len()).filter(|s| assigned[*s] == g && group.links[*s] > 0);
        let Some(first) = own.next() else { continue };
        let last = own.next_back().unwrap_or(first);
        segments.push(Segment {
            from: spans[first].from,
            to: spans[last].to,
            steps: group.steps.clone(),
            broken: group.sinks.iter().any(|s| flow.broken.contains(s)),
        });
    }
    let mut out: Vec<Segment> = Vec::new();
    let mut done = 0;
    for i in 0..segments.len() {
        let mut segment = segments[i].clone();
        segment.from = head(text, done, segment.from);
        idle(text, done, segment.from, &mut out);
        let next = segments.get(i + 1).map_or(text.tokens.len(), |s| s.from);
        segment.to = tail(text, segment.to, next, i + 1 == segments.len());
        done = segment.to;
        out.push(segment);
    }
    idle(text, done, text.tokens.len(), &mut out);
    out
}

/// Where a segment begins whose first linked span is at `first`, if all before `done` is taken:
/// after the last boundary in between. What is before that is idle.
fn head(text: &Lexed, done: usize, first: usize) -> usize {
    (done..first).rev().find(|i| is_boundary(&text.tokens[*i].folded)).map_or(done, |i| i + 1)
}

/// Where a segment ends whose last linked span ends at `last`, if the next one's first span is at
/// `next`: after the first boundary in between; else before the last separator word or after the
/// last comma; else at once.
fn tail(text: &Lexed, last: usize, next: usize, is_last: bool) -> usize {
    let gap = last..next;
    if let Some(end) = gap.clone().find(|i| is_boundary(&text.tokens[*i].folded)) {
        return end + 1;
    }
    if is_last {
        return next;
    }
    if let Some(word) =
        gap.clone().find(|i| is_separator(&text.tokens[*i].folded) && text.tokens[*i].kind != Kind::Punct)
    {
        return word;
    }
    gap.clone().find(|i| text.tokens[*i].is(",")).map_or(last, |i| i + 1)
}

/// One idle segment for each sentence.
fn idle(text: &Lexed, from: usize, to: usize, out: &mut Vec<Segment>) {
    let mut start = from;
    for i in from..to {
        let ends = is_boundary(&text.tokens[i].folded) || i + 1 == to;
        if ends {
            out.push(Segment { from: start, to: i + 1, steps: Vec::new(), broken: false });
            start = i + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::{is_read, run};
    use super::*;
    use crate::domain::Learning;
    use crate::spans::lex;
    use serde_json::json;

    /// The text of each segment, with its steps.
    fn cut_of(trace: &Trace) -> Vec<(String, Vec<usize>)> {
        let text = lex(&trace.task.text);
        let segments = segment(trace, &text, &Flow::of(trace, &text, &is_read, true), true);
        segments.into_iter().map(|s| (text.slice(s.from, s.to).to_owned(), s.steps)).collect()
    }

    fn same(trace: &Trace, wanted: &[(&str, &[usize])]) {
        let wanted: Vec<_> = wanted.iter().map(|(t, s)| ((*t).to_owned(), s.to_vec())).collect();
        assert_eq!(cut_of(trace), wanted);
    }

    #[test]
    fn a_text_is_cut_after_the_values_that_a_call_used() {
        let calls = [
            ("tow", json!({"boat": "K_1", "to": "Oslo"}), json!({})),
            ("paint", json!({"boat": "K_2"}), json!({})),
        ];
        same(
            &run("Tow K_1 to Oslo. Then paint K_2 please.", &calls),
            &[("Tow K_1 to Oslo.", &[0]), ("Then paint K_2 please.", &[1])],
        );
        // Without a boundary in between, the separator word begins the next block.
        same(
            &run("Tow K_1 to Oslo and paint K_2", &calls),
            &[("Tow K_1 to Oslo", &[0]), ("and paint K_2", &[1])],
        );
    }

    #[test]
    fn sentences_that_no_call_used_are_idle_one_by_one() {
        let calls =
            [("tow", json!({"boat": "K_1"}), json!({})), ("paint", json!({"boat": "K_2"}), json!({}))];
        same(
            &run("Good day! Tow K_1. It is late. Hull 7 leaks. Paint K_2.", &calls),
            &[
                ("Good day!", &[]),
                ("Tow K_1.", &[0]),
                ("It is late.", &[]),
                ("Hull 7 leaks.", &[]),
                ("Paint K_2.", &[1]),
            ],
        );
    }

    #[test]
    fn calls_that_share_their_only_value_are_one_block() {
        let calls =
            [("tow", json!({"boat": "K_1"}), json!({})), ("paint", json!({"boat": "K_1"}), json!({}))];
        same(&run("Tow and paint K_1.", &calls), &[("Tow and paint K_1.", &[0, 1])]);
    }

    /// "and K_2" alone would say the same after any other verb.
    #[test]
    fn calls_of_one_tool_in_one_sentence_are_one_block() {
        let tow = |boat: &str| ("tow", json!({"boat": boat}), json!({}));
        let paint = |boat: &str| ("paint", json!({"boat": boat}), json!({}));
        same(
            &run("Tow K_1 and also K_2. Tow K_3.", &[tow("K_1"), tow("K_2"), tow("K_3")]),
            &[("Tow K_1 and also K_2.", &[0, 1]), ("Tow K_3.", &[2])],
        );
        same(&run("Tow K_1. K_2 too.", &[tow("K_1"), tow("K_2")]), &[("Tow K_1. K_2 too.", &[0, 1])]);
        same(
            &run("Tow K_1; and then: tow K_2.", &[tow("K_1"), tow("K_2")]),
            &[("Tow K_1;", &[0]), ("and then: tow K_2.", &[1])],
        );
        same(
            &run("Tow K_1 and paint K_2.", &[tow("K_1"), paint("K_2")]),
            &[("Tow K_1", &[0]), ("and paint K_2.", &[1])],
        );
        let list = super::super::examples::template(&run("Tow K_1, K_2.", &[tow("K_1"), tow("K_2")]));
        assert_eq!(list.steps.len(), 1);
        assert_eq!(list.steps[0].for_each, Some(0));
    }

    #[test]
    fn a_block_brings_the_reads_that_it_needs() {
        let berths = json!({"boats": [{"name": "Gull", "boat": "K_1"}, {"name": "Tern", "boat": "K_2"}]});
        let calls = [
            ("berths", json!({"pier": "P_4"}), berths),
            ("tow", json!({"boat": "K_2"}), json!({})),
            ("paint", json!({"boat": "K_9"}), json!({})),
        ];
        same(
            &run("At P_4, tow the Tern. Paint K_9.", &calls),
            &[("At P_4, tow the Tern.", &[0, 1]), ("Paint K_9.", &[2])],
        );
    }

    #[test]
    fn a_block_that_failed_is_marked_and_not_idle() {
        let calls = [("berths", json!({"boat": "K_1"}), json!({"error": "aground"}))];
        let trace = run("Find K_1.", &calls);
        let text = lex(&trace.task.text);
        let segments = segment(&trace, &text, &Flow::of(&trace, &text, &is_read, true), true);
        assert_eq!(segments, [Segment { from: 0, to: 3, steps: vec![0], broken: true }]);
        let found = super::super::extract(&trace, &is_read, Learning::default());
        assert!(found.templates.is_empty());
        assert!(found.rejected.iter().any(|why| why.contains("berths failed")), "{:?}", found.rejected);
    }

    #[test]
    fn a_text_without_calls_is_idle() {
        same(&run("Good day.", &[]), &[("Good day.", &[])]);
        same(&run("", &[]), &[]);
    }
}
