use serde_json::{Map, Value};

use super::bind::{Unbound, make};
use super::cover::Block;
use super::plan::{OpenCall, Played, Rules};
use crate::domain::{
    AnswerPart, Diverged, Guard, Known, KnownFailure, ListId, Observation, StepTemplate, TraceStep,
};
use crate::expr::{Env, Seen, eval_operand};
use crate::spans::{form_of, text_of};

/// Plays the blocks' steps over the history: checks that the calls made are the plan's and that
/// guards hold, and says what is next. `written` holds what the filler gave for the next call, by
/// argument.
///
/// A read that an earlier step of the run made with the same arguments is not made again unless
/// something was written in between.
pub fn play(
    blocks: &[Block],
    history: &[TraceStep],
    written: &Map<String, Value>,
    rules: Rules<'_>,
) -> Played {
    Player::over(history, written, rules).play(blocks)
}

/// As [`play`], with the number of states that were observed and that no run of the plan showed.
pub fn play_counted(
    blocks: &[Block],
    history: &[TraceStep],
    written: &Map<String, Value>,
    rules: Rules<'_>,
) -> (Played, usize) {
    let mut player = Player::over(history, written, rules);
    (player.play(blocks), player.unseen)
}

/// What each step of each block observed in a run, as far as the plan fits it. Of a loop, all that
/// its calls did.
pub fn observed<'a>(
    blocks: &'a [Block],
    history: &'a [TraceStep],
    written: &'a Map<String, Value>,
    rules: Rules<'a>,
) -> Vec<((usize, usize), &'a Value)> {
    let mut player = Player::over(history, written, rules);
    player.play(blocks);
    player.log
}

struct Player<'a> {
    history: &'a [TraceStep],
    at: usize,
    /// Positions in the history of reads made since the last write.
    reads: Vec<usize>,
    /// Positions in the history of writes that were made for a gap.
    foreign: Vec<usize>,
    rules: Rules<'a>,
    written: &'a Map<String, Value>,
    /// A call failed in a known way.
    failed: bool,
    /// States that were observed and that no run of the plan showed.
    unseen: usize,
    /// What each step observed.
    log: Vec<((usize, usize), &'a Value)>,
}

type Stop = Box<Played>;

impl<'a> Player<'a> {
    fn over(history: &'a [TraceStep], written: &'a Map<String, Value>, rules: Rules<'a>) -> Self {
        let (reads, foreign, log) = (Vec::new(), Vec::new(), Vec::new());
        Self { history, at: 0, reads, foreign, rules, written, failed: false, unseen: 0, log }
    }

    fn play(&mut self, blocks: &'a [Block]) -> Played {
        match self.all(blocks) {
            Ok(_) if self.at < self.history.len() => Played::Diverged(Diverged::History),
            // An answer speaks of its own block only, and of what went well.
            Ok(answer) => {
                let alone = blocks.len() == 1 && self.rules.gaps.is_empty();
                Played::Done(answer.filter(|_| alone && !self.failed))
            }
            Err(played) => *played,
        }
    }

    /// Plays blocks and gaps in the order of the text; the last block's answer.
    fn all(&mut self, blocks: &'a [Block]) -> Result<Option<String>, Stop> {
        let (mut answer, mut passed) = (None, 0);
        for (number, block) in blocks.iter().enumerate() {
            self.gaps(&mut passed, block.from)?;
            answer = self.block(number, block)?;
        }
        self.gaps(&mut passed, usize::MAX)?;
        Ok(answer)
    }

    /// Passes over the gaps before a token: what was done for them is taken as it is.
    fn gaps(&mut self, passed: &mut usize, before: usize) -> Result<(), Stop> {
        let gaps = self.rules.gaps;
        while let Some(gap) = gaps.get(*passed).filter(|gap| gap.from < before) {
            let Some(until) = gap.until else {
                let calls = self.history.len() - self.at;
                return Err(Box::new(Played::Part { gap: *passed, calls }));
            };
            if until < self.at || until > self.history.len() {
                return Err(Box::new(Played::Diverged(Diverged::History)));
            }
            for at in self.at..until {
                if (self.rules.is_read)(&self.history[at].call.tool) {
                    self.reads.push(at);
                } else {
                    self.reads.clear();
                    self.foreign.push(at);
                }
            }
            self.at = until;
            *passed += 1;
        }
        Ok(())
    }

    fn block(&mut self, number: usize, block: &'a Block) -> Result<Option<String>, Stop> {
        let mut seen: Vec<Seen<'a>> = Vec::new();
        let steps = &block.template.steps;
        while let Some(step) = steps.get(seen.len()) {
            match step.for_each {
                Some(list) => self.each(number, block, list, &mut seen)?,
                None => {
                    let now = match self.is_made(step, &seen)? {
                        true => self.call((number, seen.len()), block, step, &seen, None)?,
                        false => None,
                    };
                    seen.push(now.map_or(Seen::Nothing, Seen::One));
                }
            }
        }
        Ok(self.answer(block, &seen))
    }

    /// The loop that begins at the next step: all its steps for an element, then for the next.
    fn each(
        &mut self,
        number: usize,
        block: &'a Block,
        list: ListId,
        seen: &mut Vec<Seen<'a>>,
    ) -> Result<(), Stop> {
        let first = seen.len();
        let rest = &block.template.steps[first + 1..];
        let steps = &block.template.steps[first..=first + rest.iter().take_while(|s| s.together).count()];
        let mut made = Vec::new();
        for step in steps {
            made.push(self.is_made(step, &seen[..first])?);
        }
        let empty = |(step, made): (&StepTemplate, &bool)| match step.for_each {
            Some(list) if *made => Seen::Each(list, Vec::new()),
            _ => Seen::Nothing,
        };
        seen.extend(steps.iter().zip(&made).map(empty));
        let before = self.at;
        for element in 0..block.values.units(list) {
            for (at, step) in (first..).zip(steps) {
                let Some(Seen::Each(own, _)) = seen.get(at) else { continue };
                let own = *own;
                let units = match own == list {
                    true => vec![element],
                    false => block.values.elements(own, Some((list, element))),
                };
                for unit in units {
                    let observed = self.call_once((number, at), block, step, seen, (own, unit), before)?;
                    if let Some(Seen::Each(_, each)) = seen.get_mut(at) {
                        each.push(observed);
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether a step is made, by what was observed before. Conditions that disagree, or that know nothing of
    /// what was observed, rule the plan out.
    fn is_made(&self, step: &StepTemplate, seen: &[Seen<'a>]) -> Result<bool, Stop> {
        let mut made = None;
        for condition in &step.when {
            let says = match seen.get(condition.step as usize) {
                Some(Seen::One(value)) => condition.says(value),
                _ => None,
            };
            if says.is_none() || made.is_some_and(|made| Some(made) != says) {
                let guard = format!("no run showed what to do with this `{}`", condition.field);
                return Err(Box::new(Played::Refuted(Diverged::Guard { tool: step.tool.clone(), guard })));
            }
            made = says;
        }
        Ok(made.unwrap_or(true))
    }

    /// A call of a loop: the same call within one loop is made once, even if it writes.
    fn call_once(
        &mut self,
        place: (usize, usize),
        block: &'a Block,
        step: &StepTemplate,
        seen: &[Seen<'a>],
        unit: (ListId, usize),
        before: usize,
    ) -> Result<&'a Value, Stop> {
        if let Ok(arguments) = self.arguments(block, step, seen, Some(unit), None) {
            let same = self.history[before..self.at]
                .iter()
                .find(|done| done.call.tool == step.tool && done.call.arguments == arguments);
            if let Some(observation) = same.and_then(|done| done.observation.as_ref()) {
                return Ok(&observation.value);
            }
        }
        let failed = || Box::new(Played::Diverged(Diverged::CallFailed { tool: step.tool.clone() }));
        self.call(place, block, step, seen, Some(unit))?.ok_or_else(failed)
    }

    /// The observation of a step's call: from the history if it was made, else the call is next.
    /// `None` if the call failed in a known way.
    fn call(
        &mut self,
        (number, index): (usize, usize),
        block: &'a Block,
        step: &StepTemplate,
        seen: &[Seen<'a>],
        unit: Option<(ListId, usize)>,
    ) -> Result<Option<&'a Value>, Stop> {
        let is_read = (self.rules.is_read)(&step.tool);
        let given = self.history.get(self.at).filter(|done| done.call.tool == step.tool);
        let given = given.map(|done| &done.call.arguments);
        let next = given.unwrap_or(self.written);
        let arguments = self.arguments(block, step, seen, unit, Some(next)).map_err(|(argument, why)| {
            Box::new(match why {
                Unbound::Failed(why) => {
                    Played::Diverged(Diverged::Binding { tool: step.tool.clone(), argument, why })
                }
                Unbound::Refuted(why) => {
                    Played::Refuted(Diverged::Binding { tool: step.tool.clone(), argument, why })
                }
                Unbound::Open { path } if self.at == self.history.len() => Played::Open(OpenCall {
                    block: number,
                    step: index,
                    tool: step.tool.clone(),
                    argument,
                    path,
                }),
                Unbound::Open { .. } => Played::Diverged(Diverged::History),
            })
        })?;
        if is_read && let Some(observation) = self.read_before(&step.tool, &arguments) {
            return self.checked((number, index), step, observation);
        }
        let Some(done) = self.history.get(self.at) else {
            let same = |at: &usize| {
                let made = &self.history[*at].call;
                made.tool == step.tool && made.arguments == arguments
            };
            // It was done with a gap: to do it again may be wrong.
            return Err(Box::new(match self.foreign.iter().any(same) {
                true => Played::Diverged(Diverged::History),
                false => Played::Call { tool: step.tool.clone(), arguments },
            }));
        };
        if done.call.tool != step.tool || done.call.arguments != arguments {
            return Err(Box::new(Played::Diverged(Diverged::History)));
        }
        let Some(observation) = &done.observation else {
            return Err(Box::new(Played::Diverged(Diverged::History)));
        };
        if is_read {
            self.reads.push(self.at);
        } else {
            self.reads.clear();
        }
        self.at += 1;
        self.checked((number, index), step, observation)
    }

    fn read_before(&self, tool: &str, arguments: &Map<String, Value>) -> Option<&'a Observation> {
        self.reads
            .iter()
            .filter_map(|i| self.history.get(*i))
            .find(|done| done.call.tool == tool && done.call.arguments == *arguments)
            .and_then(|done| done.observation.as_ref())
    }

    fn arguments(
        &self,
        block: &'a Block,
        step: &StepTemplate,
        seen: &[Seen<'a>],
        unit: Option<(ListId, usize)>,
        given: Option<&Map<String, Value>>,
    ) -> Result<Map<String, Value>, (String, Unbound)> {
        let env = Env { values: &block.values, seen, context: &self.rules.task.context, unit };
        let tool = self.rules.task.tool(&step.tool);
        let mut made = Map::new();
        for (name, argument) in &step.arguments {
            let schema = tool.and_then(|tool| tool.argument(name));
            let given = given.and_then(|g| g.get(name));
            let value = make(argument, schema, env, given, self.rules.least_seen)
                .map_err(|why| (name.clone(), why))?;
            made.insert(name.clone(), value);
        }
        Ok(made)
    }

    fn checked(
        &mut self,
        place: (usize, usize),
        step: &StepTemplate,
        observation: &'a Observation,
    ) -> Result<Option<&'a Value>, Stop> {
        if observation.failed {
            let form = form_of(&observation.value);
            let known = |f: &KnownFailure| f.form == form && f.seen >= self.rules.least_failures;
            if step.failures.iter().any(known) {
                self.failed = true;
                return Ok(None);
            }
            return Err(Box::new(Played::Diverged(Diverged::CallFailed { tool: step.tool.clone() })));
        }
        let refuted =
            |guard: String| Box::new(Played::Refuted(Diverged::Guard { tool: step.tool.clone(), guard }));
        for state in &step.states {
            match state.at(&observation.value) {
                Known::Wrong => {
                    return Err(refuted(format!("`{}` is not as it was where this went wrong", state.field)));
                }
                Known::Unseen => self.unseen += 1,
                Known::Right | Known::Nothing => {}
            }
        }
        self.log.push((place, &observation.value));
        match step.guards.iter().find(|guard| !self.holds(guard, &observation.value)) {
            None => Ok(Some(&observation.value)),
            Some(guard) => Err(refuted(guard.cel.clone().unwrap_or_default())),
        }
    }

    /// Whether a guard holds. One that cannot be evaluated does not hold; one that has no
    /// expression yet asks nothing.
    fn holds(&self, guard: &Guard, observation: &Value) -> bool {
        let Some(cel) = &guard.cel else { return true };
        self.rules.programs.program(cel).and_then(|program| program.holds(observation)).unwrap_or(false)
    }

    fn answer(&self, block: &Block, seen: &[Seen<'_>]) -> Option<String> {
        let env = Env { values: &block.values, seen, context: &self.rules.task.context, unit: None };
        let mut text = String::new();
        for part in &block.template.answer.as_ref().filter(|a| !a.parts.is_empty())?.parts {
            match part {
                AnswerPart::Text(words) => text.push_str(words),
                AnswerPart::Value(operand) => text.push_str(&text_of(&eval_operand(operand, env).ok()?)?),
            }
        }
        Some(text)
    }
}
