//! What the records of tasks add up to: counts, money, intervals.

mod growth;
mod intervals;
mod prices;
mod record;
mod totals;

pub use growth::{Growth, growth};
pub use intervals::{Interval, bootstrap, wilson};
pub use prices::{Price, PriceError, Prices};
pub use record::{Missed, TaskRecord, WrongCall};
pub use totals::{PartTotals, Totals, totals};
