//! How much a keyword weighs.
//!
//! Counts enter by their *class*, the floor of their binary logarithm, so that a weight changes
//! only when a count doubles and the index need not be rearranged at every insertion.

/// Steps in which the share of a template's weight is kept.
pub(super) const LEVELS: usize = 16;

/// The class of a count.
pub(super) fn class(count: usize) -> u8 {
    // A binary logarithm of a usize is below 64.
    count.max(1).ilog2() as u8
}

/// Weight of a keyword of class `word` in an index whose number of templates has class `index`:
/// the inverse document frequency in whole bits, plus one so that no keyword is free.
pub(super) fn weight(index: u8, word: u8) -> u32 {
    1 + u32::from(index.saturating_sub(word))
}

/// For keywords ordered rarest first: the greatest level of score that a template can still have
/// if its first keyword in the task is the one at each position.
pub(super) fn levels(index: u8, classes: &[u8]) -> Vec<u8> {
    let total: u32 = classes.iter().map(|&class| weight(index, class)).sum();
    let mut rest = total;
    classes
        .iter()
        .map(|&class| {
            let level = level_of(rest, total);
            rest -= weight(index, class);
            level
        })
        .collect()
}

fn level_of(part: u32, total: u32) -> u8 {
    let level = (u64::from(part) * LEVELS as u64).checked_div(u64::from(total)).unwrap_or(0);
    (level as usize).min(LEVELS - 1) as u8
}

/// The lowest level that can hold a score of `least`.
pub(super) fn least_level(least: f64) -> u8 {
    ((least.clamp(0.0, 1.0) * LEVELS as f64) as usize).min(LEVELS - 1) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_words_weigh_more_and_no_word_is_free() {
        assert_eq!(weight(class(1000), class(1000)), 1);
        assert_eq!(weight(class(1000), class(1)), 10);
        assert!(weight(class(1000), class(30)) > weight(class(1000), class(300)));
    }

    #[test]
    fn levels_fall_from_the_rarest_word_on() {
        // Weights 10, 10, 1, 1 of 22: shares 1, 12/22, 2/22, 1/22 in sixteenths.
        assert_eq!(levels(9, &[0, 0, 9, 9]), vec![15, 8, 1, 0]);
        assert!(levels(9, &[]).is_empty());
    }

    #[test]
    fn least_level_never_leaves_out_a_score() {
        for total in 1..40_u32 {
            for part in 0..=total {
                let score = f64::from(part) / f64::from(total);
                assert!(level_of(part, total) >= least_level(score), "{part}/{total}");
            }
        }
    }
}
