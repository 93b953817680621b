use serde_json::{Map, Value};

use super::flow::Flow;
use super::occurrences::{is_value, name_runs, occurrences, places, record, scalars};
use crate::domain::Trace;
use crate::expr::elements;
use crate::spans::{Kind, Lexed, is_boundary, is_separator, same_value};

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
struct Span {
    from: usize,
    to: usize,
}

/// Several sinks that share a part of the text.
struct Group {
    sinks: Vec<usize>,
    steps: Vec<usize>,
    /// For each span, how strongly the group's values point to it.
    links: Vec<u32>,
}

/// Cuts the text into segments. Values in the text are linked to the calls that used them; since
/// tasks are worked off in the order of their text, the cut is the order-preserving assignment of
/// spans to calls with the most links. Sentences without links between two segments are idle.
pub(super) fn segment(trace: &Trace, text: &Lexed, flow: &Flow) -> Vec<Segment> {
    let spans = spans(trace, text);
    let mut groups: Vec<Group> = Vec::new();
    for &sink in &flow.sinks {
        let steps = flow.closure(sink);
        let links = links(trace, text, &steps, &spans);
        groups.push(Group { sinks: vec![sink], steps, links });
    }
    let assigned = loop {
        let assigned = assign(text, &spans, &groups);
        let starved = (0..groups.len())
            .find(|g| !(0..spans.len()).any(|s| assigned[s] == *g && groups[*g].links[s] > 0));
        match starved {
            Some(g) if groups.len() > 1 => join_with_neighbour(&mut groups, g),
            _ => break assigned,
        }
    };
    cut(text, &spans, &groups, &assigned, flow)
}

/// The values that the text shows: tokens that are values by form, capitalised words, and
/// whatever else the run's arguments spell.
fn spans(trace: &Trace, text: &Lexed) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut add = |from: usize, to: usize| {
        if !spans.iter().any(|s| s.from < to && from < s.to) {
            spans.push(Span { from, to });
        }
    };
    for (from, to) in name_runs(text, 0, text.tokens.len()) {
        add(from, to);
    }
    for (i, token) in text.tokens.iter().enumerate() {
        if is_value(token) {
            add(i, i + 1);
        }
    }
    for value in trace.steps.iter().flat_map(|s| s.call.arguments.values()).flat_map(scalars) {
        for (from, to) in occurrences(text, value) {
            add(from, to);
        }
    }
    spans.sort_by_key(|s| s.from);
    spans
}

/// How strongly the values of these steps point to each span: 3 for an argument that is the span,
/// 2 for one that is a part of it, 1 for a value beside it in the record it came from.
fn links(trace: &Trace, text: &Lexed, steps: &[usize], spans: &[Span]) -> Vec<u32> {
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
            if arguments.iter().any(|a| same_value(a, &own)) {
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

/// The order-preserving assignment of spans to groups with the most links.
fn assign(text: &Lexed, spans: &[Span], groups: &[Group]) -> Vec<usize> {
    if groups.is_empty() {
        return vec![0; spans.len()];
    }
    // best[g]: the best value of the spans so far with the last one in group g.
    let mut best = vec![0.0_f64; groups.len()];
    let mut back: Vec<Vec<usize>> = Vec::new();
    for (i, span) in spans.iter().enumerate() {
        let cheap = i == 0
            || text.tokens[spans[i - 1].to.min(span.from)..span.from].iter().any(|t| is_boundary(&t.folded));
        let mut next = vec![f64::NEG_INFINITY; groups.len()];
        let mut from = vec![0; groups.len()];
        for g in 0..groups.len() {
            for (before, so_far) in best.iter().enumerate().take(g + 1) {
                let change = if before == g || cheap { 0.0 } else { 0.5 };
                let value = so_far - change + f64::from(groups[g].links[i]);
                if value > next[g] + 1e-9 || (value > next[g] - 1e-9 && before == g) {
                    (next[g], from[g]) = (value, before);
                }
            }
        }
        best = next;
        back.push(from);
    }
    let mut at = (0..groups.len()).max_by(|a, b| best[*a].total_cmp(&best[*b])).unwrap_or(0);
    let mut assigned = vec![0; spans.len()];
    for i in (0..spans.len()).rev() {
        assigned[i] = at;
        at = back[i][at];
    }
    assigned
}

/// Joins a group that no span was left for with the neighbour that points to the same spans.
fn join_with_neighbour(groups: &mut Vec<Group>, starved: usize) {
    let shared = |other: usize| {
        groups[starved].links.iter().zip(&groups[other].links).filter(|(a, b)| **a > 0 && **b > 0).count()
    };
    let before = starved.checked_sub(1);
    let after = (starved + 1 < groups.len()).then_some(starved + 1);
    let with = match (before, after) {
        (Some(b), Some(a)) if shared(a) > shared(b) => a,
        (Some(b), _) => b,
        (None, Some(a)) => a,
        (None, None) => return,
    };
    let group = groups.remove(starved);
    let into = &mut groups[if with > starved { with - 1 } else { with }];
    into.sinks.extend(group.sinks);
    into.steps.extend(group.steps);
    into.steps.sort_unstable();
    into.steps.dedup();
    for (link, other) in into.links.iter_mut().zip(group.links) {
        *link = (*link).max(other);
    }
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
