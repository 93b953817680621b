//! Values that no text and no observation explains, over all templates of a namespace.
//!
//! One run shows a value that is always the same and one that is this task's own in the same way.
//! Other plans tell them apart: what several distinct tasks had in the same argument, whatever they
//! asked for, and what every task of one plan had, however it was worded.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::domain::{
    Binding, Space, StepTemplate, Template, TemplateId, TemplateRecord, Tier, Trace, canonical_hash,
};

/// Most distinct tasks whose hashes are kept for one value.
const MOST_TASKS: usize = 16;
/// Most different values that are kept for one argument: one with more is no constant.
const MOST_VALUES: usize = 32;

/// What is known of the arguments of a namespace's tools.
#[derive(Clone, Debug, Default)]
pub(super) struct Constants {
    /// By tool and path, and by plan, tool and path.
    places: imbl::HashMap<String, Place>,
}

#[derive(Clone, Debug, Default)]
struct Place {
    values: Vec<Shown>,
    /// Tasks in which the text or an observation explained the value.
    explained: BTreeSet<String>,
    /// Values were seen that are not among `values`.
    others: bool,
}

#[derive(Clone, Debug, Default)]
struct Shown {
    hash: String,
    /// Tasks that showed it, explained or not.
    tasks: BTreeSet<String>,
    /// Of these, the tasks in which nothing explained it.
    bare: BTreeSet<String>,
    /// Templates that wait for it to be believed.
    waiting: Vec<TemplateId>,
}

/// An argument's value in a run.
struct Seen {
    tool: String,
    path: String,
    hash: String,
    explained: bool,
}

impl Constants {
    /// Takes note of what a run showed, as the template says that was learnt from it. Returns the
    /// templates that waited for what is believed now.
    pub(super) fn note(
        &mut self,
        template: &Template,
        steps: &[usize],
        trace: &Trace,
        task: &str,
        least: u32,
    ) -> BTreeSet<TemplateId> {
        let mut freed = BTreeSet::new();
        let plan = plan(template);
        for seen in seen(template, steps, trace) {
            for key in keys(template, &plan, &seen.tool, &seen.path) {
                let place = self.places.entry(key).or_default();
                place.add(&seen.hash, task, seen.explained);
                if place.believes(&seen.hash, least) {
                    freed.extend(place.free(&seen.hash));
                }
            }
        }
        freed
    }

    /// What stored templates say, whose runs are gone.
    pub(super) fn of<'a>(records: impl Iterator<Item = &'a TemplateRecord>) -> Self {
        let mut constants = Self::default();
        records.for_each(|record| constants.recall(record));
        constants
    }

    fn recall(&mut self, record: &TemplateRecord) {
        let template = &record.template;
        let plan = plan(template);
        for step in &template.steps {
            each_space(step, &mut |path, space| {
                for (at, key) in keys(template, &plan, &step.tool, path).into_iter().enumerate() {
                    let place = self.places.entry(key).or_default();
                    match constant(space) {
                        Some((hash, _)) => {
                            for task in &record.evidence.tasks {
                                place.add(hash, task, false);
                            }
                            place.wait(hash, &template.id);
                        }
                        None => {
                            place.explained.extend(record.evidence.tasks.iter().take(MOST_TASKS).cloned());
                            // Within a plan: what the values were is not known any more.
                            place.others |= at == 1;
                        }
                    }
                }
            });
        }
    }

    /// Shows the constants of a template that are believed by now; `learnt` gives a value that was
    /// just seen, by its hash. The others wait.
    pub(super) fn believe(
        &mut self,
        template: &mut Arc<Template>,
        least: u32,
        learnt: &dyn Fn(&str) -> Option<String>,
    ) -> bool {
        let mut changed = false;
        let mut own = Template::clone(template);
        let plan = plan(template);
        let keys_of = |tool: &str, path: &str| keys(template, &plan, tool, path);
        for step in &mut own.steps {
            let tool = step.tool.clone();
            each_space_mut(step, &mut |path, space| {
                let Some((hash, _)) = constant(space).filter(|(_, seen)| *seen < least) else { return };
                let hash = hash.to_owned();
                let all = keys_of(&tool, path);
                let believed =
                    all.iter().any(|k| self.places.get(k).is_some_and(|p| p.believes(&hash, least)));
                if let Some(json) = learnt(&hash).filter(|_| believed) {
                    show(space, &hash, json, least);
                    changed = true;
                } else if !believed {
                    for key in all {
                        self.places.entry(key).or_default().wait(&hash, &template.id);
                    }
                }
            });
        }
        if changed {
            *template = Arc::new(own);
        }
        changed
    }
}

impl Place {
    fn add(&mut self, hash: &str, task: &str, explained: bool) {
        if explained && self.explained.len() < MOST_TASKS {
            self.explained.insert(task.to_owned());
        }
        let Some(shown) = self.of(hash) else {
            self.others = true;
            return;
        };
        if shown.tasks.len() < MOST_TASKS {
            shown.tasks.insert(task.to_owned());
        }
        if !explained && shown.bare.len() < MOST_TASKS {
            shown.bare.insert(task.to_owned());
        }
    }

    /// What is kept of a value; `None` if there are too many already.
    fn of(&mut self, hash: &str) -> Option<&mut Shown> {
        let known = self.values.iter().position(|shown| shown.hash == hash);
        let at = match known {
            Some(at) => at,
            None if self.values.len() < MOST_VALUES => {
                self.values.push(Shown { hash: hash.to_owned(), ..Shown::default() });
                self.values.len() - 1
            }
            None => return None,
        };
        self.values.get_mut(at)
    }

    fn wait(&mut self, hash: &str, id: &TemplateId) {
        if let Some(shown) = self.of(hash)
            && shown.waiting.len() < MOST_TASKS
            && !shown.waiting.contains(id)
        {
            shown.waiting.push(id.clone());
        }
    }

    fn free(&mut self, hash: &str) -> Vec<TemplateId> {
        self.of(hash).map(|shown| std::mem::take(&mut shown.waiting)).unwrap_or_default()
    }

    /// Whether a value of this argument is a constant: enough tasks had it without anything that
    /// explains it, and hardly any task has an explained value here; or every task had it, and
    /// enough did.
    fn believes(&self, hash: &str, least: u32) -> bool {
        let Some(shown) = self.values.iter().find(|shown| shown.hash == hash) else { return false };
        let bare: usize = self.values.iter().map(|shown| shown.bare.len()).sum();
        let enough = |tasks: &BTreeSet<String>| tasks.len() >= least as usize;
        let always = self.values.len() == 1 && !self.others;
        (enough(&shown.bare) && self.explained.len() * 4 <= bare) || (always && enough(&shown.tasks))
    }
}

/// What a template does, however it is asked for: its tools, loops and arguments.
fn plan(template: &Template) -> Value {
    let step = |step: &StepTemplate| {
        let mut paths = Vec::new();
        each_space(step, &mut |path, _| paths.push(path.to_owned()));
        json!([step.tool, step.for_each.is_some(), paths])
    };
    canonical_hash(&template.steps.iter().map(step).collect()).into()
}

/// Where an argument's values are kept: over all plans, and within this one.
fn keys(template: &Template, plan: &Value, tool: &str, path: &str) -> [String; 2] {
    let contract = template.contract.iter().find(|c| c.name == tool).map(|c| c.fingerprint.as_str());
    let hash = |of: Value| canonical_hash(&of)[..24].to_owned();
    [hash(json!([tool, contract, path])), hash(json!([tool, contract, path, plan]))]
}

/// The constant that a space comes to, if nothing better explains the value; one that the tool's
/// schema declares is none.
fn constant(space: &Space) -> Option<(&str, u32)> {
    // What a calculation gives may have come out by chance.
    if space.best().next()?.tier() < Tier::Computed {
        return None;
    }
    space.bindings.iter().find_map(|binding| match binding {
        Binding::Constant { hash, seen, .. } if *seen > 0 => Some((hash.as_str(), *seen)),
        _ => None,
    })
}

fn show(space: &mut Space, wanted: &str, value: String, least: u32) {
    for binding in &mut space.bindings {
        if let Binding::Constant { hash, json, seen } = binding
            && hash == wanted
        {
            *json = Some(value.clone());
            *seen = (*seen).max(least);
        }
    }
}

/// The scalars that a template's calls had in its run.
fn seen(template: &Template, steps: &[usize], trace: &Trace) -> Vec<Seen> {
    let mut explained = BTreeSet::new();
    let mut declared = BTreeSet::new();
    for step in &template.steps {
        each_space(step, &mut |path, space| {
            let place = (step.tool.clone(), path.to_owned());
            match space.best().next() {
                Some(Binding::Constant { seen: 0, .. }) => drop(declared.insert(place)),
                Some(best) if best.tier() < Tier::Computed => drop(explained.insert(place)),
                _ => {}
            }
        });
    }
    let mut out = Vec::new();
    for call in steps.iter().filter_map(|step| trace.steps.get(*step)).map(|step| &step.call) {
        leaves(&Value::Object(call.arguments.clone()), String::new(), &mut |path, value| {
            let place = (call.tool.clone(), path.to_owned());
            if !declared.contains(&place) {
                let explained = explained.contains(&place);
                out.push(Seen { tool: place.0, path: place.1, hash: canonical_hash(value), explained });
            }
        });
    }
    out
}

fn leaves(value: &Value, path: String, visit: &mut dyn FnMut(&str, &Value)) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            map.iter().for_each(|(name, item)| leaves(item, format!("{path}.{name}"), visit));
        }
        Value::Array(items) if !items.is_empty() => {
            items.iter().for_each(|item| leaves(item, format!("{path}[]"), visit));
        }
        other => visit(&path, other),
    }
}

fn each_space<'a>(step: &'a StepTemplate, visit: &mut dyn FnMut(&str, &'a Space)) {
    step.arguments.iter().for_each(|(name, argument)| argument.places(&format!(".{name}"), visit));
}

fn each_space_mut(step: &mut StepTemplate, visit: &mut dyn FnMut(&str, &mut Space)) {
    step.arguments.iter_mut().for_each(|(name, argument)| argument.places_mut(&format!(".{name}"), visit));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(bare: &[(&str, &[&str])], explained: &[&str]) -> Place {
        let mut place = Place::default();
        for (value, tasks) in bare {
            tasks.iter().for_each(|task| place.add(value, task, false));
        }
        explained.iter().for_each(|task| place.add("told", task, true));
        place
    }

    #[test]
    fn what_enough_tasks_had_without_a_reason_is_a_constant() {
        assert!(!place(&[("a", &["1", "2"]), ("b", &["3"])], &[]).believes("a", 3));
        assert!(place(&[("a", &["1", "2", "4"]), ("b", &["3"])], &[]).believes("a", 3));
        assert!(!place(&[("a", &["1", "1", "1"])], &[]).believes("a", 3));
    }

    #[test]
    fn what_the_text_mostly_gives_is_no_constant() {
        let all: &[&str] = &["1", "2", "3"];
        assert!(!place(&[("a", all)], &["4", "5"]).believes("a", 3));
        assert!(place(&[("a", all), ("b", &["6", "7", "8", "9", "10"])], &["4", "5"]).believes("a", 3));
    }

    #[test]
    fn what_every_task_of_a_plan_had_is_a_constant_even_where_the_text_says_it_too() {
        let mut place = Place::default();
        place.add("a", "1", true);
        place.add("a", "2", true);
        assert!(!place.believes("a", 3));
        place.add("a", "3", false);
        assert!(place.believes("a", 3));
        place.add("b", "4", true);
        assert!(!place.believes("a", 3));
    }
}
