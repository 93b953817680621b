//! Calls that share a part of the text.

use std::collections::BTreeSet;

use super::segment::Span;
use crate::domain::Trace;
use crate::spans::{Lexed, is_boundary, is_separator};

/// Several sinks that share a part of the text.
pub(super) struct Group {
    pub(super) sinks: Vec<usize>,
    pub(super) steps: Vec<usize>,
    /// For each span, how strongly the group's values point to it.
    pub(super) links: Vec<u32>,
}

/// Joins a group that no span was left for with the neighbour that points to the same spans.
pub(super) fn join_with_neighbour(groups: &mut Vec<Group>, starved: usize) {
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
    join(groups, starved, with);
}

/// What groups are told apart by.
pub(super) struct Said<'a> {
    pub(super) trace: &'a Trace,
    pub(super) text: &'a Lexed,
    pub(super) spans: &'a [Span],
    /// Token range of a list whose elements hold a list each.
    pub(super) nested: Option<(usize, usize)>,
}

/// A group that calls the tools of the one before it within the same sentence, in one that begins with a
/// value, or for a further element of a list of lists. Its words may be no more than "and" or "too"
/// beside the value, which would say the same after any other verb; together they are a list, or at least
/// say what is to be done.
pub(super) fn run_on(said: &Said<'_>, groups: &[Group], assigned: &[usize]) -> Option<usize> {
    let Said { trace, text, spans, nested } = *said;
    let tool = |sink: &usize| trace.steps[*sink].call.tool.as_str();
    let tools = |g: &Group| g.sinks.iter().map(tool).collect::<BTreeSet<_>>();
    let own = |g: usize| (0..spans.len()).filter(move |s| assigned[*s] == g && groups[g].links[*s] > 0);
    (1..groups.len()).find(|&g| {
        let (Some(last), Some(first)) = (own(g - 1).next_back(), own(g).next()) else { return false };
        let (last, first) = (&spans[last], &spans[first]);
        let between = &text.tokens[last.to.min(first.from)..first.from];
        let boundary = between.iter().rposition(|t| is_boundary(&t.folded));
        let own_words = boundary.is_some_and(|b| between[b + 1..].iter().any(|t| !is_separator(&t.folded)));
        let one_list = nested.is_some_and(|(from, to)| from <= last.from && first.to <= to);
        let (before, after) = (&groups[g - 1], &groups[g]);
        let meets = before.sinks.last().map(tool) == after.sinks.first().map(tool);
        (meets || tools(before) == tools(after)) && (!own_words || one_list)
    })
}

/// Puts one group into another.
pub(super) fn join(groups: &mut Vec<Group>, from: usize, into: usize) {
    let group = groups.remove(from);
    let into = &mut groups[if into > from { into - 1 } else { into }];
    into.sinks.extend(group.sinks);
    into.steps.extend(group.steps);
    into.steps.sort_unstable();
    into.steps.dedup();
    for (link, other) in into.links.iter_mut().zip(group.links) {
        *link = (*link).max(other);
    }
}
