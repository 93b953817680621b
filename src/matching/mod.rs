//! From a task's words to the templates that may serve it.
//!
//! A template stands for a *block* of a task's text, and its pattern needs all its literal words.
//! So a template is nominated by *containment*: which share of its keywords, weighted so that
//! words of every template count little, stands in the task. Similarity only nominates; what is
//! served is decided by the pattern, the fill and the checks that follow.
//!
//! ```
//! use plancache::domain::TemplateId;
//! use plancache::matching::{Index, KeywordExtractor, RecurrenceKeywords, words};
//!
//! let mut index = Index::new();
//! let keywords = RecurrenceKeywords.keywords("cancel order <identifier> since <quoted>", &|_| 1);
//! index.insert(TemplateId::new("cancel"), &keywords);
//!
//! let task = words("Please cancel my order 17, since it is late.");
//! let task: Vec<&str> = task.iter().map(String::as_str).collect();
//! let found = index.nominate(&task, 1.0, 8);
//! assert_eq!(found.nominations[0].id, TemplateId::new("cancel"));
//! ```

mod embedder;
mod index;
#[cfg(feature = "keyword-extraction")]
mod keyword_crate;
mod keywords;
mod likeness;
mod rank;
mod slab;

pub use embedder::{EmbedError, Embedder};
pub use index::{Index, MOST_ENTRIES, Nominated, Nomination};
#[cfg(feature = "keyword-extraction")]
pub use keyword_crate::{CrateKeywords, Method};
pub use keywords::{KeywordExtractor, MOST_KEYWORDS, RecurrenceKeywords, words};
pub use likeness::{Likeness, alike};
