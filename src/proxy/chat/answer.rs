use serde_json::{Value, json};

use crate::domain::{Call, NextStep, fresh_call_id};
use crate::proxy::planning::Form;
use crate::proxy::reply::{Written, pieces};

/// A step as the provider would have sent it. Nothing was billed, so usage is zero.
pub(in crate::proxy) fn answer(step: &NextStep, form: &Form, created: u64) -> Written {
    let id = format!("chatcmpl-{}", fresh_call_id().trim_start_matches("call_"));
    if form.stream {
        return Written::Events(events(step, form, &id, created));
    }
    let (message, finish) = match step {
        NextStep::Answer(text) => {
            (json!({"role": "assistant", "content": text, "refusal": null, "annotations": []}), "stop")
        }
        NextStep::Calls(calls) => {
            let calls: Vec<Value> = calls.iter().map(|call| wire(call, &arguments(call))).collect();
            let message = json!({
                "role": "assistant", "content": null, "refusal": null, "annotations": [], "tool_calls": calls,
            });
            (message, "tool_calls")
        }
    };
    Written::Whole(json!({
        "id": id, "object": "chat.completion", "created": created, "model": form.model,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish}],
        "usage": usage(), "system_fingerprint": null,
    }))
}

fn arguments(call: &Call) -> String {
    Value::Object(call.arguments.clone()).to_string()
}

fn wire(call: &Call, arguments: &str) -> Value {
    json!({"id": call.id, "type": "function", "function": {"name": call.tool, "arguments": arguments}})
}

fn usage() -> Value {
    json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0})
}

/// The same as several deltas: the role, the names of the calls, their arguments in pieces, the end.
fn events(step: &NextStep, form: &Form, id: &str, created: u64) -> String {
    let mut out = String::new();
    let mut push = |choices: Value, usage: Option<Value>| {
        let mut chunk = json!({
            "id": id, "object": "chat.completion.chunk", "created": created, "model": form.model,
            "system_fingerprint": null, "choices": choices,
        });
        if form.usage_in_stream {
            chunk["usage"] = usage.unwrap_or(Value::Null);
        }
        out.push_str(&format!("data: {chunk}\n\n"));
    };
    let choice = |delta: Value, finish: Option<&str>| json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]);
    let finish = match step {
        NextStep::Answer(text) => {
            push(choice(json!({"role": "assistant", "content": "", "refusal": null}), None), None);
            for piece in pieces(text) {
                push(choice(json!({"content": piece}), None), None);
            }
            "stop"
        }
        NextStep::Calls(calls) => {
            push(choice(json!({"role": "assistant", "content": null, "refusal": null}), None), None);
            for (index, call) in calls.iter().enumerate() {
                let mut head = wire(call, "");
                head["index"] = json!(index);
                push(choice(json!({"tool_calls": [head]}), None), None);
                for piece in pieces(&arguments(call)) {
                    let more = json!({"index": index, "function": {"arguments": piece}});
                    push(choice(json!({"tool_calls": [more]}), None), None);
                }
            }
            "tool_calls"
        }
    };
    push(choice(json!({}), Some(finish)), None);
    if form.usage_in_stream {
        push(json!([]), Some(usage()));
    }
    out.push_str("data: [DONE]\n\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::chat::{Draft, completion};
    use crate::proxy::frames::Frames;
    use crate::proxy::planning::Planned;

    fn both(step: &NextStep) -> (Planned, Planned) {
        let form = Form { model: "m".into(), stream: false, usage_in_stream: false };
        let Written::Whole(whole) = answer(step, &form, 1) else { panic!("whole") };
        let form = Form { stream: true, usage_in_stream: true, ..form };
        let Written::Events(events) = answer(step, &form, 1) else { panic!("events") };
        let mut draft = Draft::default();
        for frame in Frames::default().push(events.as_bytes()) {
            draft.event(&frame.data.unwrap());
        }
        (completion(whole.to_string().as_bytes(), &[]).unwrap(), draft.finish(&[]).unwrap())
    }

    #[test]
    fn streamed_and_whole_say_the_same() {
        let arguments =
            json!({"text": "a \"quoted\" ünïcödé line\nand more than one piece", "list": [1, 2.5]});
        let call = |id: &str| Call {
            id: id.into(),
            tool: "look".into(),
            arguments: arguments.as_object().unwrap().clone(),
        };
        for step in [
            NextStep::Calls(vec![call("a"), call("b")]),
            NextStep::Answer("Done, with a long enough text: ß.".into()),
        ] {
            let (whole, streamed) = both(&step);
            assert_eq!(whole.step, step);
            assert_eq!(whole, streamed);
        }
    }
}
