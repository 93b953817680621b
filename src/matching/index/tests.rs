use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const WORDS: [&str; 12] = [
    "order", "reminder", "cancel", "please", "change", "address", "return", "item", "name", "card", "x", "y",
];

/// The templates of an index, in the plainest form.
type Model = BTreeMap<TemplateId, BTreeSet<String>>;

/// What a look-up must find, by looking at every template.
fn brute_force(model: &Model, words: &[&str], least: f64) -> Vec<Nomination> {
    let size = class(model.len());
    let weight_of = |word: &String| {
        let held = model.values().filter(|keywords| keywords.contains(word)).count();
        weight(size, class(held))
    };
    let mut found: Vec<Nomination> = model
        .iter()
        .filter_map(|(id, keywords)| {
            let total: u32 = keywords.iter().map(weight_of).sum();
            let there = keywords.iter().filter(|word| words.contains(&word.as_str()));
            let held: u32 = there.map(weight_of).sum();
            let score = f64::from(held) / f64::from(total);
            (held > 0 && score >= least).then(|| Nomination {
                id: id.clone(),
                score,
                keywords: keywords.len(),
            })
        })
        .collect();
    found.sort_by(|a, b| {
        b.score.total_cmp(&a.score).then(b.keywords.cmp(&a.keywords)).then_with(|| a.id.cmp(&b.id))
    });
    found
}

#[derive(Clone, Debug)]
enum Op {
    Insert(u8, Vec<&'static str>),
    Remove(u8),
}

fn any_op() -> impl Strategy<Value = Op> {
    let keywords = proptest::sample::subsequence(&WORDS[..], 0..6).prop_shuffle();
    prop_oneof![
        4 => (0..40_u8, keywords).prop_map(|(id, keywords)| Op::Insert(id, keywords)),
        1 => (0..40_u8).prop_map(Op::Remove),
    ]
}

fn id(n: u8) -> TemplateId {
    TemplateId::new(format!("t{n}"))
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn run(ops: &[Op]) -> (Index, Model) {
    let (mut index, mut model) = (Index::new(), Model::new());
    for op in ops {
        match op {
            Op::Insert(n, keywords) => {
                index.insert(id(*n), &owned(keywords));
                model.insert(id(*n), owned(keywords).into_iter().collect());
            }
            Op::Remove(n) => assert_eq!(index.remove(&id(*n)), model.remove(&id(*n)).is_some()),
        }
        assert_eq!(index.len(), model.len());
    }
    (index, model)
}

/// No posting without its template, no keyword without its posting, no word without a posting.
fn assert_sound(index: &Index) {
    let mut postings = 0;
    for (text, &number) in &index.numbers {
        let word = index.words.get(number).unwrap();
        assert_eq!(&word.text, text);
        assert!(!word.postings.is_empty());
        assert_eq!(word.counts.iter().sum::<u32>() as usize, word.postings.len());
        for &(Reverse(level), place) in &word.postings {
            let entry = index.entries.get(place).unwrap();
            assert!(entry.keywords.iter().any(|k| (k.word, k.level) == (number, level)));
            postings += 1;
        }
    }
    let entries = index.places.values().map(|&place| index.entries.get(place).unwrap());
    assert_eq!(entries.map(|entry| entry.keywords.len()).sum::<usize>(), postings);
}

fn any_ops() -> impl Strategy<Value = Vec<Op>> {
    proptest::collection::vec(any_op(), 1..80)
}

fn any_task() -> impl Strategy<Value = Vec<&'static str>> {
    proptest::sample::subsequence(&WORDS[..], 0..12)
}

proptest! {
    #[test]
    fn a_look_up_finds_what_looking_at_every_template_finds(
        ops in any_ops(),
        task in any_task(),
        least in prop_oneof![Just(0.0), Just(0.5), Just(0.75), Just(1.0), 0.0..1.0_f64],
        most in 0..9_usize,
    ) {
        let (index, model) = run(&ops);
        let all = brute_force(&model, &task, least);
        let found = index.nominate(&task, least, most);
        prop_assert_eq!(found.cut, all.len().saturating_sub(most));
        prop_assert_eq!(&found.nominations[..], &all[..all.len().min(most)]);
        assert_sound(&index);
    }

    #[test]
    fn the_order_of_insertion_does_not_matter(
        templates in proptest::collection::btree_map(0..60_u8, proptest::sample::subsequence(&WORDS[..], 0..6), 0..40),
        shuffle in any::<u64>(),
        task in any_task(),
    ) {
        let ops: Vec<Op> = templates.into_iter().map(|(n, keywords)| Op::Insert(n, keywords)).collect();
        let mut other = ops.clone();
        other.sort_by_key(|op| match op {
            Op::Insert(n, _) | Op::Remove(n) => (u64::from(*n) + 1).wrapping_mul(shuffle | 1),
        });
        let (one, two) = (run(&ops).0, run(&other).0);
        for least in [0.0, 0.6, 1.0] {
            prop_assert_eq!(one.nominate(&task, least, 99), two.nominate(&task, least, 99));
        }
    }

    #[test]
    fn a_removed_template_leaves_no_trace(ops in any_ops(), keywords in proptest::sample::subsequence(&WORDS[..], 1..6)) {
        let (before, _) = run(&ops);
        let mut after = before.clone();
        let new = TemplateId::new("new");
        after.insert(new.clone(), &owned(&keywords));
        let task: Vec<&str> = WORDS.to_vec();
        prop_assert!(after.nominate(&task, 1.0, 999).nominations.iter().any(|n| n.id == new));
        prop_assert!(after.remove(&new));
        prop_assert!(!after.remove(&new));
        prop_assert_eq!(after.nominate(&task, 0.0, 999), before.nominate(&task, 0.0, 999));
        assert_sound(&after);
    }

    #[test]
    fn a_clone_keeps_what_it_had(ops in any_ops(), later in any_ops(), task in any_task()) {
        let (index, _) = run(&ops);
        let kept = index.clone();
        let before = kept.nominate(&task, 0.0, 99);
        let mut changed = index;
        for op in later {
            match op {
                Op::Insert(n, keywords) => changed.insert(id(n), &owned(&keywords)),
                Op::Remove(n) => drop(changed.remove(&id(n))),
            }
        }
        prop_assert_eq!(kept.nominate(&task, 0.0, 99), before);
        assert_sound(&kept);
        assert_sound(&changed);
    }
}

#[test]
fn words_that_stand_everywhere_weigh_little() {
    let mut index = Index::new();
    for n in 0..100 {
        index.insert(id(n), &owned(&["please", "help", &format!("intent{n}")]));
    }
    let common = index.nominate(&["please", "help"], 0.0, 1);
    assert!(common.nominations[0].score < 0.25, "{common:?}");
    let own = index.nominate(&["intent7"], 0.0, 1);
    assert!(own.nominations[0].score > 0.75, "{own:?}");
}

#[test]
fn a_long_list_is_not_read_when_its_word_decides_nothing() {
    let mut index = Index::new();
    for n in 0..(MOST_ENTRIES + 1000) {
        let keywords = ["please".to_owned(), format!("intent{n}"), format!("thing{n}")];
        index.insert(TemplateId::new(n.to_string()), &keywords);
    }
    let found = index.nominate(&["please", "intent7", "thing7", "other"], 0.9, 5);
    assert_eq!((found.nominations.len(), found.cut), (1, 0));
    let partial = index.nominate(&["please"], 0.0, 5);
    assert_eq!(partial.nominations.len(), 5);
    assert_eq!(partial.cut, MOST_ENTRIES + 1000 - 5, "what is not read or not returned is counted");
}

#[test]
fn a_template_without_keywords_is_held_and_never_found() {
    let mut index = Index::new();
    index.insert(id(1), &[]);
    assert_eq!(index.len(), 1);
    assert_eq!(index.nominate(&["order"], 0.0, 5), Nominated::default());
    assert!(index.remove(&id(1)));
    assert!(index.is_empty());
}
