"""PydanticAI, over Chat Completions."""

from harness import MODEL, PROXY, main, system
from openai import AsyncOpenAI, DefaultAsyncHttpxClient
from pydantic_ai import Agent, Tool
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


def client(instruction, tools, call, said):
    http = DefaultAsyncHttpxClient(event_hooks={"response": [said.async_hook]})
    openai = AsyncOpenAI(base_url=PROXY, api_key="unused", http_client=http)

    def tool(described):
        def invoke(**arguments):
            return call(described["name"], arguments)

        return Tool.from_schema(invoke, described["name"], described["description"], described["parameters"])

    agent = Agent(
        OpenAIChatModel(MODEL, provider=OpenAIProvider(openai_client=openai)),
        system_prompt=system(),
        tools=[tool(t["function"]) for t in tools],
    )
    return agent.run_sync(instruction).output


main("pydantic-ai", client)
