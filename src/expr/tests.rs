use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Compiled, ExprError, MAX_LENGTH, Program};

fn holds(cel: &str, obs: Value) -> Result<bool, ExprError> {
    Program::compile(cel)?.holds(&obs)
}

fn computes(cel: &str, vars: Value) -> Result<Value, ExprError> {
    let vars: Vec<(String, Value)> =
        vars.as_object().expect("an object of variables").clone().into_iter().collect();
    Program::compile(cel)?.value(&vars)
}

#[test]
fn guards_look_into_the_observation() {
    let order = json!({"status": "open", "lines": [{"n": 1, "price": 2.5}, {"n": 2, "price": 4}]});
    for (cel, expected) in [
        ("obs.status == 'open'", true),
        ("obs.status == 'shut'", false),
        ("size(obs.lines) == 2", true),
        ("has(obs.status) && !has(obs.gone)", true),
        ("obs.lines.exists_one(l, l.n == 2)", true),
        ("obs.lines.all(l, l.price > 3.0)", false),
        ("type(obs.lines) == list && type(obs.status) == string", true),
        ("obs.lines[0].n == 1", true),
        ("'status' in obs", true),
        ("obs['status'].startsWith('op')", true),
    ] {
        assert_eq!(holds(cel, order.clone()), Ok(expected), "{cel}");
    }
    assert_eq!(holds("obs == 'done'", json!("done")), Ok(true));
    assert_eq!(holds("type(obs) == null_type", Value::Null), Ok(true));
}

#[test]
fn computations_give_json() {
    for (cel, vars, expected) in [
        ("slot_0 + 1", json!({"slot_0": 41}), json!(42)),
        (
            "step_1.total - step_0.paid",
            json!({"step_1": {"total": 5.5}, "step_0": {"paid": 2.0}}),
            json!(3.5),
        ),
        ("slot_0 + '-' + slot_1", json!({"slot_0": "a", "slot_1": "b"}), json!("a-b")),
        ("size(step_0)", json!({"step_0": [1, 2, 3]}), json!(3)),
        ("step_0.map(x, x.id)", json!({"step_0": [{"id": "p"}, {"id": "q"}]}), json!(["p", "q"])),
        ("{'b': 1, 'a': [true, null]}", json!({}), json!({"a": [true, null], "b": 1})),
        ("n", json!({"n": 18_446_744_073_709_551_615_u64}), json!(18_446_744_073_709_551_615_u64)),
    ] {
        assert_eq!(computes(cel, vars), Ok(expected), "{cel}");
    }
}

#[test]
fn syntax_errors_name_the_place() {
    for source in
        ["", "1 +", "(", ")", ".", "/", "obs.", "obs ==", "[1, 2", "'open", "a b", "f(,)", "{1:}", "\u{0}"]
    {
        assert!(matches!(Program::compile(source), Err(ExprError::Syntax { .. })), "{source:?}");
    }
    let error = Program::compile("obs.a ==\n  && true").expect_err("not CEL");
    assert!(matches!(error, ExprError::Syntax { line: 2, .. }), "{error}");
}

#[test]
fn evaluation_errors_are_typed_and_hold_no_values() {
    let secret = json!({"card": "SECRET-9", "n": 3, "list": [1]});
    for cel in [
        "obs.absent == 1",
        "obs.card + 1 == 2",
        "obs.card > obs.n",
        "obs.n / 0 == 1",
        "obs.n % 0 == 1",
        "obs.list[7] == 1",
        "unknown == 1",
        "nofunction(obs.card)",
        "obs.card.matches('a')",
        "9223372036854775807 + obs.n > 0",
        "-obs.card == 1",
        "obs.n.card == 1",
        "int(obs.card) == 1",
        "obs.card.all(c, c == 'S')",
    ] {
        let error = holds(cel, secret.clone()).expect_err(cel);
        assert!(matches!(error, ExprError::Evaluation(_)), "{cel}: {error:?}");
        assert!(!error.to_string().contains("SECRET"), "{cel}: {error}");
    }
    assert_eq!(
        holds("obs.card", secret).expect_err("no boolean"),
        ExprError::Type { is: "string", wanted: "boolean" }
    );
    let nan = computes("n / 0.0", json!({"n": 0.0})).expect_err("not finite");
    assert!(matches!(nan, ExprError::Type { .. }), "{nan}");
}

#[test]
fn what_is_too_large_is_refused_before_it_runs() {
    let too_large = |source: &str| {
        let error = Program::compile(source).expect_err("too large");
        assert!(matches!(error, ExprError::TooLarge { .. } | ExprError::Syntax { .. }), "{error}");
    };
    too_large(&format!("'{}'", "x".repeat(MAX_LENGTH)));
    too_large(&format!("{}1{}", "[".repeat(200), "]".repeat(200)));
    too_large(&format!("obs{}", ".a".repeat(100)));
    too_large("a.map(x, a.map(y, a.map(z, a.map(w, w))))");
    too_large("a.map(x, x).map(x, x).map(x, x).map(x, x)");
    let nested = Program::compile("obs.all(x, obs.all(y, obs.all(z, x + y + z > 0)))").expect("three loops");
    let wide: Vec<u32> = (0..10_000).collect();
    assert!(matches!(nested.holds(&json!(wide)), Err(ExprError::TooCostly { .. })));
    assert_eq!(nested.holds(&json!([1, 2, 3])), Ok(true));
}

/// The deepest trees that pass the bounds must fit a small stack, in parsing, evaluation and drop.
#[test]
fn the_deepest_allowed_trees_fit_a_small_stack() {
    let run = || {
        let repeat = |head: &str, unit: &str, tail: &str| {
            let times = (MAX_LENGTH - head.len() - tail.len()) / unit.len();
            format!("{head}{}{tail}", unit.repeat(times))
        };
        for source in [
            repeat("obs", ".a", ""),
            repeat("1", "+1", ""),
            repeat("", "!", "true"),
            repeat("", "-", "1"),
            repeat("", "- ", "1"),
            repeat("", "true?1:", "2"),
            repeat("true", "||true", ""),
            repeat("obs", "[0]", ""),
            repeat("obs", ".a()", ""),
            repeat("", "![", ""),
            repeat("", "{[!(-", ""),
            repeat("", "a?b:(", ""),
            format!("{}1{}", "(".repeat(500), ")".repeat(500)),
        ] {
            if let Ok(program) = Program::compile(&source) {
                let _ = program.holds(&json!({"a": 1}));
            }
        }
    };
    std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(run)
        .expect("a thread")
        .join()
        .expect("no overflow");
}

#[test]
fn free_variables_leave_out_those_of_loops() {
    let program = Program::compile("obs.items.exists(i, i.id == slot_3) && i > 0").expect("CEL");
    assert_eq!(program.variables(), ["i", "obs", "slot_3"]);
    assert_eq!(Program::compile("obs.all(x, x > 0)").expect("CEL").variables(), ["obs"]);
}

#[test]
fn the_cache_compiles_once_and_is_bounded() {
    let cache = Compiled::new(2);
    let first = cache.program("1 + 1").expect("CEL");
    assert!(std::sync::Arc::ptr_eq(&first, &cache.program("1 + 1").expect("CEL")));
    cache.program("2").expect("CEL");
    cache.program("3").expect("CEL");
    assert!(!std::sync::Arc::ptr_eq(&first, &cache.program("1 + 1").expect("CEL")));
    assert!(cache.program("1 +").is_err());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e12_f64..1e12).prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-c]{1,2}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn json_survives_the_way_through_cel(value in any_json()) {
        prop_assert_eq!(computes("v", json!({"v": value.clone()})), Ok(value));
    }

    #[test]
    fn an_observation_equals_itself(value in any_json()) {
        prop_assert_eq!(holds("obs == obs", value), Ok(true));
    }

    #[test]
    fn arbitrary_text_never_panics(source in ".{0,80}", obs in any_json()) {
        if let Ok(program) = Program::compile(&source) {
            let _ = program.holds(&obs);
        }
    }

    #[test]
    fn arbitrary_tokens_never_panic(
        tokens in prop::collection::vec(prop::sample::select(vec![
            "obs", ".a", "[0]", "(", ")", "[", "]", "{", "}", "1", "-1", "1u", "1.5", "'s'", "b'x'", "+", "-", "*",
            "/", "%", "==", "<", "&&", "||", "!", "?", ":", ",", "in", ".map(x,x)", ".all(x,x>1)", "has(obs.a)",
            "size(", "type(", "int(", "string(", "null", "true", ".exists(y,", "\\", "`", "x", ".?a", "[?",
        ]), 0..24),
        obs in any_json(),
    ) {
        let source = tokens.concat();
        if let Ok(program) = Program::compile(&source) {
            let _ = program.holds(&obs);
        }
    }
}
