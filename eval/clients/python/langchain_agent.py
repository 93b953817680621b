"""LangChain's `create_agent`, a LangGraph graph, over Chat Completions."""

from harness import MODEL, PROXY, main, system
from langchain.agents import create_agent
from langchain_core.tools import StructuredTool
from langchain_openai import ChatOpenAI
from openai import DefaultHttpxClient


def client_of(streamed):
    def client(instruction, tools, call, said):
        http = DefaultHttpxClient(event_hooks={"response": [said.sync_hook]})
        model = ChatOpenAI(model=MODEL, base_url=PROXY, api_key="unused", http_client=http, streaming=streamed)

        def tool(described):
            def invoke(**arguments):
                return call(described["name"], arguments)

            return StructuredTool.from_function(
                func=invoke,
                name=described["name"],
                description=described["description"],
                args_schema=described["parameters"],
            )

        agent = create_agent(model, [tool(t["function"]) for t in tools], system_prompt=system())
        ended = agent.invoke({"messages": [{"role": "user", "content": instruction}]})
        return ended["messages"][-1].text

    return client


main("langchain", client_of(False))
main("langchain streamed", client_of(True))
