//! Settings from a TOML file; flags and environment variables (read by the command line) go over
//! them. An unknown key is an error that names the place and the nearest known key.

mod proxy;

use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use toml::de::{DeTable, DeValue};

use crate::domain::Namespace;
use crate::layer::Settings;
use crate::models::{EmbedderChoice, FillerChoice};
use crate::policy::{Mode, Policy};

pub use proxy::{Answers, Client, Completed, EarlierTurns, Limits, Proxy, SystemPrompt, Upstream};

/// The file that is read from the working directory if no other is named.
pub const DEFAULT_FILE: &str = "plancache.toml";

/// All settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder of the store; by default in the user's data directory.
    pub store: Option<PathBuf>,
    /// The tenant.
    pub namespace: Namespace,
    /// What may be served and learnt.
    pub policy: Policy,
    /// The filler: a local model or an endpoint.
    pub model: FillerChoice,
    /// What tells how alike two wordings are.
    pub embedder: EmbedderChoice,
    /// Bounds of the middleware.
    pub layer: Layer,
    /// The OpenAI-compatible proxy.
    pub proxy: Proxy,
}

/// Bounds of the middleware, with times in plain numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Layer {
    /// The most runs that are remembered while under way.
    pub most_runs: usize,
    /// Seconds after which an untouched run has ended, outcome unknown.
    pub idle_seconds: u64,
    /// The most runs that wait to be learnt.
    pub queue: usize,
    /// Milliseconds after which a decision is a bypass.
    pub deadline_ms: u64,
}

impl Default for Layer {
    fn default() -> Self {
        let Settings { most_runs, idle, queue, deadline } = Settings::default();
        let deadline_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        Self { most_runs, idle_seconds: idle.as_secs(), queue, deadline_ms }
    }
}

impl From<Layer> for Settings {
    fn from(layer: Layer) -> Self {
        let Layer { most_runs, idle_seconds, queue, deadline_ms } = layer;
        Self {
            most_runs,
            idle: Duration::from_secs(idle_seconds),
            queue,
            deadline: Duration::from_millis(deadline_ms),
        }
    }
}

/// What flags and environment variables say; each goes over the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Folder of the store.
    pub store: Option<PathBuf>,
    /// The tenant.
    pub namespace: Option<String>,
    /// Whether the cache serves and learns.
    pub mode: Option<Mode>,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the settings file {path} cannot be read")]
    Read {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A key is not known.
    #[error("{path}, line {line}: there is no setting `{key}`{near}", near = near(.nearest))]
    UnknownKey {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// The key, with the tables that it stands in.
        key: String,
        /// The known key that is most like it.
        nearest: Option<String>,
    },
    /// It is not TOML, or a value does not fit its key.
    #[error("{path}: {why}")]
    Wrong {
        /// Which file.
        path: PathBuf,
        /// What is wrong, with its place.
        why: String,
    },
    /// There is no home directory to keep the store in.
    #[error(
        "no folder is known for the store; name one with --store, PLANCACHE_STORE or `store` in {DEFAULT_FILE}"
    )]
    NoStore,
}

fn near(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|key| format!(" (did you mean `{key}`?)")).unwrap_or_default()
}

impl Config {
    /// Reads the named file, or `plancache.toml` in the working directory if there is one, and puts
    /// the overrides over it.
    ///
    /// # Errors
    /// See [`ConfigError`]. A named file must exist; the default one need not.
    pub fn load(file: Option<&Path>, overrides: Overrides) -> Result<Self, ConfigError> {
        let mut config = match file {
            Some(path) => Self::read(path)?,
            None if Path::new(DEFAULT_FILE).is_file() => Self::read(Path::new(DEFAULT_FILE))?,
            None => Self::default(),
        };
        let Overrides { store, namespace, mode } = overrides;
        config.store = store.or(config.store);
        config.namespace = namespace.map_or(config.namespace, Namespace::new);
        config.policy.mode = mode.unwrap_or(config.policy.mode);
        Ok(config)
    }

    fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// Reads settings from TOML text; `path` is for error texts.
    ///
    /// # Errors
    /// When it is not TOML, has an unknown key, or a value does not fit.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let wrong = |error: toml::de::Error| ConfigError::Wrong {
            path: path.to_owned(),
            why: error.to_string().trim_end().to_owned(),
        };
        let table = DeTable::parse(text).map_err(wrong)?;
        let schema = schema_for!(Config).to_value();
        if let Some((at, key, nearest)) = unknown(table.get_ref(), &schema, &schema, "") {
            let line = text[..at.min(text.len())].lines().count().max(1);
            let line = if text[..at.min(text.len())].ends_with('\n') { line + 1 } else { line };
            return Err(ConfigError::UnknownKey { path: path.to_owned(), line, key, nearest });
        }
        toml::from_str(text).map_err(wrong)
    }

    /// Folder of the store: as set, else `$XDG_DATA_HOME/plancache/store`, else the same below
    /// `~/.local/share`.
    ///
    /// # Errors
    /// When none of these is known.
    pub fn store_dir(&self) -> Result<PathBuf, ConfigError> {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let data = || set("XDG_DATA_HOME").or_else(|| set("HOME").map(|home| home.join(".local/share")));
        let default = || data().map(|data| data.join("plancache").join("store"));
        self.store.clone().or_else(default).ok_or(ConfigError::NoStore)
    }
}

/// The first key of a table that its schema does not know: its byte, its path and the nearest
/// known path.
fn unknown(
    table: &DeTable<'_>,
    schema: &Value,
    root: &Value,
    path: &str,
) -> Option<(usize, String, Option<String>)> {
    let schema = resolve(schema, root);
    let known = schema.get("properties").and_then(Value::as_object);
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        let full = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let below = match known.and_then(|known| known.get(name)) {
            Some(below) => below,
            // A table with free keys.
            None if known.is_none() => match schema.get("additionalProperties") {
                Some(below) if below.is_object() => below,
                _ => continue,
            },
            None => {
                let nearest = known
                    .into_iter()
                    .flat_map(|known| known.keys())
                    .map(|other| (strsim::jaro_winkler(name, other), other))
                    .filter(|(likeness, _)| *likeness > 0.75)
                    .max_by(|a, b| a.0.total_cmp(&b.0))
                    .map(
                        |(_, other)| if path.is_empty() { other.clone() } else { format!("{path}.{other}") },
                    );
                return Some((key.span().start, full, nearest));
            }
        };
        if let DeValue::Table(inner) = value.get_ref()
            && let Some(found) = unknown(inner, below, root, &full)
        {
            return Some(found);
        }
    }
    None
}

fn resolve<'s>(schema: &'s Value, root: &'s Value) -> &'s Value {
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix('#'));
    target.and_then(|pointer| root.pointer(pointer)).unwrap_or(schema)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::EffectClass;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("p.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn settings_are_read_and_the_rest_is_default() {
        let config = parse(
            "store = 's'\nnamespace = 'team'\n[policy]\nmode = 'shadow'\nmin_evidence_write = 3\n\
             [policy.effects]\nlook_up = 'read'\nwipe = 'destructive'\n[layer]\nidle_seconds = 7\n",
        )
        .unwrap();
        assert_eq!(config.policy.mode, Mode::Shadow);
        assert_eq!(config.policy.effect("wipe"), EffectClass::Destructive);
        assert_eq!(config.policy.min_evidence_read, Policy::default().min_evidence_read);
        assert_eq!(
            Settings::from(config.layer),
            Settings { idle: Duration::from_secs(7), ..Settings::default() }
        );
        assert_eq!(parse("").unwrap(), Config::default());
    }

    #[test]
    fn unknown_keys_are_named_with_line_and_nearest() {
        for (text, expected) in [
            ("stoer = 's'", "p.toml, line 1: there is no setting `stoer` (did you mean `store`?)"),
            (
                "# c\n\n[policy]\nmode = 'on'\nmin_evidence_wite = 2",
                "p.toml, line 5: there is no setting `policy.min_evidence_wite` (did you mean \
                 `policy.min_evidence_write`?)",
            ),
            ("[polcy]\n", "p.toml, line 1: there is no setting `polcy` (did you mean `policy`?)"),
            ("xyzzy = 1", "p.toml, line 1: there is no setting `xyzzy`"),
            (
                "model = {nmae = 'x'}",
                "p.toml, line 1: there is no setting `model.nmae` (did you mean `model.name`?)",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err(), expected);
        }
    }

    #[test]
    fn wrong_values_say_where() {
        for (text, word) in [
            ("[policy]\nmode = 'loud'", "loud"),
            ("[policy.effects]\nx = 'sometimes'", "sometimes"),
            ("[layer]\nqueue = -1", "queue"),
            ("store = [", "line 1"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(word) && error.contains("p.toml"), "{error}");
        }
    }

    #[test]
    fn overrides_go_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.toml");
        std::fs::write(&file, "store = 'a'\nnamespace = 'x'\n[policy]\nmode = 'off'").unwrap();
        let plain = Config::load(Some(&file), Overrides::default()).unwrap();
        assert_eq!((plain.store_dir().unwrap(), plain.policy.mode), (PathBuf::from("a"), Mode::Off));
        let over = Overrides { store: Some("b".into()), namespace: Some("y".into()), mode: Some(Mode::On) };
        let config = Config::load(Some(&file), over).unwrap();
        assert_eq!((config.store_dir().unwrap(), config.policy.mode), (PathBuf::from("b"), Mode::On));
        assert_eq!(config.namespace.as_str(), "y");
        let missing = Config::load(Some(&folder.path().join("none.toml")), Overrides::default());
        assert!(matches!(missing, Err(ConfigError::Read { .. })));
    }
}
