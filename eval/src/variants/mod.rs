//! Variants of the retail data, to see what the cache has really learnt.
//!
//! - [`Kind::Values`]: every value (names, ids, products, options, addresses, e-mails, payment
//!   methods) is consistently replaced by another of the same shape, in tasks, runs and database.
//! - [`Kind::Names`]: every tool, argument and JSON key has another name.
//! - [`Kind::Wording`]: the instructions say the same in another grammar, with other phrases,
//!   separators, lists and notation of options.
//!
//! Each is made by a seed and is a whole data folder for the demo. What the tools return is not
//! rewritten but observed again: the recorded calls are executed over the new database.

mod dataset;
pub(crate) mod literal;
mod names;
pub(crate) mod parse;
mod scramble;
mod values;
mod wording;

use std::path::Path;

use clap::ValueEnum;
use plancache_agents::import::ImportError;
use plancache_agents::retail::LoadError;

pub use dataset::Dataset;

/// What is different in a variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// The values.
    Values,
    /// The names of tools, arguments and keys.
    Names,
    /// The wording of the instructions.
    Wording,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Values, Self::Names, Self::Wording];

    /// Its name, also of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Values => "values",
            Self::Names => "names",
            Self::Wording => "wording",
        }
    }
}

/// Why a variant cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum VariantError {
    /// The shop's data.
    #[error(transparent)]
    Data(#[from] LoadError),
    /// Tasks, runs, tools or effects.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A file.
    #[error("{path}: {why}")]
    File {
        /// Which file.
        path: String,
        /// The reason.
        why: String,
    },
    /// An instruction that the first grammar does not know.
    #[error("task {task}: {why}; the variant `wording` knows the grammar of the training tasks only")]
    Grammar {
        /// Which task.
        task: String,
        /// Where it stops to be known.
        why: String,
    },
}

/// Makes a variant of the data in `from` and writes it to `out`, a folder for the demo's
/// `--data`.
///
/// # Errors
/// When the data cannot be read, does not fit, or the folder cannot be written.
pub fn write(kind: Kind, seed: u64, from: &Path, out: &Path) -> Result<(), VariantError> {
    make(kind, seed, Dataset::load(from)?)?.save(out)
}

/// Makes a variant of the data.
///
/// # Errors
/// When the data does not fit.
pub fn make(kind: Kind, seed: u64, data: Dataset) -> Result<Dataset, VariantError> {
    match kind {
        Kind::Values => values::replace(data, seed),
        Kind::Names => names::rename(data, seed),
        Kind::Wording => wording::reword(data, seed),
    }
}
