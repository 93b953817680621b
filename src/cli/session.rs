use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::Runtime;

use super::{Common, Failure};
use crate::config::Config;
use crate::domain::{Namespace, TemplateRecord};
use crate::engine::Engine;
use crate::store::{Change, Loaded, MemoryStore, SledStore, Store};

/// Settings, a runtime and an opened store.
pub(super) struct Session {
    pub(super) config: Config,
    pub(super) folder: PathBuf,
    pub(super) engine: Engine,
    runtime: Runtime,
    /// The namespace that was asked for, if one was.
    namespace: Option<Namespace>,
}

/// Whether a verb writes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// A store that is not there is empty, and stays not there.
    Read,
    Write,
    /// What is there is copied into memory, and stays as it is.
    Copy,
    /// Nothing of what is there: an empty store in memory.
    Fresh,
}

impl Session {
    pub(super) fn open(common: &Common, access: Access) -> Result<Self, Failure> {
        Self::begin(common, access, false)
    }

    /// With the models of the settings, those that there are: loading them takes a moment.
    pub(super) fn open_with_models(common: &Common, access: Access) -> Result<Self, Failure> {
        Self::begin(common, access, true)
    }

    fn begin(common: &Common, access: Access, models: bool) -> Result<Self, Failure> {
        let config = Config::load(common.config.as_deref(), common.overrides())?;
        let embedder = if models && config.policy.natural.on { config.embedder.open()? } else { None };
        let filler = if models && config.policy.filler { config.model.open()? } else { None };
        let folder = config.store_dir()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let store: Arc<dyn Store> = match access {
            Access::Fresh => Arc::new(MemoryStore::new()),
            Access::Read | Access::Copy if !folder.exists() => Arc::new(MemoryStore::new()),
            Access::Read | Access::Write => Arc::new(SledStore::open(&folder)?),
            Access::Copy => {
                let copy = MemoryStore::new();
                let Loaded { records, words, .. } = runtime.block_on(SledStore::open(&folder)?.load())?;
                runtime.block_on(copy.apply(Change { put: records, words, ..Change::default() }))?;
                Arc::new(copy)
            }
        };
        let engine = runtime.block_on(Engine::open(config.policy.clone(), store, filler))?;
        let engine = engine.with_embedder(embedder);
        let namespace = common.namespace.clone().map(Namespace::new);
        Ok(Self { config, folder, engine, runtime, namespace })
    }

    pub(super) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// The templates of the namespace that was asked for, or of all.
    pub(super) fn templates(&self) -> Vec<Arc<TemplateRecord>> {
        self.engine.templates(self.namespace.as_ref())
    }

    /// The template of this id, or the only one whose id begins so.
    pub(super) fn find(&self, id: &str) -> Result<Arc<TemplateRecord>, NotFound> {
        let all = self.templates();
        let text = |record: &Arc<TemplateRecord>| record.template.id.as_str().to_owned();
        let exact: Vec<_> = all.iter().filter(|record| text(record) == id).collect();
        let found = if exact.is_empty() {
            all.iter().filter(|record| text(record).starts_with(id)).collect()
        } else {
            exact
        };
        match found.as_slice() {
            [one] => Ok(Arc::clone(one)),
            [] => Err(NotFound::None {
                id: id.to_owned(),
                nearest: all
                    .iter()
                    .map(|record| (strsim::jaro_winkler(id, record.template.id.as_str()), text(record)))
                    .filter(|(likeness, _)| *likeness > 0.7)
                    .max_by(|a, b| a.0.total_cmp(&b.0))
                    .map(|(_, id)| format!(" (did you mean `{id}`?)"))
                    .unwrap_or_default(),
            }),
            several => {
                let name =
                    |r: &&Arc<TemplateRecord>| format!("{} in {}", r.template.id, r.template.namespace);
                let listed = several.iter().take(5).map(name).collect::<Vec<_>>().join(", ");
                Err(NotFound::Several { id: id.to_owned(), listed })
            }
        }
    }
}

/// Why no single template is meant.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotFound {
    #[error("there is no plan `{id}`{nearest}; `plancache plans list` shows all")]
    None { id: String, nearest: String },
    #[error(
        "`{id}` may mean several plans: {listed}; write more of the id, or name the tenant with --namespace"
    )]
    Several { id: String, listed: String },
}
