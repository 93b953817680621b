//! A small world for tests: a library with two tools, a run in it and the template of that run.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::domain::{
    Argument, Binding, Call, Evidence, Guard, Lifecycle, Namespace, Observation, Operand, Part, PathStep,
    Pattern, Predicate, RunId, RunOutcome, SCHEMA_VERSION, Shape, SlotPart, SlotSpec, Space, StepTemplate,
    Task, Template, TemplateId, TemplateRecord, TemplateVersion, Tool, ToolContract, Trace, TraceStep, Usage,
};

pub(crate) fn tools() -> Vec<Tool> {
    let text = json!({"type": "string"});
    let tool = |name: &str, properties: Value| Tool {
        name: name.into(),
        description: String::new(),
        parameters: json!({"type": "object", "properties": properties}),
    };
    vec![
        tool("find_loans", json!({"reader": text})),
        tool(
            "extend",
            json!({"loan": text, "weeks": {"type": "integer"}, "reason": {"enum": ["travel", "illness"]}}),
        ),
    ]
}

pub(crate) fn task() -> Task {
    Task {
        namespace: Namespace::default(),
        text: "Reader R-2041 wants The Tin Drum for two more weeks because of travel.".into(),
        context: Value::Null,
        tools: Arc::new(tools()),
        output_format: None,
    }
}

pub(crate) fn trace() -> Trace {
    let step = |id: &str, tool: &str, arguments: Value, value: Value| TraceStep {
        call: Call {
            id: id.into(),
            tool: tool.into(),
            arguments: arguments.as_object().expect("an object").clone(),
        },
        observation: Some(Observation { value, failed: false }),
    };
    Trace {
        run: RunId::new("run-1"),
        task: task(),
        steps: vec![
            step(
                "c1",
                "find_loans",
                json!({"reader": "R-2041"}),
                json!({"state": "open", "loans": [
                    {"loan": "L77", "title": "The Tin Drum"}, {"loan": "L78", "title": "Utopia"}
                ]}),
            ),
            step(
                "c2",
                "extend",
                json!({"loan": "L77", "weeks": 2, "reason": "travel"}),
                json!({"state": "extended"}),
            ),
        ],
        answer: None,
        outcome: RunOutcome::Success,
        usage: Usage::default(),
    }
}

pub(crate) fn slot(id: u32, name: &str, shape: Shape) -> SlotSpec {
    SlotSpec {
        id,
        name: name.into(),
        shape,
        members: Vec::new(),
        list: None,
        keys: Vec::new(),
        optional: false,
        idle: false,
        builds: Vec::new(),
        same_as: None,
        only: None,
    }
}

pub(crate) fn whole(slot: u32) -> Operand {
    Operand::Slot { slot, part: SlotPart::Whole }
}

pub(crate) fn one(binding: Binding) -> Argument {
    Argument::One(Space { bindings: vec![binding], overflow: false })
}

pub(crate) fn words(text: &str) -> Vec<Part> {
    text.split(' ').map(|word| Part::Literal(word.into())).collect()
}

pub(crate) fn template() -> Template {
    let mut reason = slot(2, "reason", Shape::Member);
    reason.members = vec!["travel".into(), "illness".into()];
    let mut parts = words("reader");
    parts.push(Part::Slot(0));
    parts.extend(words("wants"));
    parts.push(Part::Slot(1));
    parts.extend(words("for two more weeks because of"));
    parts.push(Part::Slot(2));
    parts.extend(words("."));
    let loan = Operand::Observed {
        step: 0,
        path: vec![
            PathStep::Key("loans".into()),
            PathStep::Select(vec![Predicate { field: vec!["title".into()], equals: whole(1) }]),
            PathStep::Key("loan".into()),
        ],
    };
    let weeks = Binding::Constant { hash: crate::domain::canonical_hash(&json!(2)), json: None, seen: 1 };
    let guard =
        Guard { cel: Some("has(obs.loans) && size(obs.loans) > 0".into()), field: vec![], hash: None };
    let contract = tools()
        .iter()
        .map(|tool| ToolContract { name: tool.name.clone(), fingerprint: tool.fingerprint() })
        .collect();
    sealed(Template {
        schema_version: SCHEMA_VERSION,
        id: TemplateId::new("extend-loan"),
        version: TemplateVersion::new(""),
        namespace: Namespace::default(),
        name: "extend a loan".into(),
        keywords: vec!["reader".into(), "weeks".into()],
        pattern: Pattern { parts },
        slots: vec![slot(0, "reader", Shape::Identifier), slot(1, "title", Shape::Name), reason],
        steps: vec![
            StepTemplate {
                tool: "find_loans".into(),
                when: Vec::new(),
                for_each: None,
                together: false,
                arguments: vec![("reader".into(), one(Binding::Value(whole(0))))],
                guards: vec![guard],
                failures: Vec::new(),
                states: Vec::new(),
                untried: false,
            },
            StepTemplate {
                tool: "extend".into(),
                when: Vec::new(),
                for_each: None,
                together: false,
                arguments: vec![
                    ("loan".into(), one(Binding::Value(loan))),
                    ("weeks".into(), one(weeks)),
                    ("reason".into(), one(Binding::Value(whole(2)))),
                ],
                guards: Vec::new(),
                failures: Vec::new(),
                states: Vec::new(),
                untried: false,
            },
        ],
        answer: None,
        contract,
        output_format: None,
    })
}

/// The template with the version of its content.
pub(crate) fn sealed(mut template: Template) -> Template {
    template.version = template.content_version();
    template
}

pub(crate) fn record() -> TemplateRecord {
    TemplateRecord {
        template: std::sync::Arc::new(template()),
        evidence: Evidence { successes: 2, ..Evidence::default() },
        state: Lifecycle::Active,
        sequence: 1,
    }
}
