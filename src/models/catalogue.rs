//! Which local models there are, and where they can be had.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Names the directory of model files, before the default one.
pub const MODEL_DIR_ENV: &str = "PLANCACHE_MODEL_DIR";

/// The models that can be pulled.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    #[serde(rename = "model")]
    models: Vec<ModelEntry>,
}

/// A model: its files, with their sources.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEntry {
    /// What the model is called on the command line.
    pub name: String,
    /// What it is used for.
    #[serde(default)]
    pub kind: ModelKind,
    /// Taken when no model is named.
    #[serde(default)]
    pub default: bool,
    /// One line for a person who chooses.
    pub about: String,
    /// SPDX identifier of the weights' licence.
    pub licence: String,
    /// Its files. Several are kept in a folder of the model's name.
    #[serde(rename = "file")]
    pub files: Vec<ModelFile>,
}

/// What a model is used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelKind {
    /// It writes: a filler, and one that conversations can be had with. One GGUF file.
    #[default]
    Writer,
    /// It embeds sentences.
    Embedder,
}

/// A file of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub size: u64,
    /// Its SHA-256, in lower-case hexadecimal digits.
    pub sha256: String,
    /// The file on a model hub.
    #[serde(default)]
    pub hub: Option<Hub>,
    /// The file in parts inside Python packages.
    #[serde(default)]
    pub packages: Option<Packages>,
}

/// A file behind a URL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hub {
    /// Where it is.
    pub url: String,
}

/// A file in parts, one inside each of several Python packages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packages {
    /// Name of the packages, with `{n}` for the number of the part.
    pub name: String,
    /// How many there are.
    pub count: u32,
    /// The version of each.
    pub version: String,
    /// How the part's path inside the package ends, with `{n}` or `{nn}` for its number.
    pub part: String,
}

/// Why a model is not in the catalogue.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The catalogue's own text is wrong.
    #[error("the model catalogue cannot be read: {0}; this is a fault of the program")]
    Unreadable(String),
    /// No model of that name.
    #[error("there is no model `{name}`{near}; `plancache models list` shows all", near = near(.nearest))]
    Unknown {
        /// What was asked for.
        name: String,
        /// The name that is most like it.
        nearest: Option<String>,
    },
}

fn near(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default()
}

impl Catalogue {
    /// The catalogue that comes with the program.
    ///
    /// # Errors
    /// When its text is wrong.
    pub fn builtin() -> Result<Self, CatalogueError> {
        Self::from_toml(include_str!("catalogue.toml"))
    }

    /// Reads a catalogue in the format of the program's own.
    ///
    /// # Errors
    /// When the text is not TOML, has an unknown or a missing key, or no model is the default.
    pub fn from_toml(text: &str) -> Result<Self, CatalogueError> {
        let catalogue: Self = toml::from_str(text).map_err(|e| CatalogueError::Unreadable(e.to_string()))?;
        let default = |model: &&ModelEntry| model.default && model.kind == ModelKind::Writer;
        if catalogue.models.iter().filter(default).count() != 1 {
            return Err(CatalogueError::Unreadable("exactly one model must be the default".to_owned()));
        }
        if let Some(model) = catalogue.models.iter().find(|model| model.files.is_empty()) {
            return Err(CatalogueError::Unreadable(format!("the model {} has no file", model.name)));
        }
        Ok(catalogue)
    }

    /// All models, in the catalogue's order.
    pub fn models(&self) -> &[ModelEntry] {
        &self.models
    }

    /// The default model of a kind.
    pub fn usual(&self, kind: ModelKind) -> Option<&ModelEntry> {
        self.models.iter().find(|model| model.default && model.kind == kind)
    }

    /// The model of that name, or the default one that writes.
    ///
    /// # Errors
    /// When there is no such model; names the most similar one.
    pub fn find(&self, name: Option<&str>) -> Result<&ModelEntry, CatalogueError> {
        let found = match name {
            Some(name) => self.models.iter().find(|model| model.name == name),
            None => self.usual(ModelKind::Writer),
        };
        found.ok_or_else(|| {
            let name = name.unwrap_or_default();
            let nearest = self
                .models
                .iter()
                .map(|model| (strsim::jaro_winkler(name, &model.name), &model.name))
                .filter(|(likeness, _)| *likeness > 0.7)
                .max_by(|a, b| a.0.total_cmp(&b.0))
                .map(|(_, name)| name.clone());
            CatalogueError::Unknown { name: name.to_owned(), nearest }
        })
    }

    /// The model that has a file of this name, and that file.
    pub fn by_file(&self, path: &Path) -> Option<(&ModelEntry, &ModelFile)> {
        let name = path.file_name()?.to_str()?;
        let mut all = self.models.iter().flat_map(|model| model.files.iter().map(move |file| (model, file)));
        all.find(|(_, file)| file.name == name)
    }
}

impl ModelEntry {
    /// Bytes of all files.
    pub fn size(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// Where the model is in a folder of models: its file, or the folder of its files.
    pub fn place(&self, dir: &Path) -> PathBuf {
        match self.files.as_slice() {
            [file] => dir.join(&file.name),
            _ => dir.join(&self.name),
        }
    }

    /// Each file with where it is in a folder of models.
    pub fn paths(&self, dir: &Path) -> impl Iterator<Item = (&ModelFile, PathBuf)> {
        let place = self.place(dir);
        let one = self.files.len() == 1;
        self.files.iter().map(move |file| (file, if one { place.clone() } else { place.join(&file.name) }))
    }

    /// Where the model is, if it is in the directory of `PLANCACHE_MODEL_DIR` or in `dir`. Looks at
    /// the files' sizes only.
    pub fn locate(&self, dir: &Path) -> Option<PathBuf> {
        let named = std::env::var_os(MODEL_DIR_ENV).map(PathBuf::from);
        let whole = |dir: &&Path| {
            self.paths(dir).all(|(file, path)| path.metadata().is_ok_and(|meta| meta.len() == file.size))
        };
        named.iter().map(PathBuf::as_path).chain([dir]).find(whole).map(|dir| self.place(dir))
    }
}

/// Where models are kept by default: `$XDG_CACHE_HOME/plancache/models`, or the same below
/// `~/.cache`; `None` if neither variable is set.
pub fn default_model_dir() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")))?;
    Some(cache.join("plancache").join("models"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_catalogue_is_sound() {
        let catalogue = Catalogue::builtin().unwrap();
        assert!(catalogue.find(None).unwrap().default);
        for model in catalogue.models() {
            for (file, path) in model.paths(Path::new("/x")) {
                let digits = file.sha256.bytes().filter(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                assert_eq!((digits.count(), file.sha256.len()), (64, 64), "{}", path.display());
                assert!(file.hub.is_some() || file.packages.is_some(), "{} has no source", path.display());
                assert_eq!(catalogue.by_file(&path), Some((model, file)));
            }
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        let catalogue = Catalogue::builtin().unwrap();
        let error = catalogue.find(Some("qwen2.5-coder-0.5b")).unwrap_err().to_string();
        assert!(error.contains("did you mean `qwen2.5-coder-0.5b-instruct-q4_k_m`"), "{error}");
        let error = catalogue.find(Some("zzz")).unwrap_err().to_string();
        assert!(!error.contains("did you mean") && error.contains("models list"), "{error}");
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        let error = Catalogue::from_toml("[[model]]\nnam = \"x\"\n").unwrap_err().to_string();
        assert!(error.contains("unknown field `nam`"), "{error}");
    }
}
