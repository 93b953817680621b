//! Models that say the same to the same: each question is put once, however many systems and orders
//! ask it, and what was said is kept in a file.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use plancache::domain::canonical_hash;
use plancache::fill::{FillAnswer, FillError, FillQuestion, Filler};
use plancache::matching::{EmbedError, Embedder};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A filler that is asked each question once; only what it writes is kept, since a choice is cheap.
#[derive(Debug)]
pub(super) struct RememberedFiller {
    inner: Arc<dyn Filler>,
    file: Option<PathBuf>,
    said: Mutex<HashMap<String, Said>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Said {
    /// Of the model's name and the question.
    key: String,
    /// What it was asked, without what all are told.
    #[serde(default)]
    asked: String,
    /// What it wrote; null if it would not say.
    wrote: Value,
}

impl RememberedFiller {
    pub(super) fn open(inner: Arc<dyn Filler>, file: Option<&Path>) -> Result<Self, std::io::Error> {
        let text = match file {
            Some(file) if file.exists() => std::fs::read_to_string(file)?,
            _ => String::new(),
        };
        let said = text.lines().filter_map(|line| serde_json::from_str::<Said>(line).ok());
        let said = said.map(|said| (said.key.clone(), said)).collect();
        Ok(Self { inner, file: file.map(Path::to_owned), said: Mutex::new(said) })
    }

    fn keep(&self, said: Said) {
        if let Some(file) = &self.file {
            let line = serde_json::to_string(&said).unwrap_or_default();
            let opened = OpenOptions::new().create(true).append(true).open(file);
            // A line that is not kept is asked for again.
            let _ = opened.and_then(|mut file| writeln!(file, "{line}"));
        }
        self.said.lock().unwrap_or_else(PoisonError::into_inner).insert(said.key.clone(), said);
    }
}

#[async_trait]
impl Filler for RememberedFiller {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn fill(&self, question: FillQuestion) -> Result<FillAnswer, FillError> {
        let key = canonical_hash(&json!([self.name(), question.prefix, question.task]))[..32].to_owned();
        let known = self.said.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(said) = known {
            return Ok(match said.wrote {
                Value::Null => FillAnswer::Abstained,
                wrote => FillAnswer::Written(wrote),
            });
        }
        let asked = question.task.clone();
        let answered = self.inner.fill(question).await?;
        match &answered {
            FillAnswer::Written(wrote) => self.keep(Said { key, asked, wrote: wrote.clone() }),
            FillAnswer::Abstained => self.keep(Said { key, asked, wrote: Value::Null }),
            FillAnswer::Chosen { .. } => {}
        }
        Ok(answered)
    }
}

/// An embedder that reads each text once.
#[derive(Debug)]
pub(super) struct RememberedEmbedder {
    inner: Arc<dyn Embedder>,
    vectors: Mutex<HashMap<String, Vec<f32>>>,
}

impl RememberedEmbedder {
    pub(super) fn new(inner: Arc<dyn Embedder>) -> Self {
        Self { inner, vectors: Mutex::default() }
    }
}

impl Embedder for RememberedEmbedder {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn dimensions(&self) -> usize {
        self.inner.dimensions()
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let mut known = self.vectors.lock().unwrap_or_else(PoisonError::into_inner);
        let missing: Vec<&str> = texts.iter().copied().filter(|text| !known.contains_key(*text)).collect();
        if !missing.is_empty() {
            let made = self.inner.embed(&missing)?;
            known.extend(missing.into_iter().map(str::to_owned).zip(made));
        }
        Ok(texts.iter().filter_map(|text| known.get(*text).cloned()).collect())
    }
}
