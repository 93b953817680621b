//! From a completed run to templates.
//!
//! A run is a small data-flow program with its values showing. `flow` finds what depends on
//! what, `segment` cuts the task's text into the blocks that the calls serve, `block` turns
//! each into a template: typed slots for what the text gives (`region`, `lists`, `nested`, `layout`), and for
//! every argument all bindings that explain it (`explain`, `paths`; in other notations: `notations`; calculated:
//! `compute`), call by call (`steps`) or over the elements of lists (`loops`). `merge` intersects the templates of
//! several runs.

mod answer;
mod assign;
mod block;
mod compute;
#[cfg(test)]
mod examples;
mod explain;
mod flow;
mod groups;
mod guards;
mod languages;
mod layout;
mod lists;
mod loops;
mod merge;
mod nested;
mod notations;
mod occurrences;
mod optional;
mod paths;
mod programs;
mod region;
mod segment;
mod slots;
mod steps;

use crate::domain::{Learning, Template, Trace};
use block::Whether;
use programs::Programs;

pub use merge::{merge, redact, shape_key};
pub use optional::{fold, shape_keys, words_key};

/// What a run taught.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extracted {
    /// The templates, in the order of their text. Lineage, version and keywords are not set yet;
    /// constants and guards still show their values ([`redact`] hides them).
    pub templates: Vec<Template>,
    /// For each template, the byte range of the task's text that it came from.
    pub ranges: Vec<(usize, usize)>,
    /// For each template, the steps of the trace that it stands for.
    pub steps: Vec<Vec<usize>>,
    /// What could not be learnt, and why. Names steps and tools, never values.
    pub rejected: Vec<String>,
    /// The run as it was read, where it holds programs: each as an object of its values.
    pub read: Option<Trace>,
}

/// Extracts templates from a run. `is_read` says which tools change nothing, `learning` whether to
/// look for blocks and lists.
///
/// The run's outcome is not looked at: whether a run may be learnt is the caller's question.
pub fn extract(trace: &Trace, is_read: &dyn Fn(&str) -> bool, learning: Learning) -> Extracted {
    let text = crate::spans::lex(&trace.task.text);
    let programs = if learning.programs { Programs::of(trace, &text) } else { None };
    let trace = programs.as_ref().map_or(trace, |programs| &programs.trace);
    let flow = flow::Flow::with(trace, &text, is_read, learning.values, programs.as_ref());
    // A query is for all that the text says, and what repeats in a program is its own affair.
    let learning = Learning {
        blocks: learning.blocks && programs.as_ref().is_none_or(|programs| !programs.has_queries()),
        loops: learning.loops && programs.is_none(),
        ..learning
    };
    let segments = match learning.blocks {
        true => segment::segment(trace, &text, &flow, learning.loops),
        false => segment::whole(&text, &flow),
    };
    let mut out = Extracted { rejected: flow.notes.clone(), ..Extracted::default() };
    let acting = segments.iter().filter(|s| !s.steps.is_empty()).count();
    for segment in &segments {
        let sole = acting == 1;
        let whether = Whether { sole, loops: learning.loops, values: learning.values };
        let made = block::template(trace, &text, segment, is_read, whether);
        let made = made.and_then(|mut template| {
            if let Some(programs) = &programs {
                programs.put_back(&mut template, &segment.steps)?;
            }
            Ok(template)
        });
        match made {
            Ok(template) => {
                out.templates.push(template);
                out.ranges.push(text.bytes(segment.from, segment.to));
                out.steps.push(segment.steps.clone());
            }
            Err(why) => out.rejected.push(why),
        }
    }
    // A text is known to say nothing beside one that was acted on; alone it may be what nothing was
    // learnt of, or what was answered in words.
    if out.steps.iter().all(Vec::is_empty) && !out.templates.is_empty() {
        out.rejected.push("nothing that the run did is learnt, so its text is not known to be idle".into());
        (out.templates, out.ranges, out.steps) = Default::default();
    }
    out.read = programs.map(|programs| programs.trace);
    out
}

/// The steps of a run that what it was for depends on, in order: its plan. Failed calls, reads on
/// which nothing depends and calls without an answer are not among them.
pub fn needed(trace: &Trace, is_read: &dyn Fn(&str) -> bool) -> Vec<usize> {
    let text = crate::spans::lex(&trace.task.text);
    let programs = Programs::of(trace, &text);
    let trace = programs.as_ref().map_or(trace, |programs| &programs.trace);
    let flow = flow::Flow::with(trace, &text, is_read, true, programs.as_ref());
    let sinks = flow.sinks.iter().filter(|sink| !flow.broken.contains(sink));
    let mut steps: Vec<usize> = sinks.flat_map(|sink| flow.closure(*sink)).collect();
    steps.sort_unstable();
    steps.dedup();
    steps
}
