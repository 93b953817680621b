//! Template records for tests of stores and of what stands on them.

use plancache::domain::{
    Evidence, Lifecycle, Namespace, Part, Pattern, SCHEMA_VERSION, StepTemplate, Template, TemplateId,
    TemplateRecord, TemplateVersion,
};

/// A record whose pattern is its keywords and whose one step has no arguments.
pub(crate) fn record(namespace: &str, id: &str, keywords: &[&str], sequence: u64) -> TemplateRecord {
    let mut template = Template {
        schema_version: SCHEMA_VERSION,
        id: TemplateId::new(id),
        version: TemplateVersion::new(""),
        namespace: Namespace::new(namespace),
        name: format!("{id} by {}", keywords.join(" ")),
        keywords: keywords.iter().map(|word| (*word).to_owned()).collect(),
        pattern: Pattern { parts: keywords.iter().map(|word| Part::Literal((*word).to_owned())).collect() },
        slots: Vec::new(),
        steps: vec![StepTemplate {
            tool: format!("tool_{id}"),
            when: Vec::new(),
            for_each: None,
            together: false,
            arguments: Vec::new(),
            guards: Vec::new(),
            failures: Vec::new(),
            states: Vec::new(),
            untried: false,
        }],
        answer: None,
        contract: Vec::new(),
        output_format: None,
    };
    template.version = template.content_version();
    let evidence = Evidence { successes: 1, ..Evidence::default() };
    TemplateRecord {
        template: std::sync::Arc::new(template),
        evidence,
        state: Lifecycle::Candidate,
        sequence,
    }
}
