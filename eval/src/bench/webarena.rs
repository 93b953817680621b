//! WebArena's requests: which plan is meant, with which values. One tool stands for each template.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use plancache::domain::{Call, EffectClass, Namespace, Task};
use plancache_agents::catalogue::Catalogue;
use plancache_agents::import::{task, tools_from_json};
use plancache_agents::tokens::Prompt;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::script::played;
use super::{Benchmark, Case, Definition, Lessons, LoadError, World, Worlds};
use crate::score::webarena::Meant;
use crate::tasks::read_lines;

/// A request with its labels.
#[derive(Deserialize)]
pub(super) struct Line {
    task_id: String,
    sites: Vec<String>,
    /// What the user asks for.
    pub(super) intent: String,
    /// Which template it is of.
    pub(super) intent_template_id: u64,
    slots: Map<String, Value>,
}

impl Line {
    fn tool(&self) -> String {
        format!("plan_{}", self.intent_template_id)
    }

    /// The sites as one name, whatever their order.
    fn namespace(&self) -> String {
        let sites: BTreeSet<&str> = self.sites.iter().map(String::as_str).collect();
        sites.into_iter().collect::<Vec<_>>().join("+")
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "array",
        Value::Number(_) => "number",
        _ => "string",
    }
}

/// One tool for each template of the file: its arguments are the slots, and it says of itself only
/// which sites it is for. A slot whose type varies has none.
fn catalogue(lines: &[Line]) -> Vec<Value> {
    let mut plans: BTreeMap<u64, (String, BTreeMap<&str, BTreeSet<&str>>)> = BTreeMap::new();
    for line in lines {
        let (_, slots) =
            plans.entry(line.intent_template_id).or_insert_with(|| (line.namespace(), BTreeMap::new()));
        for (slot, value) in &line.slots {
            slots.entry(slot).or_default().insert(kind(value));
        }
    }
    let tool = |(id, (sites, slots)): (u64, (String, BTreeMap<&str, BTreeSet<&str>>))| {
        let schema = |kinds: &BTreeSet<&str>| match kinds.first().filter(|_| kinds.len() == 1) {
            Some(kind) => json!({"type": kind}),
            None => json!({}),
        };
        let properties: Map<String, Value> =
            slots.iter().map(|(slot, kinds)| ((*slot).to_owned(), schema(kinds))).collect();
        let parameters = json!({"type": "object", "properties": properties});
        let about = format!("A plan for {sites}.");
        let function = json!({"name": format!("plan_{id}"), "description": about, "parameters": parameters});
        json!({"type": "function", "function": function})
    };
    plans.into_iter().map(tool).collect()
}

/// The catalogue for every task.
struct Plans(Catalogue);

impl Worlds for Plans {
    fn fresh(&self, _: &Case) -> World {
        Box::new(self.0.clone())
    }
}

pub(super) fn load(definition: Definition) -> Result<Benchmark, LoadError> {
    let lines: Vec<Line> = read_lines(&definition.files.task_file())?;
    let described = catalogue(&lines);
    let tools =
        tools_from_json(&described).map_err(|why| LoadError::Data { name: definition.name.clone(), why })?;
    let names = || tools.iter().map(|tool| tool.name.clone());
    let mut effects: BTreeMap<_, _> = names().map(|name| (name, EffectClass::Read)).collect();
    effects.extend(definition.effects.clone());
    let worlds = Box::new(Plans(Catalogue::new(names())));
    let (mut cases, mut runs, mut shapes) = (Vec::new(), Vec::new(), BTreeMap::new());
    let mut meant = HashMap::new();
    for line in lines {
        let namespace = Namespace::new(line.namespace());
        let call = Call { id: "gold".to_owned(), tool: line.tool(), arguments: line.slots };
        let asked = Task { namespace, ..task(line.intent, tools.clone()) };
        let case = Case { id: line.task_id, task: asked.into() };
        let mut next = Some(call.clone());
        runs.push(played(&case, worlds.fresh(&case), |_| next.take(), |_| None));
        shapes.insert(case.id.clone(), vec![call.tool.clone()]);
        meant.insert(case.id.clone(), call);
        cases.push(case);
    }
    let prompt = Prompt { system: definition.system.clone(), tools: described };
    let judge = Box::new(Meant(meant));
    Ok(Benchmark {
        cases,
        runs,
        prompt,
        effects,
        worlds,
        judge,
        shapes,
        definition,
        lessons: Lessons::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{loaded, succeeding};
    use super::*;

    #[test]
    fn labels_are_right_and_a_wrong_template_is_told_from_wrong_slots() {
        let benchmark = loaded("webarena");
        assert_eq!((benchmark.cases.len(), succeeding(&benchmark)), (570, 570));
        let case = benchmark.cases.iter().find(|case| case.id == "webarena-420").unwrap();
        let mut run = benchmark.runs.iter().find(|run| run.task_id == case.id).unwrap().trace.clone();
        run.steps[0].call.arguments.insert("status".into(), json!("Busy"));
        let why = benchmark.judge(case, &run).why.unwrap();
        assert_eq!(why, "wrong slots: `status` is \"Busy\", not \"Playing Badminton\"");
        let parts = |tool: &str| benchmark.parts(case, tool, &run.steps[0].call.arguments).unwrap();
        assert!(parts("plan_361").tool && parts("plan_361").arguments == (0, 1));
        assert!(!parts("plan_0").tool);
        run.steps[0].call.tool = "plan_0".into();
        assert_eq!(benchmark.judge(case, &run).why.unwrap(), "wrong template: plan_0, not plan_361");
    }

    #[test]
    fn all_tasks_have_the_same_catalogue_and_their_sites_as_namespace() {
        let benchmark = loaded("webarena");
        assert_eq!(benchmark.prompt.tools.len(), 133);
        let namespaces: BTreeSet<_> =
            benchmark.cases.iter().map(|case| case.task.namespace.as_str().to_owned()).collect();
        assert_eq!(namespaces.len(), 8);
        assert!(namespaces.contains("gitlab+reddit") && !namespaces.contains("reddit+gitlab"));
    }
}
