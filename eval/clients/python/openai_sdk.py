"""The openai SDK: Chat Completions and Responses, whole and streamed."""

import json

from harness import MODEL, PROXY, main, system
from openai import DefaultHttpxClient, OpenAI


def sdk(said):
    http = DefaultHttpxClient(event_hooks={"response": [said.sync_hook]})
    return OpenAI(base_url=PROXY, api_key="unused", http_client=http)


def chat(streamed):
    def client(instruction, tools, call, said):
        openai = sdk(said)
        messages = [{"role": "system", "content": system()}, {"role": "user", "content": instruction}]
        while True:
            asked = {"model": MODEL, "messages": messages, "tools": tools}
            if streamed:
                with openai.chat.completions.stream(**asked) as stream:
                    for _ in stream:
                        pass
                    completion = stream.get_final_completion()
            else:
                completion = openai.chat.completions.create(**asked)
            message = completion.choices[0].message
            assert message.role == "assistant", message
            messages.append(message.model_dump(exclude_none=True, exclude={"parsed", "parsed_arguments"}))
            for made in messages[-1].get("tool_calls", []):
                made["function"].pop("parsed_arguments", None)
            if not message.tool_calls:
                assert completion.choices[0].finish_reason == "stop"
                return message.content
            assert completion.choices[0].finish_reason == "tool_calls"
            for made in message.tool_calls:
                text = call(made.function.name, json.loads(made.function.arguments))
                messages.append({"role": "tool", "tool_call_id": made.id, "content": text})

    return client


def responses(streamed):
    def client(instruction, tools, call, said):
        openai = sdk(said)
        conversation = [{"role": "user", "content": instruction}]
        flat = [{"type": "function", "strict": False, **tool["function"]} for tool in tools]
        while True:
            asked = {"model": MODEL, "instructions": system(), "input": conversation, "tools": flat}
            if streamed:
                with openai.responses.stream(**asked) as stream:
                    kinds = [event.type for event in stream]
                    response = stream.get_final_response()
                assert kinds[0] == "response.created" and kinds[-1] == "response.completed", kinds
            else:
                response = openai.responses.create(**asked)
            assert response.status == "completed"
            conversation += [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in response.output]
            made = [item for item in response.output if item.type == "function_call"]
            if not made:
                return response.output_text
            for item in made:
                text = call(item.name, json.loads(item.arguments))
                conversation.append({"type": "function_call_output", "call_id": item.call_id, "output": text})

    return client


def alike(hit, forwarded, where):
    """Whether a hit's members are all ones that a forwarded response has, with values of the same types."""
    if isinstance(hit, dict) and isinstance(forwarded, dict):
        for name, value in hit.items():
            if name == "annotations" and value == []:
                continue  # OpenAI sends it empty, the fixture not at all
            assert name in forwarded, f"{where}.{name} is in a hit only"
            alike(value, forwarded[name], f"{where}.{name}")
    elif isinstance(hit, list) and isinstance(forwarded, list):
        for value in hit:
            alike(value, forwarded[0], f"{where}[]")
    else:
        assert type(hit) is type(forwarded), f"{where}: {type(hit)} in a hit, {type(forwarded)} else"


def same():
    """A hit parses to the same object, whole and streamed, but for its ids and time."""
    from harness import TOOLS, Said, tasks

    def shape(completion):
        dumped = completion.model_dump(exclude={"id", "created"}, exclude_unset=False)
        for choice in dumped["choices"]:
            choice["message"].pop("parsed", None)
            for made in choice["message"].get("tool_calls") or []:
                made["id"] = None
                made.pop("index", None)  # the SDK's own, from the stream
                made["function"].pop("parsed_arguments", None)
        return dumped

    for task in list(tasks())[-20:]:
        said = Said()
        openai = sdk(said)
        messages = [{"role": "system", "content": system()}, {"role": "user", "content": task["instruction"]}]
        asked = {"model": MODEL, "messages": messages, "tools": TOOLS}
        whole = openai.chat.completions.create(**asked)
        with openai.chat.completions.stream(**asked, stream_options={"include_usage": True}) as stream:
            for _ in stream:
                pass
            streamed = stream.get_final_completion()
        if said.did == ["HIT", "HIT"]:
            one, two = shape(whole), shape(streamed)
            one["choices"][0]["message"].pop("annotations", None)
            two["choices"][0]["message"].pop("annotations", None)
            for dumped in (one, two):
                dumped.pop("object", None)
            assert one == two, f"\n{one}\n{two}"
            asked_planner = openai.chat.completions.create(**asked, extra_headers={"cache-control": "no-cache"})
            assert said.did[-1] == "BYPASS", said.did
            alike(whole.model_dump(exclude_none=True), asked_planner.model_dump(exclude_none=True), "completion")
            print("openai: a hit is the same whole and streamed, and of the types that the planner's answer has")
            return
    raise SystemExit("openai: no task was served twice")


main("openai chat", chat(False))
main("openai chat streamed", chat(True))
main("openai responses", responses(False))
main("openai responses streamed", responses(True))
same()
