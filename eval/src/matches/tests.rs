use super::*;

fn vector(seed: usize, like: usize, share: f32) -> Vec<f32> {
    // Two axes of its own and one that it shares with others of its kind.
    let mut vector = vec![0.0; 64];
    vector[like] = share;
    vector[16 + seed % 48] = (1.0 - share * share).sqrt();
    vector
}

/// Texts of four kinds, some closer to their kind than others.
fn set(known: usize) -> Set {
    let query = |at: usize| Query {
        text: format!("text {at}"),
        scope: "a".to_owned(),
        label: format!("kind {}", at % 4),
        vector: vector(
            at,
            (at % 4) + usize::from(at.is_multiple_of(7)),
            0.7 + 0.3 * ((at % 10) as f32 / 10.0),
        ),
        case: None,
    };
    Set { name: "made".to_owned(), queries: (0..200).map(query).collect(), known, benchmark: None }
}

/// Notes what each text was taken for.
struct Noted<M> {
    inner: M,
    decided: Vec<(usize, Option<Found>)>,
    learnt: Vec<usize>,
}

#[async_trait]
impl<M: Matcher> Matcher for Noted<M> {
    async fn decide(&mut self, asked: &Asked<'_>) -> Result<Option<Found>, MatchError> {
        assert!(!self.learnt.contains(&asked.at), "{} was learnt before it was asked about", asked.at);
        let found = self.inner.decide(asked).await?;
        if let Some(Found::Entries(all)) = &found {
            assert!(all.iter().all(|at| self.learnt.contains(at)), "{all:?} were never learnt");
        }
        self.decided.push((asked.at, found.clone()));
        Ok(found)
    }

    async fn learn(&mut self, asked: &Asked<'_>, label: &str) -> Result<(), MatchError> {
        self.learnt.push(asked.at);
        self.inner.learn(asked, label).await
    }
}

async fn noted<M: Matcher>(set: &Set, inner: M) -> (Counts, Vec<(usize, Option<Found>)>) {
    let mut noted = Noted { inner, decided: Vec::new(), learnt: Vec::new() };
    let counts = stream(set, 3, &mut noted).await.unwrap();
    (counts, noted.decided)
}

#[tokio::test]
async fn no_label_reaches_a_decision_before_it_is_learnt() {
    let honest = set(0);
    let (_, order) = noted(&honest, Similarity::new(2.0)).await;
    for half in [20, 100, 180] {
        let mut poisoned = honest.clone();
        for (at, _) in &order[half..] {
            poisoned.queries[*at].label = format!("poison {at}");
        }
        let (_, before) = noted(&honest, Verified::new(0.1, 1)).await;
        let (_, after) = noted(&poisoned, Verified::new(0.1, 1)).await;
        // The decision on the first poisoned text is still made without its label.
        assert_eq!(before[..=half], after[..=half]);
        assert_eq!(
            noted(&honest, Similarity::new(0.8)).await.1,
            noted(&poisoned, Similarity::new(0.8)).await.1
        );
    }
}

#[tokio::test]
async fn a_stricter_threshold_never_hits_more() {
    let set = set(100);
    let mut last: Option<Counts> = None;
    let mut hits = Vec::new();
    for percent in 0..=100 {
        let (counts, _) = noted(&set, Similarity::new(percent as f32 / 100.0)).await;
        assert_eq!((counts.queries, counts.ceiling), (100, 100));
        assert!(last.is_none_or(|last| counts.hits <= last.hits && counts.right <= last.right));
        hits.push(counts.hits);
        last = Some(counts);
    }
    assert_eq!(hits[0], 100);
    assert!(hits[100] < 100, "{hits:?}");
}

#[tokio::test]
async fn the_ceiling_counts_labels_that_came_before_in_the_same_scope() {
    let mut set = set(0);
    let (counts, _) = noted(&set, Similarity::new(2.0)).await;
    assert_eq!((counts.hits, counts.ceiling), (0, 196));
    for (at, query) in set.queries.iter_mut().enumerate() {
        query.scope = at.to_string();
    }
    let (counts, _) = noted(&set, Similarity::new(-1.0)).await;
    assert_eq!((counts.hits, counts.ceiling, counts.precision()), (0, 0, None));
}

#[test]
fn at_equal_false_hits_the_best_setting_that_keeps_to_it_counts() {
    let counts = |hits, right| Counts { queries: 100, hits, right, ceiling: 50 };
    let results = [("a", "low", counts(60, 40)), ("a", "mid", counts(31, 30)), ("a", "high", counts(10, 10))];
    let rows = results.into_iter().chain([("b", "only", counts(20, 15))]);
    let best = |budget: f64| {
        let all = equal_false_hits(rows.clone(), budget);
        all.into_iter().map(|at| at.setting).collect::<Vec<_>>()
    };
    let named = |name: &str| Some(name.to_owned());
    assert_eq!(best(0.0), [named("high"), None]);
    assert_eq!(best(0.01), [named("mid"), None]);
    assert_eq!(best(0.05), [named("mid"), named("only")]);
}

#[test]
fn sets_have_labels_scopes_and_only_reported_tasks() {
    let retail = tasks("retail").unwrap();
    assert!(retail.queries.len() > 250 && retail.queries.len() < 310, "{}", retail.queries.len());
    assert!(retail.queries.iter().all(|query| query.case.is_some() && !query.label.is_empty()));
    let sql = tasks("sql").unwrap();
    let scopes: std::collections::BTreeSet<&str> = sql.queries.iter().map(|q| q.scope.as_str()).collect();
    assert_eq!(scopes.len(), 11);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pairs.jsonl");
    std::fs::write(&file, r#"{"pair_id": "q", "a": "Who?", "b": "Whom?", "label": 0}"#).unwrap();
    let set = pairs("qqp", &file).unwrap();
    assert_eq!((set.known, set.queries.len()), (1, 2));
    assert_ne!(set.queries[0].label, set.queries[1].label);
}
