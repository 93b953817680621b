use serde_json::{Map, Value, json};

use crate::domain::{NextStep, fresh_call_id};
use crate::proxy::planning::Form;
use crate::proxy::reply::{Written, pieces};

/// A step as the provider would have sent it. `echoed` are the members of the request that a
/// response repeats. Nothing was billed, so usage is zero. With it comes the response as a whole.
pub(in crate::proxy) fn answer(
    step: &NextStep,
    form: &Form,
    echoed: &Map<String, Value>,
    created: u64,
) -> (Written, Value) {
    let output = match step {
        NextStep::Calls(calls) => calls
            .iter()
            .map(|call| {
                json!({
                    "id": own_id("fc"), "type": "function_call", "status": "completed",
                    "call_id": call.id, "name": call.tool,
                    "arguments": Value::Object(call.arguments.clone()).to_string(),
                })
            })
            .collect(),
        NextStep::Answer(text) => {
            let part = json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []});
            vec![json!({
                "id": own_id("msg"), "type": "message", "status": "completed", "role": "assistant",
                "content": [part],
            })]
        }
    };
    let whole = response(&output, "completed", form, echoed, created);
    let written =
        if form.stream { Written::Events(events(&output, &whole)) } else { Written::Whole(whole.clone()) };
    (written, whole)
}

fn own_id(kind: &str) -> String {
    format!("{kind}_{}", fresh_call_id().trim_start_matches("call_"))
}

fn response(output: &[Value], status: &str, form: &Form, echoed: &Map<String, Value>, created: u64) -> Value {
    let mut response = json!({
        "id": own_id("resp"), "object": "response", "created_at": created, "status": status,
        "background": false, "error": null, "incomplete_details": null, "instructions": null,
        "max_output_tokens": null, "metadata": {}, "model": form.model, "output": output,
        "parallel_tool_calls": true, "previous_response_id": null,
        "reasoning": {"effort": null, "summary": null}, "store": true, "temperature": 1.0,
        "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [], "top_p": 1.0,
        "truncation": "disabled", "user": null,
        "usage": {
            "input_tokens": 0, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 0,
            "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 0,
        },
    });
    if let Some(members) = response.as_object_mut() {
        members.extend(echoed.clone());
    }
    response
}

/// The events of a stream: the response's beginning, each item's, its pieces, and the ends.
fn events(output: &[Value], whole: &Value) -> String {
    let mut stream = Stream::default();
    let mut begun = whole.clone();
    begun["status"] = json!("in_progress");
    begun["output"] = json!([]);
    begun["usage"] = Value::Null;
    stream.push("response.created", json!({"response": begun}));
    stream.push("response.in_progress", json!({"response": begun}));
    for (at, item) in output.iter().enumerate() {
        if item["type"] == "function_call" {
            stream.call(at, item);
        } else {
            stream.message(at, item);
        }
    }
    stream.push("response.completed", json!({"response": whole}));
    stream.text
}

#[derive(Default)]
struct Stream {
    text: String,
    sequence: u64,
}

impl Stream {
    fn push(&mut self, kind: &str, mut data: Value) {
        data["type"] = json!(kind);
        data["sequence_number"] = json!(self.sequence);
        self.sequence += 1;
        self.text.push_str(&format!("event: {kind}\ndata: {data}\n\n"));
    }

    fn call(&mut self, at: usize, item: &Value) {
        let mut begun = item.clone();
        begun["status"] = json!("in_progress");
        begun["arguments"] = json!("");
        self.push("response.output_item.added", json!({"output_index": at, "item": begun}));
        let place = |mut data: Value| {
            data["item_id"] = item["id"].clone();
            data["output_index"] = json!(at);
            data
        };
        for piece in pieces(item["arguments"].as_str().unwrap_or_default()) {
            self.push("response.function_call_arguments.delta", place(json!({"delta": piece})));
        }
        let done = json!({"arguments": item["arguments"], "name": item["name"]});
        self.push("response.function_call_arguments.done", place(done));
        self.push("response.output_item.done", json!({"output_index": at, "item": item}));
    }

    fn message(&mut self, at: usize, item: &Value) {
        let mut begun = item.clone();
        begun["status"] = json!("in_progress");
        begun["content"] = json!([]);
        self.push("response.output_item.added", json!({"output_index": at, "item": begun}));
        let place = |mut data: Value| {
            data["item_id"] = item["id"].clone();
            data["output_index"] = json!(at);
            data["content_index"] = json!(0);
            data
        };
        let part = &item["content"][0];
        let mut empty = part.clone();
        empty["text"] = json!("");
        self.push("response.content_part.added", place(json!({"part": empty})));
        for piece in pieces(part["text"].as_str().unwrap_or_default()) {
            self.push("response.output_text.delta", place(json!({"delta": piece, "logprobs": []})));
        }
        let done = json!({"text": part["text"], "logprobs": []});
        self.push("response.output_text.done", place(done));
        self.push("response.content_part.done", place(json!({"part": part})));
        self.push("response.output_item.done", json!({"output_index": at, "item": item}));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Call;
    use crate::proxy::frames::Frames;
    use crate::proxy::responses::{Draft, response as read};

    #[test]
    fn streamed_and_whole_say_the_same() {
        let arguments = json!({"text": "more than one piece of a \"quoted\" ünïcödé line"});
        let arguments = arguments.as_object().unwrap().clone();
        let call = Call { id: "a".into(), tool: "look".into(), arguments };
        for step in [NextStep::Calls(vec![call.clone(), call]), NextStep::Answer("Done.".into())] {
            let form = Form { model: "m".into(), stream: false, usage_in_stream: true };
            let Written::Whole(whole) = answer(&step, &form, &Map::new(), 1).0 else { panic!("whole") };
            let form = Form { stream: true, ..form };
            let Written::Events(events) = answer(&step, &form, &Map::new(), 1).0 else { panic!("events") };
            let mut draft = Draft::default();
            for frame in Frames::default().push(events.as_bytes()) {
                draft.event(&frame.data.unwrap());
            }
            let streamed = draft.finish(&[]).unwrap();
            assert_eq!(streamed.step, step);
            assert_eq!(Some(streamed), read(whole.to_string().as_bytes(), &[]));
        }
    }
}
