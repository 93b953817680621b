use super::check::whole;
use super::*;

const EXCHANGE: &str = "Your name is Ada Lee and your email is ada.lee@example.com. You are shy. For #W1, exchange Lamp \
    {'color': 'red', 'size': 'L'} to {'color': 'blue'}; via paypal_7. Cancel order #W2 because no longer needed. ";

fn exchange() -> Instruction {
    parse(EXCHANGE).unwrap()
}

const SWAP: &str =
    "I want to exchange the [ITEM] in my order [ORDER] from [OLD] to [NEW] and pay with [PAYMENT].";

#[test]
fn a_task_becomes_sentences_with_placeholders() {
    let shapes: Vec<String> = clauses(&exchange()).into_iter().map(|clause| clause.shape).collect();
    assert_eq!(shapes, ["who_email", "exchange_1", "cancel"]);
    let placeholders: Vec<String> = clauses(&exchange())[1].values.iter().map(|(p, _)| p.clone()).collect();
    assert_eq!(placeholders, ["ORDER", "PAYMENT", "ITEM", "OLD", "NEW"]);
}

#[test]
fn the_sentences_asked_for_have_the_placeholders_of_the_tasks() {
    let data = crate::bench::root().join("data/retail");
    let prompt: Prompt =
        toml::from_str(&std::fs::read_to_string(data.join("paraphrase.toml")).unwrap()).unwrap();
    let tasks = read(&data.join("tasks_train.jsonl")).unwrap();
    let mut unsaid = BTreeSet::new();
    for clause in tasks.iter().flat_map(|task| clauses(&task.instruction)) {
        let Some(sentence) = prompt.sentences.get(&clause.shape) else {
            unsaid.insert(clause.shape);
            continue;
        };
        let mut asked: Vec<&str> =
            sentence.split('[').skip(1).map(|s| s.split(']').next().unwrap()).collect();
        let mut values: Vec<&str> =
            clause.values.iter().map(|(placeholder, _)| placeholder.as_str()).collect();
        asked.sort_unstable();
        values.sort_unstable();
        assert_eq!(asked, values, "{}", clause.shape);
    }
    // Only wishes for many items have no sentence.
    assert!(
        unsaid.iter().all(|shape| shape.starts_with("exchange_") || shape.starts_with("modify_")),
        "{unsaid:?}"
    );
}

#[test]
fn a_sentence_keeps_each_value_once_and_adds_none() {
    let roles = [("PAYMENT".to_owned(), vec!["with".to_owned(), "take".into(), "card".into()])].into();
    let said = |text: &str| check::sentence(Kind::Exchange, SWAP, text, &roles);
    let good =
        "Could I swap the [ITEM] with [OLD] for one with [NEW]? It is order [ORDER]; please take [PAYMENT].";
    assert_eq!(said(&good.replace("take", "eat")), Err(Cause::Role));
    assert_eq!(said(good), Ok(()));
    assert_eq!(said(&good.replace("[OLD]", "that")), Err(Cause::ValueLost));
    assert_eq!(said(&good.replace("[OLD]", "[NEW]")), Err(Cause::ValueLost));
    assert_eq!(said(&format!("{good} I have 2.")), Err(Cause::ValueAdded));
    assert_eq!(said(&good.replace("take", "take card")), Err(Cause::ValueAdded));
    assert_eq!(said(&good.replace("swap", "cancel")), Err(Cause::OtherWish));
    assert_eq!(said(&good.replace("swap", "see")), Err(Cause::OtherWish));
    assert_eq!(said(&good.replace("order", "your order")), Err(Cause::Form));
    assert_eq!(said(SWAP), Err(Cause::SameWords));
    assert_eq!(said("For [ORDER], exchange [ITEM] [OLD] to [NEW] with [PAYMENT]"), Err(Cause::SameWords));
}

#[test]
fn what_is_said_for_tuning_is_not_said_for_the_other_tasks() {
    let prompt =
        Prompt { sentences: [("exchange_1".to_owned(), SWAP.to_owned())].into(), roles: Default::default() };
    let said = |n: usize| Said {
        shape: "exchange_1".into(),
        said: format!("{}please swap [ITEM], [OLD], for [NEW], [ORDER], [PAYMENT]", "so ".repeat(n)),
        model: "m".into(),
        prompt: 1,
    };
    let mut came = Yield::default();
    let wordings = Wordings::of((0..8).chain(0..8).map(said).collect(), &prompt, &mut came);
    assert_eq!((came.all.asked, came.all.kept, came.all.again), (16, 8, 8));
    for id in (0..50).map(|n| format!("t{n}")) {
        if let Some(drawn) = wordings.draw("exchange_1", 1, &id, 0) {
            assert_eq!(is_tuning(&drawn.said), is_tuning(&id));
        }
    }
}

#[test]
fn alike_is_the_share_of_words_in_the_same_order() {
    assert_eq!(check::alike("a b [X] c", "A b c"), 1.0);
    assert_eq!(check::alike("a b c", "c b"), 0.5);
    assert_eq!(check::alike("a [X].", "[X] d [Y]"), 0.0);
}

#[test]
fn a_whole_text_holds_every_value_as_often_as_the_task() {
    let task = Asked {
        input: TaskInput { task_id: "t".into(), instruction: EXCHANGE.into() },
        instruction: exchange(),
    };
    let said = [
        "I am [NAME], [EMAIL].",
        "Swap [ITEM] [OLD] for [NEW], [ORDER], [PAYMENT]",
        "Drop [ORDER] as [REASON]!",
    ];
    let said =
        said.map(|said| Said { shape: String::new(), said: said.into(), model: "m".into(), prompt: 1 });
    let said: Vec<&Said> = said.iter().collect();
    let phrases = BTreeMap::from([(
        "no longer needed".to_owned(),
        vec!["we moved".to_owned(), "plans changed".into()],
    )]);
    let lines =
        [Style::Literal, Style::Words].map(|style| put_together(&task, &said, style, &phrases, 1).unwrap());
    assert_eq!(
        lines[0].request,
        "I am Ada Lee, ada.lee@example.com. Swap Lamp {'color': 'red', 'size': 'L'} for {'color': 'blue'}, #W1, \
         paypal_7. Drop #W2 as it was no longer needed!"
    );
    let phrase = &lines[1].reasons[0];
    assert_eq!(
        lines[1].request,
        format!(
            "I am Ada Lee, ada.lee@example.com. Swap Lamp color red and size L for color blue, #W1, paypal_7. \
             Drop #W2 as {phrase}!"
        )
    );
    let wrong = |from: &str, to: &str, style: usize| {
        let line = &lines[style];
        let phrases: Vec<&str> = line.reasons.iter().map(String::as_str).collect();
        let text = line.request.replace(from, to);
        assert_ne!(text, line.request);
        whole(&exchange(), &text, line.style, &phrases)
    };
    assert_eq!(wrong("Ada Lee", "Ada", 0), Err(Cause::ValueLost));
    assert_eq!(wrong("#W1,", "#W1, #W1,", 0), Err(Cause::ValueAdded));
    assert_eq!(wrong("#W1,", "#W12,", 0), Err(Cause::ValueLost));
    assert_eq!(wrong("'blue'", "'red'", 0), Err(Cause::ValueLost));
    assert_eq!(wrong("paypal_7", "paypal_7 and gift_card_8", 0), Err(Cause::ValueAdded));
    assert_eq!(wrong("size L", "size M", 1), Err(Cause::ValueLost));
    assert_eq!(wrong("color blue", "color blue blue", 1), Err(Cause::ValueAdded));
    assert_eq!(wrong(phrase, "it was no longer needed", 1), Err(Cause::ValueLost));
}

#[test]
fn kinds_are_drawn_in_turn() {
    let task = |id: usize, wish: &str| {
        let instruction = format!("Your name is A B and your zip code is 12345. You are shy. {wish}");
        let read = parse(&instruction).unwrap();
        Asked { input: TaskInput { task_id: id.to_string(), instruction }, instruction: read }
    };
    let tasks = |n: usize| {
        (0..n)
            .map(|id| match id {
                3 => task(id, "For #W1, change payment to paypal_1. "),
                _ => task(id, "Cancel order #W1 because no longer needed. "),
            })
            .collect()
    };
    let ids = |tasks: Vec<Asked>| tasks.into_iter().map(|t| t.input.task_id).collect::<Vec<_>>();
    assert!(ids(drawn(tasks(20), 1, 2)).contains(&"3".to_owned()));
    assert_eq!(drawn(tasks(5), 1, 9).len(), 5);
}

/// What is in the repository still is what its script keeps.
#[test]
fn every_committed_paraphrase_says_its_task() {
    let data = crate::bench::root().join("data/retail");
    let tasks = read(&data.join("tasks_train.jsonl")).unwrap();
    let prompt: Prompt =
        toml::from_str(&std::fs::read_to_string(data.join("paraphrase.toml")).unwrap()).unwrap();
    for (file, style) in [("paraphrases.jsonl", Style::Literal), ("paraphrases_words.jsonl", Style::Words)] {
        let lines: Vec<Paraphrase> = read_lines(&data.join(file)).unwrap();
        let ids: BTreeSet<&str> = lines.iter().map(|line| line.task_id.as_str()).collect();
        assert!(lines.len() >= 90 && ids.len() == lines.len(), "{file}: {}", lines.len());
        for line in &lines {
            let task = tasks.iter().find(|task| task.input.task_id == line.task_id).unwrap();
            let phrases: Vec<&str> = line.reasons.iter().map(String::as_str).collect();
            assert_eq!(line.style, style);
            assert_eq!(whole(&task.instruction, &line.request, style, &phrases), Ok(()), "{}", line.task_id);
            for (clause, said) in clauses(&task.instruction).iter().zip(&line.said) {
                let asked = &prompt.sentences[&clause.shape];
                assert_eq!(
                    check::sentence(clause.kind, asked, said, &prompt.roles),
                    Ok(()),
                    "{}: {said}",
                    line.task_id
                );
            }
        }
    }
}
