use serde_json::Value;

use super::explain::Scope;
use super::layout::{Listed, lay_out};
use super::lists::{Repeat, repeats, single};
use super::nested::nested;
use super::occurrences::scalars;
use super::region::{Element, Taken, elements, word_lists};
use super::segment::{Segment, siblings, within};
use super::slots::{describe, is_read, join_same, pin};
use super::steps::{Source, Steps, steps};
use super::{answer, guards};
use crate::domain::{
    AnswerTemplate, ListId, Part, Pattern, SCHEMA_VERSION, SlotSpec, Template, TemplateId, TemplateVersion,
    ToolContract, Trace, TraceStep,
};
use crate::expr::{Seen, Values};
use crate::spans::{Lexed, is_connective, same_text, same_value};

/// How a segment is to be read.
#[derive(Clone, Copy)]
pub(super) struct Whether {
    /// It is the run's only acting one, so that the run's answer is its answer.
    pub(super) sole: bool,
    /// Lists are looked for.
    pub(super) loops: bool,
    /// Values are also recognised in other notations, and as calculated.
    pub(super) values: bool,
}

/// Turns a segment of a run into a template.
pub(super) fn template(
    trace: &Trace,
    text: &Lexed,
    segment: &Segment,
    is_read: &dyn Fn(&str) -> bool,
    whether: Whether,
) -> Result<Template, String> {
    let calls: Vec<&TraceStep> = segment.steps.iter().map(|s| &trace.steps[*s]).collect();
    let tools = || calls.iter().map(|c| c.call.tool.as_str()).collect::<Vec<_>>().join(", ");
    if segment.broken {
        return Err(format!("the block of {} failed and is not learnt", tools()));
    }
    let mut contract: Vec<ToolContract> = Vec::new();
    for call in &calls {
        let tool = trace
            .task
            .tool(&call.call.tool)
            .ok_or_else(|| format!("the run calls {}, which the task does not offer", call.call.tool))?;
        if !contract.iter().any(|c| c.name == tool.name) {
            contract.push(ToolContract { name: tool.name.clone(), fingerprint: tool.fingerprint() });
        }
    }
    let (all, beside) = elements_of(trace, text, (segment.from, segment.to), &segment.steps, whether.values);
    let draft = if calls.is_empty() {
        Draft::idle(text, segment, &all, whether.loops)
    } else {
        draft(trace, &calls, text, &all, lists(&calls, &all, &beside, whether.loops), whether.values)
    };
    let Draft { pattern, mut slots, values, steps } = draft;
    // "Also K_2." says what to do only by what stands before it.
    let says = |word: &String| word.chars().any(char::is_alphabetic) && !is_connective(word);
    if !pattern.parts.iter().any(|p| matches!(p, Part::Literal(word) if says(word))) {
        return Err(format!("the text of the block of {} has no words of its own", tools()));
    }
    let Steps { mut steps, firsts, .. } = steps;
    guards::guard(&mut steps, &firsts, is_read);
    describe(&mut slots, &steps);
    pin(&mut slots, &values, &steps);
    join_same(&mut slots, &values, &steps);
    let answer = trace
        .answer
        .as_deref()
        .filter(|a| whether.sole && !a.trim().is_empty() && !steps.iter().any(|s| s.untried))
        .map(|a| answered(a, trace, &slots, &values, &steps, &firsts).unwrap_or_default());
    let name = match (calls.iter().rev().find(|c| !is_read(&c.call.tool)), calls.last()) {
        (Some(write), _) => write.call.tool.clone(),
        (None, Some(last)) => last.call.tool.clone(),
        (None, None) => "idle text".to_owned(),
    };
    Ok(Template {
        schema_version: SCHEMA_VERSION,
        id: TemplateId::new(""),
        version: TemplateVersion::new(""),
        namespace: trace.task.namespace.clone(),
        name,
        keywords: Vec::new(),
        pattern,
        slots,
        steps,
        answer,
        contract,
        output_format: trace.task.output_format.as_ref().map(Value::to_string),
    })
}

/// The elements of a region that these steps serve, and the values beside their arguments.
pub(super) fn elements_of<'a>(
    trace: &'a Trace,
    text: &Lexed,
    region: (usize, usize),
    steps: &[usize],
    derives: bool,
) -> (Vec<Element>, Vec<&'a Value>) {
    let calls: Vec<&TraceStep> = steps.iter().map(|s| &trace.steps[*s]).collect();
    let arguments: Vec<&Value> =
        calls.iter().flat_map(|c| c.call.arguments.values()).flat_map(scalars).collect();
    let beside = siblings(trace, steps, &arguments);
    let known = |own: &str| beside.iter().any(|s| s.as_str().is_some_and(|s| same_text(s, own)));
    (elements(text, region, &taken(trace, &calls), &known, derives), beside)
}

/// The scalars that the calls took, with the members of their enumerations.
fn taken<'a>(trace: &'a Trace, calls: &[&'a TraceStep]) -> Vec<Taken<'a>> {
    let mut out = Vec::new();
    for call in calls {
        for (name, value) in &call.call.arguments {
            let schema = trace.task.tool(&call.call.tool).and_then(|t| t.argument(name));
            take(value, schema, &mut out);
        }
    }
    out
}

fn take<'a>(value: &'a Value, schema: Option<&Value>, out: &mut Vec<Taken<'a>>) {
    let below = |name: &str| schema.and_then(|s| s.get("properties")?.get(name));
    match value {
        Value::Null => {}
        Value::Array(items) => {
            let schema = schema.map(|s| s.get("items").unwrap_or(s));
            items.iter().for_each(|item| take(item, schema, out));
        }
        Value::Object(map) => map.iter().for_each(|(name, item)| take(item, below(name), out)),
        scalar => {
            let members = schema.and_then(|s| s.get("enum")).and_then(Value::as_array);
            let members = members.into_iter().flatten().filter_map(|m| m.as_str().map(str::to_owned));
            out.push(Taken { value: scalar, members: members.collect() });
        }
    }
}

/// A pattern with its slots and what they are in this run.
struct Draft<'a> {
    pattern: Pattern,
    slots: Vec<SlotSpec>,
    values: Values,
    steps: Steps<'a>,
}

/// The lists that a text may hold, in the order in which they are tried: one of lists, one of a single unit
/// where an array of one element asks for it, those that the text shows, and none.
fn lists(calls: &[&TraceStep], all: &[Element], beside: &[&Value], loops: bool) -> Vec<Vec<Listed>> {
    if !loops {
        return vec![Vec::new()];
    }
    let ragged = repeats(all, true);
    let even = repeats(all, false);
    let alone = single_unit(calls, all, beside);
    let mut readings = Vec::new();
    if let Some(alone) = alone {
        let (from, to) = alone.range();
        let mut lists = vec![alone];
        lists.extend(even.iter().filter(|r| r.range().1 <= from || to <= r.range().0).cloned());
        lists.sort_by_key(|list| list.range().0);
        readings.push(lists);
    }
    if ragged != even {
        readings.push(ragged);
    }
    readings.push(even);
    let flat = |lists: Vec<Repeat>| lists.into_iter().map(Listed::Flat).collect();
    let mut readings: Vec<Vec<Listed>> = readings.into_iter().map(flat).collect();
    if let Some(nested) = nested(all) {
        let (from, to) = nested.range();
        let beside = |r: &Repeat| r.range().1 <= from || to <= r.range().0;
        let mut lists = vec![Listed::Nested(nested)];
        lists.extend(repeats(all, false).into_iter().filter(beside).map(Listed::Flat));
        lists.sort_by_key(|list| list.range().0);
        // What goes through it needs no step for each element.
        readings.insert(0, lists);
    }
    readings.push(Vec::new());
    readings
}

/// Drafts the block with each of these readings of its lists; keeps the first of those that explain
/// most.
fn draft<'a>(
    trace: &'a Trace,
    calls: &[&'a TraceStep],
    text: &Lexed,
    all: &[Element],
    readings: Vec<Vec<Listed>>,
    derives: bool,
) -> Draft<'a> {
    let mut best: Option<Draft<'a>> = None;
    for lists in readings {
        let (pattern, slots, values) = lay_out(text, all, &lists);
        let steps = steps(calls, &Source { task: &trace.task, slots: &slots, values: &values, derives });
        let all: Vec<ListId> = pattern.lists().map(|(list, _)| list.id).collect();
        let unused = all.iter().any(|l| !steps.lists.contains(l));
        let better = best.as_ref().is_none_or(|b| steps.unexplained < b.steps.unexplained);
        // A list that nothing runs over is kept only if its values are idle anyway.
        let idle = all
            .iter()
            .filter(|l| !steps.lists.contains(l))
            .all(|l| slots.iter().filter(|s| s.list == Some(*l)).all(|s| !is_read(s.id, &steps.steps)));
        if better && (!unused || idle || lists.is_empty()) {
            best = Some(Draft { pattern, slots, values, steps });
        }
    }
    best.unwrap_or_else(|| {
        let (pattern, slots, values) = lay_out(text, all, &[]);
        let steps = steps(calls, &Source { task: &trace.task, slots: &slots, values: &values, derives });
        Draft { pattern, slots, values, steps }
    })
}

impl Draft<'_> {
    fn idle(text: &Lexed, segment: &Segment, all: &[Element], loops: bool) -> Self {
        let lists = if loops { repeats(all, false) } else { Vec::new() };
        let lists: Vec<Listed> = lists.into_iter().map(Listed::Flat).collect();
        let (pattern, slots, values) = lay_out(text, all, &lists);
        let mut draft = Self { pattern, slots, values, steps: Steps::default() };
        if draft.slots.is_empty() {
            draft.pattern = idle_words(text, segment);
        }
        draft
    }
}

/// The pattern of a sentence without values: its words, with lists of words collapsed.
fn idle_words(text: &Lexed, segment: &Segment) -> Pattern {
    let lists = word_lists(text, (segment.from, segment.to));
    let mut parts = Vec::new();
    let mut at = segment.from;
    while at < segment.to {
        match lists.iter().find(|(from, _)| *from == at) {
            Some((_, to)) => {
                parts.push(Part::Words);
                at = *to;
            }
            None => {
                parts.push(Part::Literal(text.tokens[at].folded.clone()));
                at += 1;
            }
        }
    }
    Pattern { parts }
}

/// The list of one unit that arrays of one element were made of: the values of the text that are
/// those elements, or stand beside them in the records they came from, and nothing else used.
fn single_unit(calls: &[&TraceStep], all: &[Element], beside: &[&Value]) -> Option<Repeat> {
    let mut in_arrays = Vec::new();
    let mut plain = Vec::new();
    for value in calls.iter().flat_map(|c| c.call.arguments.values()) {
        match value {
            Value::Array(items) if items.len() == 1 => in_arrays.extend(scalars(&items[0])),
            other => plain.extend(scalars(other)),
        }
    }
    if in_arrays.is_empty() {
        return None;
    }
    let mut used = Vec::new();
    for (i, element) in all.iter().enumerate() {
        let Element::Value(found) = element else { continue };
        if plain.iter().any(|p| same_value(p, &found.value)) {
            continue;
        }
        let direct = in_arrays.iter().any(|v| same_value(v, &found.value));
        let sibling = beside.iter().any(|s| match (&found.value, s) {
            (Value::Object(own), Value::Object(whole)) => within(own, whole),
            (own, s) => same_value(own, s),
        });
        if direct || sibling {
            used.push(i);
        }
    }
    single(all, &used)
}

fn answered(
    answer: &str,
    trace: &Trace,
    slots: &[SlotSpec],
    values: &Values,
    steps: &[crate::domain::StepTemplate],
    firsts: &[&TraceStep],
) -> Option<AnswerTemplate> {
    let seen: Vec<Seen<'_>> = steps
        .iter()
        .zip(firsts)
        .map(|(step, call)| match (&step.for_each, &call.observation) {
            (None, Some(observation)) => Seen::One(&observation.value),
            _ => Seen::Nothing,
        })
        .collect();
    let scope = Scope {
        slots,
        values,
        seen: &seen,
        context: &trace.task.context,
        unit: None,
        anchors: &[],
        derives: false,
    };
    answer::template(answer, &scope)
}
