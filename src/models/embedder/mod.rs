//! Embeddings of sentences by a small BERT that runs in this process, such as all-MiniLM-L6-v2:
//! the mean of its last layer over the tokens of a text (Reimers and Gurevych, "Sentence-BERT",
//! 2019), at length 1.

use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use rayon::{ThreadPool, ThreadPoolBuilder};
use tokenizers::{PaddingParams, Tokenizer, TruncationParams};

use crate::matching::{EmbedError, Embedder};

/// Tokens of a text that are read; these models were trained on no longer ones.
const LONGEST: usize = 256;
/// Texts that are read at once.
const BATCH: usize = 16;
/// Threads that compute, at most.
const THREADS: usize = 2;
/// The least length that a vector is divided by.
const LEAST: f64 = 1e-12;

/// Why an embedder cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the embedder's file {path} cannot be used: {why}; fetch it with `plancache models pull`")]
pub struct EmbedderError {
    path: PathBuf,
    why: String,
}

/// A BERT with its tokenizer.
pub struct SentenceEmbedder {
    name: String,
    dimensions: usize,
    model: BertModel,
    tokenizer: Tokenizer,
    threads: ThreadPool,
}

impl std::fmt::Debug for SentenceEmbedder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SentenceEmbedder").field("name", &self.name).finish_non_exhaustive()
    }
}

impl SentenceEmbedder {
    /// Loads `config.json`, `tokenizer.json` and `model.safetensors` of a folder. Blocks until the
    /// model is ready.
    ///
    /// # Errors
    /// When a file is missing or is not what it should be.
    pub fn open(folder: &Path) -> Result<Self, EmbedderError> {
        let named = |file: &str| folder.join(file);
        let read = |path: &Path| fs::read(path).map_err(wrong(path));
        let config_path = named("config.json");
        let config: Config = serde_json::from_slice(&read(&config_path)?).map_err(wrong(&config_path))?;
        let tokenizer_path = named("tokenizer.json");
        let mut tokenizer = Tokenizer::from_bytes(read(&tokenizer_path)?).map_err(wrong(&tokenizer_path))?;
        let longest = LONGEST.min(config.max_position_embeddings);
        let cut = TruncationParams { max_length: longest, ..TruncationParams::default() };
        let fill = PaddingParams {
            pad_id: u32::try_from(config.pad_token_id).unwrap_or(0),
            ..PaddingParams::default()
        };
        tokenizer.with_truncation(Some(cut)).map_err(wrong(&tokenizer_path))?.with_padding(Some(fill));
        let weights_path = named("model.safetensors");
        let weights = VarBuilder::from_buffered_safetensors(read(&weights_path)?, DType::F32, &Device::Cpu);
        let model =
            weights.and_then(|weights| BertModel::load(weights, &config)).map_err(wrong(&weights_path))?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads =
            ThreadPoolBuilder::new().num_threads(cores.min(THREADS)).build().map_err(wrong(folder))?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, dimensions: config.hidden_size, model, tokenizer, threads })
    }

    /// Vectors of the texts at these places, each with its place.
    fn batch(&self, texts: &[&str], places: &[usize]) -> Result<Vec<(usize, Vec<f32>)>, EmbedError> {
        let chosen: Vec<&str> = places.iter().filter_map(|place| texts.get(*place).copied()).collect();
        let encoded = self.tokenizer.encode_batch(chosen, true).map_err(failed)?;
        let rows = encoded.len();
        let width = encoded.first().map_or(0, |text| text.get_ids().len());
        let tensor = |of: &dyn Fn(&tokenizers::Encoding) -> Vec<u32>| {
            Tensor::from_vec(encoded.iter().flat_map(of).collect::<Vec<u32>>(), (rows, width), &Device::Cpu)
        };
        let ids = tensor(&|text| text.get_ids().to_vec()).map_err(failed)?;
        let mask = tensor(&|text| text.get_attention_mask().to_vec()).map_err(failed)?;
        let vectors = self.mean(&ids, &mask).map_err(failed)?;
        Ok(places.iter().copied().zip(vectors).collect())
    }

    fn mean(&self, ids: &Tensor, mask: &Tensor) -> candle_core::Result<Vec<Vec<f32>>> {
        let hidden = self.model.forward(ids, &ids.zeros_like()?, Some(mask))?;
        let weights = mask.to_dtype(DType::F32)?.unsqueeze(2)?;
        // The tokens' number in each mean does not matter: its length becomes 1.
        let sum = hidden.broadcast_mul(&weights)?.sum(1)?;
        let length = sum.sqr()?.sum_keepdim(1)?.sqrt()?.maximum(LEAST)?;
        sum.broadcast_div(&length)?.to_vec2()
    }
}

impl Embedder for SentenceEmbedder {
    fn name(&self) -> &str {
        &self.name
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        // Texts of like length fill up each other least.
        let mut places: Vec<usize> = (0..texts.len()).collect();
        places.sort_by_key(|place| texts.get(*place).map_or(0, |text| text.len()));
        let mut vectors = vec![Vec::new(); texts.len()];
        self.threads.install(|| {
            for places in places.chunks(BATCH) {
                for (place, vector) in self.batch(texts, places)? {
                    if let Some(slot) = vectors.get_mut(place) {
                        *slot = vector;
                    }
                }
            }
            Ok(vectors)
        })
    }
}

fn wrong<E: std::fmt::Display>(path: &Path) -> impl FnOnce(E) -> EmbedderError {
    let path = path.to_owned();
    move |why| EmbedderError { path, why: why.to_string() }
}

fn failed(error: impl std::fmt::Display) -> EmbedError {
    EmbedError(error.to_string())
}
