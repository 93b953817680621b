"""smolagents' ToolCallingAgent, which tells the model of calls and results in words."""

from harness import MODEL, PROXY, main, system
from openai import DefaultHttpxClient
from smolagents import LogLevel, OpenAIModel, Tool, ToolCallingAgent


def client(instruction, tools, call, said):
    http = DefaultHttpxClient(event_hooks={"response": [said.sync_hook]})
    model = OpenAIModel(model_id=MODEL, api_base=PROXY, api_key="unused", client_kwargs={"http_client": http})

    def tool(described):
        class Described(Tool):
            name = described["name"]
            description = described["description"]
            inputs = described["parameters"]["properties"]
            output_type = "string"
            skip_forward_signature_validation = True

            def forward(self, **arguments):
                return call(self.name, arguments)

        return Described()

    agent = ToolCallingAgent(
        tools=[tool(t["function"]) for t in tools],
        model=model,
        instructions=system(),
        verbosity_level=LogLevel.OFF,
    )
    return str(agent.run(instruction))


main("smolagents", client)
