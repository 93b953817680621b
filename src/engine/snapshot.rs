use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use super::constants::Constants;
use super::meaning::Plans;
use crate::domain::{Namespace, Part, Template, TemplateId, TemplateRecord};
use crate::extract::{shape_keys, words_key};
use crate::matching::Index;
use crate::store::Loaded;

/// Everything that decisions read: immutable, shared, replaced as a whole on a change. Copies
/// share their structure, so a change costs little however much there is.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot {
    tenants: imbl::HashMap<Namespace, Arc<Tenant>>,
    /// Counts admissions; records carry it.
    pub(super) sequence: u64,
}

/// What one namespace knows.
#[derive(Clone, Debug, Default)]
pub(super) struct Tenant {
    records: imbl::HashMap<TemplateId, Arc<TemplateRecord>>,
    shapes: imbl::HashMap<String, Vec<TemplateId>>,
    /// The shapes, and the words, under which each lineage is found.
    keys_of: imbl::HashMap<TemplateId, (Vec<String>, String)>,
    /// Lineages by what the text says.
    wordings: imbl::HashMap<String, Vec<TemplateId>>,
    words: imbl::HashMap<String, u32>,
    tasks: imbl::HashSet<String>,
    /// What is known of values that no text explains; only learning asks for it, so that opening a
    /// store does not wait for it.
    constants: Option<Constants>,
    /// How often each plan was seen; counted when it is first asked for.
    plans: OnceLock<Plans>,
    /// Finds templates by their keywords.
    pub(super) index: Index,
}

impl Snapshot {
    /// Builds the snapshot from what a store holds.
    pub(super) fn load(loaded: Loaded) -> Self {
        let mut snapshot = Self::default();
        for record in loaded.records {
            snapshot.sequence = snapshot.sequence.max(record.sequence);
            snapshot.put(record);
        }
        for count in loaded.words {
            let mut tenant = snapshot.own(&count.namespace);
            Arc::make_mut(&mut tenant).words.insert(count.word, count.tasks);
            snapshot.tenants.insert(count.namespace, tenant);
        }
        snapshot
    }

    /// What a namespace knows, if it knows anything.
    pub(super) fn tenant(&self, namespace: &Namespace) -> Option<&Arc<Tenant>> {
        self.tenants.get(namespace)
    }

    fn own(&self, namespace: &Namespace) -> Arc<Tenant> {
        self.tenants.get(namespace).cloned().unwrap_or_default()
    }

    /// All records of a namespace, or of all, oldest first.
    pub(super) fn records(&self, namespace: Option<&Namespace>) -> Vec<Arc<TemplateRecord>> {
        let mut out: Vec<Arc<TemplateRecord>> = self
            .tenants
            .iter()
            .filter(|(own, _)| namespace.is_none_or(|n| n == *own))
            .flat_map(|(_, tenant)| tenant.records.values().cloned())
            .collect();
        out.sort_by(|a, b| (a.sequence, &a.template.id).cmp(&(b.sequence, &b.template.id)));
        out
    }

    /// Puts a record in place of an older one of its lineage.
    pub(super) fn put(&mut self, record: TemplateRecord) {
        let namespace = record.template.namespace.clone();
        let mut tenant = self.own(&namespace);
        Arc::make_mut(&mut tenant).put(record);
        self.tenants.insert(namespace, tenant);
    }

    /// Changes what is known of a namespace's constants.
    pub(super) fn constants<T>(
        &mut self,
        namespace: &Namespace,
        change: impl FnOnce(&mut Constants) -> T,
    ) -> T {
        let mut tenant = self.own(namespace);
        let own = Arc::make_mut(&mut tenant);
        let records = &own.records;
        let known = || Constants::of(records.values().map(Arc::as_ref));
        let out = change(own.constants.get_or_insert_with(known));
        self.tenants.insert(namespace.clone(), tenant);
        out
    }

    /// Removes a record; says whether it was there.
    pub(super) fn remove(&mut self, namespace: &Namespace, id: &TemplateId) -> bool {
        let mut tenant = self.own(namespace);
        let was = Arc::make_mut(&mut tenant).remove(id);
        self.tenants.insert(namespace.clone(), tenant);
        was
    }

    /// Counts the words of a task that was not seen before; returns the new counts.
    pub(super) fn count_words(
        &mut self,
        namespace: &Namespace,
        task: &str,
        words: &[String],
    ) -> Vec<(String, u32)> {
        let mut tenant = self.own(namespace);
        let own = Arc::make_mut(&mut tenant);
        let mut out = Vec::new();
        if own.tasks.insert(task.to_owned()).is_none() {
            for word in words {
                let count = own.words.get(word).copied().unwrap_or(0) + 1;
                own.words.insert(word.clone(), count);
                out.push((word.clone(), count));
            }
        }
        self.tenants.insert(namespace.clone(), tenant);
        out
    }
}

impl Tenant {
    /// The record of a lineage.
    pub(super) fn record(&self, id: &TemplateId) -> Option<&Arc<TemplateRecord>> {
        self.records.get(id)
    }

    /// The template of a lineage, shared with plans under way.
    pub(super) fn template(&self, id: &TemplateId) -> Option<&Arc<Template>> {
        self.records.get(id).map(|record| &record.template)
    }

    /// How many lineages it knows.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// All records, in no order.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<TemplateRecord>> {
        self.records.values()
    }

    /// How likely the next text asks for a plan that was never seen.
    pub(super) fn novelty(&self) -> f32 {
        let count = || {
            let mut plans = Plans::default();
            self.records.values().for_each(|record| plans.note(record));
            plans
        };
        self.plans.get_or_init(count).novelty()
    }

    /// Lineages with this shape, oldest first.
    pub(super) fn of_shape(&self, key: &str) -> &[TemplateId] {
        self.shapes.get(key).map_or(&[], Vec::as_slice)
    }

    /// Lineages for a text that says this, oldest first.
    pub(super) fn of_words(&self, key: &str) -> &[TemplateId] {
        self.wordings.get(key).map_or(&[], Vec::as_slice)
    }

    /// In how many distinct tasks a word occurred.
    pub(super) fn recurrence(&self, word: &str) -> u32 {
        self.words.get(word).copied().unwrap_or(0)
    }

    fn put(&mut self, record: TemplateRecord) {
        let id = record.template.id.clone();
        // The index replaces what it holds of a lineage. A merge keeps the shape, so that only what is
        // new or was edited has to find its place.
        self.index.insert(id.clone(), &record.template.keywords);
        if let Some(plans) = self.plans.get_mut() {
            plans.note(&record);
        }
        let same = self.records.get(&id).is_some_and(|old| old.template.version == record.template.version);
        if !same {
            self.forget_shape(&id);
            let (keys, said) = (shape_keys(&record.template), words_key(&record.template));
            for key in &keys {
                self.shapes.entry(key.clone()).or_default().push(id.clone());
            }
            self.wordings.entry(said.clone()).or_default().push(id.clone());
            self.keys_of.insert(id.clone(), (keys, said));
        }
        self.records.insert(id, Arc::new(record));
    }

    fn remove(&mut self, id: &TemplateId) -> bool {
        if self.records.remove(id).is_none() {
            return false;
        }
        self.index.remove(id);
        if let Some(plans) = self.plans.get_mut() {
            plans.forget(id);
        }
        self.forget_shape(id);
        true
    }

    fn forget_shape(&mut self, id: &TemplateId) {
        let Some((keys, said)) = self.keys_of.remove(id) else { return };
        for key in keys {
            forget(&mut self.shapes, &key, id);
        }
        forget(&mut self.wordings, &said, id);
    }
}

fn forget(map: &mut imbl::HashMap<String, Vec<TemplateId>>, key: &str, id: &TemplateId) {
    if let Some(ids) = map.get_mut(key) {
        ids.retain(|other| other != id);
        if ids.is_empty() {
            map.remove(key);
        }
    }
}

/// The words of a template's pattern as a masked text: its literal words with a placeholder for
/// each value.
pub(super) fn masked_pattern(template: &Template) -> String {
    let word = |part: &Part| match part {
        Part::Literal(word) => word.clone(),
        Part::Slot(id) => {
            let shape = template.slot(*id).map(|s| format!("{:?}", s.shape).to_lowercase());
            format!("<{}>", shape.unwrap_or_else(|| "value".into()))
        }
        Part::List(_) | Part::Words => "<words>".into(),
    };
    template.pattern.flat().map(word).collect::<Vec<_>>().join(" ")
}

/// The hashes of the words that tools use to describe themselves: a state that they name is no
/// literal of a task.
pub(super) fn declared_words(tools: &[crate::domain::Tool]) -> HashSet<String> {
    tools
        .iter()
        .flat_map(|tool| [tool.name.replace(['_', '-', '.'], " "), tool.description.clone()])
        .flat_map(|text| crate::matching::words(&text))
        .map(|word| crate::domain::canonical_hash(&serde_json::Value::String(word)))
        .collect()
}
