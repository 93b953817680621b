//! Choosing among candidates: how likely the model finds each as the whole answer.
//!
//! Every candidate is a sequence of its own that shares the question, and all are read in one
//! batch. A beginning that several have in common is read once.

use llama_cpp_2::token::LlamaToken;

use super::session::{BATCH, Halt, QUESTION, Question, SEQUENCES, Session, position};
use super::worker::{Awaited, Job};
use crate::fill::FillAnswer;

/// Tokens of candidates that are scored at once: each needs a row of logits over the vocabulary
/// (.6 MB at 150,000 tokens).
const SCORED: usize = 64;

/// Candidates with their tokens as one tree.
struct Tree {
    nodes: Vec<Node>,
    /// Candidates in it; the n-th is sequence n + 1.
    members: Vec<usize>,
}

struct Node {
    token: LlamaToken,
    depth: usize,
    parent: Option<usize>,
    sequences: Vec<i32>,
    /// Which candidates go on from here, and with which token.
    next: Vec<(usize, LlamaToken)>,
}

impl Tree {
    fn new() -> Self {
        Self { nodes: Vec::new(), members: Vec::new() }
    }

    /// Adds a candidate unless it makes the tree too large; the first always fits.
    fn add(&mut self, candidate: usize, tokens: &[LlamaToken]) -> bool {
        let sequence = position(self.members.len() + 1);
        let new = tokens.len().saturating_sub(self.shared(tokens));
        let full = self.nodes.len() + new > SCORED || sequence >= SEQUENCES.cast_signed();
        if full && !self.members.is_empty() {
            return false;
        }
        self.members.push(candidate);
        let mut parent = None;
        // The last token's own successor is of no interest.
        for (depth, pair) in tokens.windows(2).enumerate() {
            let [token, next] = pair else { continue };
            let found = self.child(parent, *token);
            let index = found.unwrap_or(self.nodes.len());
            if found.is_none() {
                self.nodes.push(Node {
                    token: *token,
                    depth,
                    parent,
                    sequences: Vec::new(),
                    next: Vec::new(),
                });
            }
            if let Some(node) = self.nodes.get_mut(index) {
                node.sequences.push(sequence);
                node.next.push((candidate, *next));
            }
            parent = Some(index);
        }
        true
    }

    /// How many tokens of a candidate are in the tree already.
    fn shared(&self, tokens: &[LlamaToken]) -> usize {
        let mut parent = None;
        tokens
            .iter()
            .take_while(|token| {
                let child = self.child(parent, **token);
                parent = child;
                child.is_some()
            })
            .count()
    }

    fn child(&self, parent: Option<usize>, token: LlamaToken) -> Option<usize> {
        self.nodes.iter().position(|node| node.parent == parent && node.token == token)
    }
}

impl Session<'_> {
    /// Reads the question once and scores every candidate, as the whole answer, by the mean
    /// log-probability of its tokens and of the answer's end.
    pub(super) fn choose(&mut self, candidates: &[String], job: &Job) -> Result<FillAnswer, Halt> {
        match candidates {
            [] => return Err(Halt::Failed("there is no candidate to choose from".to_owned())),
            [_] => return Ok(FillAnswer::Chosen { index: 0, margin: f32::INFINITY }),
            _ => {}
        }
        let vocab = self.model.vocab();
        let answers: Vec<Vec<LlamaToken>> = candidates
            .iter()
            .map(|candidate| {
                let mut tokens = vocab.tokenize(candidate.as_bytes(), false, false);
                tokens.push(self.end);
                tokens
            })
            .collect();
        let longest = answers.iter().map(Vec::len).max().unwrap_or(0);
        if longest > BATCH as usize {
            return Err(Halt::Failed(format!("a candidate has {longest} tokens, more than {BATCH}")));
        }
        let last = self.ask(Question::of(job), job, &[], longest.max(SCORED))?;
        let mut sums = vec![0.0; answers.len()];
        let logits = self.context.get_logits_ith(last);
        let total = log_sum_exp(logits);
        for (sum, answer) in sums.iter_mut().zip(&answers) {
            *sum = answer.first().map_or(0.0, |first| logit(logits, *first) - total);
        }
        let mut tree = Tree::new();
        for (candidate, answer) in answers.iter().enumerate() {
            if !tree.add(candidate, answer) {
                self.score(&std::mem::replace(&mut tree, Tree::new()), &mut sums, job)?;
                tree.add(candidate, answer);
            }
        }
        self.score(&tree, &mut sums, job)?;
        let means = sums.iter().zip(&answers).map(|(sum, answer)| sum / answer.len() as f32);
        Ok(best(means))
    }

    /// Reads a tree of candidates and adds what each token's successor was worth to `sums`.
    fn score(&mut self, tree: &Tree, sums: &mut [f32], job: &Job) -> Result<(), Halt> {
        if tree.nodes.is_empty() {
            return Ok(());
        }
        if job.is_over() {
            return Err(Halt::Over);
        }
        let members = 1..=u32::try_from(tree.members.len())?;
        for sequence in members.clone() {
            self.context.copy_kv_cache_seq(QUESTION, sequence.cast_signed(), None, None)?;
        }
        self.batch.clear();
        for node in &tree.nodes {
            self.batch.add(node.token, position(self.held() + node.depth), &node.sequences, true)?;
        }
        let decoded = self.context.decode(&mut self.batch);
        for sequence in members {
            self.context.clear_kv_cache_seq(Some(sequence), None, None)?;
        }
        if let Err(error) = decoded {
            self.forget();
            return Err(error.into());
        }
        for (index, node) in tree.nodes.iter().enumerate() {
            let logits = self.context.get_logits_ith(position(index));
            let total = log_sum_exp(logits);
            for (candidate, next) in &node.next {
                if let Some(sum) = sums.get_mut(*candidate) {
                    *sum += logit(logits, *next) - total;
                }
            }
        }
        Ok(())
    }
}

/// The greatest score, and how far the second is below it.
pub(super) fn best(means: impl Iterator<Item = f32>) -> FillAnswer {
    let (mut index, mut first, mut second) = (0, f32::NEG_INFINITY, f32::NEG_INFINITY);
    for (i, mean) in means.enumerate() {
        if mean > first {
            (index, first, second) = (i, mean, first);
        } else if mean > second {
            second = mean;
        }
    }
    FillAnswer::Chosen { index, margin: first - second }
}

pub(super) fn logit(logits: &[f32], token: LlamaToken) -> f32 {
    usize::try_from(token.0).ok().and_then(|i| logits.get(i)).copied().unwrap_or(f32::NEG_INFINITY)
}

/// The logarithm of the sum of the exponentials: what turns a logit into a log-probability.
pub(super) fn log_sum_exp(logits: &[f32]) -> f32 {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|logit| f64::from((logit - max).exp())).sum();
    max + sum.ln() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(ids: &[i32]) -> Vec<LlamaToken> {
        ids.iter().copied().map(LlamaToken).collect()
    }

    #[test]
    fn common_beginnings_are_read_once_and_the_end_not_at_all() {
        let mut tree = Tree::new();
        assert!(tree.add(0, &tokens(&[1, 2, 3, 9])));
        assert!(tree.add(1, &tokens(&[1, 2, 9])));
        assert!(tree.add(2, &tokens(&[4, 2, 9])));
        let read: Vec<_> = tree.nodes.iter().map(|n| (n.token.0, n.depth, n.sequences.clone())).collect();
        assert_eq!(
            read,
            [(1, 0, vec![1, 2]), (2, 1, vec![1, 2]), (3, 2, vec![1]), (4, 0, vec![3]), (2, 1, vec![3]),]
        );
        assert_eq!(tree.nodes[1].next, [(0, LlamaToken(3)), (1, LlamaToken(9))]);
    }

    #[test]
    fn a_tree_is_bounded_in_tokens_and_sequences() {
        let mut tree = Tree::new();
        let long: Vec<i32> = (0..200).collect();
        assert!(tree.add(0, &tokens(&long)), "the first always fits");
        assert!(!tree.add(1, &tokens(&[500, 501, 9])));
        let mut tree = Tree::new();
        let added = (0..100).take_while(|i| tree.add(*i as usize, &tokens(&[*i, 9]))).count();
        assert_eq!(added, SEQUENCES as usize - 1);
    }

    #[test]
    fn the_margin_is_to_the_second_best() {
        let FillAnswer::Chosen { index, margin } = best([-3.0, -0.5, -1.25].into_iter()) else { panic!() };
        assert_eq!((index, margin), (1, 0.75));
        let logits = [0.0f32, 1.0, 2.0];
        let total: f32 = logits.iter().map(|l| (l - log_sum_exp(&logits)).exp()).sum();
        assert!((total - 1.0).abs() < 1e-6);
    }
}
