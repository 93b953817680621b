//! Which value a user means who says it in other words.

use llama_cpp_2::token::LlamaToken;
use serde_json::{Value, json};

use super::score::{best, log_sum_exp, logit};
use super::session::{BATCH, Halt, QUESTION, Question, Session, position};
use super::worker::{Awaited, Job};
use crate::fill::FillAnswer;

/// What the model is asked to do: the other way round from classifying.
const PREFIX: &str = "A user asks for something. Given what is meant, give the user's sentence as JSON.\n";

impl Session<'_> {
    /// Scores each value by how likely a user who means it says what was said, and takes the
    /// likeliest: a channel model (Min et al., "Noisy Channel Language Model Prompting for Few-Shot
    /// Text Classification", 2022). A small model that is asked for the value itself prefers one of
    /// them whatever is said. The margin is the log of the odds against the second, in nats, where
    /// each value is as likely as any other.
    pub(super) fn meant(
        &mut self,
        argument: &str,
        values: &[String],
        said: &str,
        job: &Job,
    ) -> Result<FillAnswer, Halt> {
        match values {
            [] => return Err(Halt::Failed("there is no value to choose from".to_owned())),
            [_] => return Ok(FillAnswer::Chosen { index: 0, margin: f32::INFINITY }),
            _ => {}
        }
        // With a blank after the colon, as such models write JSON.
        let sentence = format!("{{\"sentence\": {}}}", Value::from(said));
        let mut answer = self.model.vocab().tokenize(sentence.as_bytes(), false, false);
        answer.push(self.end);
        if answer.len() > BATCH as usize {
            let most = BATCH;
            return Err(Halt::Failed(format!("the sentence has {} tokens, more than {most}", answer.len())));
        }
        let mut sums = Vec::new();
        for value in values {
            let task = json!({ argument: value }).to_string().replacen("\":", "\": ", 1) + "\n";
            let question = Question { key: "meaning", prefix: PREFIX, task: &task };
            let last = self.ask(question, job, &[], answer.len())?;
            sums.push(self.likelihood(last, &answer, job)?);
        }
        Ok(best(sums.into_iter()))
    }

    /// Log-probability of an answer after what is held, whose last logits are at `last`.
    fn likelihood(&mut self, last: i32, answer: &[LlamaToken], job: &Job) -> Result<f32, Halt> {
        if job.is_over() {
            return Err(Halt::Over);
        }
        let Some((first, rest)) = answer.split_first() else { return Ok(0.0) };
        let of = |logits: &[f32], token: LlamaToken| logit(logits, token) - log_sum_exp(logits);
        let mut sum = of(self.context.get_logits_ith(last), *first);
        let read = &answer[..rest.len()];
        self.batch.clear();
        for (i, token) in read.iter().enumerate() {
            self.batch.add(*token, position(self.held() + i), &[QUESTION], true)?;
        }
        let decoded = self.context.decode(&mut self.batch);
        // Nothing of the answer stays: the next value's question takes its place.
        self.forget_after(self.held());
        if let Err(error) = decoded {
            self.forget();
            return Err(error.into());
        }
        for (i, token) in rest.iter().enumerate() {
            sum += of(self.context.get_logits_ith(position(i)), *token);
        }
        Ok(sum)
    }
}
