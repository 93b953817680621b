//! What a folder of results says: as a page, as Markdown, compared with another folder, ranked.
//!
//! Everything here is computed from what `plancache-eval run --out` wrote, whatever benchmarks and
//! systems that holds; the same folder always gives the same text.

mod ablations;
mod compare;
mod figures;
mod findings;
mod left;
mod load;
mod markdown;
mod page;
mod plot;
mod rank;

pub use compare::{Change, Comparison, Pair, compare};
pub use load::{Definitions, ResultFile, Results, ResultsError, TaskLine};
pub use markdown::markdown;
pub use page::page;
pub use rank::{Ranking, Row, Standing, Sum, rank};
