"""The OpenAI Agents SDK, through Responses and through Chat Completions, whole and streamed."""

import asyncio
import json

from agents import (
    Agent,
    FunctionTool,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    set_tracing_disabled,
)
from harness import MODEL, PROXY, main, system
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

set_tracing_disabled(True)


def client_of(model, streamed):
    async def one(instruction, tools, call, said):
        http = DefaultAsyncHttpxClient(event_hooks={"response": [said.async_hook]})
        openai = AsyncOpenAI(base_url=PROXY, api_key="unused", http_client=http)

        def tool(described):
            async def invoke(_, arguments):
                return call(described["name"], json.loads(arguments or "{}"))

            return FunctionTool(
                name=described["name"],
                description=described["description"],
                params_json_schema=described["parameters"],
                on_invoke_tool=invoke,
                strict_json_schema=False,
            )

        agent = Agent(
            name="shop",
            instructions=system(),
            tools=[tool(t["function"]) for t in tools],
            model=model(model=MODEL, openai_client=openai),
        )
        if streamed:
            result = Runner.run_streamed(agent, instruction)
            async for _ in result.stream_events():
                pass
        else:
            result = await Runner.run(agent, instruction)
        await openai.close()
        return result.final_output

    return lambda *given: asyncio.run(one(*given))


main("agents sdk responses", client_of(OpenAIResponsesModel, False))
main("agents sdk responses streamed", client_of(OpenAIResponsesModel, True))
main("agents sdk chat", client_of(OpenAIChatCompletionsModel, False))
main("agents sdk chat streamed", client_of(OpenAIChatCompletionsModel, True))
