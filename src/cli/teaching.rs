use serde::Serialize;

use crate::config::{Config, EarlierTurns};
use crate::domain::RunOutcome;
use crate::import::Recorded;

/// Recorded runs that say nothing to the cache, by reason.
#[derive(Debug, Default, Serialize)]
pub(super) struct LeftOut {
    /// Turns of words alone: an answer may be a question back.
    pub(super) without_calls: usize,
    /// Turns that follow others in their conversation.
    pub(super) later_turns: usize,
    /// Runs that broke off in the middle of a call.
    pub(super) unfinished: usize,
    pub(super) failures: usize,
    /// Runs of whose calls none is seen to matter.
    pub(super) needless: usize,
}

impl LeftOut {
    /// Counts a run that is left out; `false` if it is not.
    pub(super) fn takes(&mut self, recorded: &Recorded, config: &Config) -> bool {
        let count = if recorded.trace.steps.is_empty() {
            &mut self.without_calls
        } else if recorded.turn > 1 && config.proxy.earlier_turns == EarlierTurns::Bypass {
            &mut self.later_turns
        } else if !recorded.is_finished() {
            &mut self.unfinished
        } else if recorded.trace.outcome == RunOutcome::Failure {
            &mut self.failures
        } else {
            return false;
        };
        *count += 1;
        true
    }

    /// Each reason with its number, in words.
    pub(super) fn words(&self) -> Vec<String> {
        let all = [
            (self.without_calls, "called no tool: words alone teach nothing"),
            (
                self.later_turns,
                "follow earlier turns of a conversation, which may matter to them (`earlier_turns = \"ignore\"` \
                 under `[proxy]` takes each for a task of its own)",
            ),
            (self.unfinished, "broke off before a call was answered"),
            (self.failures, "were failures"),
            (self.needless, "made calls of which none is seen to matter to the task, and teach nothing"),
        ];
        all.iter().filter(|(n, _)| *n > 0).map(|(n, why)| format!("{n} runs {why}")).collect()
    }
}

/// What to do about runs of which nobody says how they went.
pub(super) fn unknown(n: usize) -> Option<String> {
    (n > 0).then(|| {
        format!(
            "{n} runs teach nothing, since nobody says that they succeeded: name the member that does with \
             --outcome NAME, or say --outcome success"
        )
    })
}
