"""What all clients need: the shop's tools, its tasks and its verdict, and what the proxy said.

A client is a function from an instruction, the tools and a way to call them to the agent's last words.
It is run on tasks of one kind until the proxy has served three of them. Each run has to be right, by
the shop's database; the planner must not be asked for a call in a run that is served.
"""

import json
import os
import sys
import urllib.request

UPSTREAM = os.environ["PLANCACHE_TEST_UPSTREAM"]  # the fixture provider and the shop
PROXY = os.environ["PLANCACHE_TEST_PROXY"]  # the proxy's base_url
MODEL = "recorded"
running = {"name": ""}
MOST_TASKS = 40
HITS = 3
NEEDED = ["find_user_id_by_name_zip", "find_user_id_by_email", "get_order_details", "return_delivered_order_items"]


def ask(method, url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers={"content-type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def system():
    """The system prompt of the client that runs: plans are shared by agents with the same prompt only,
    so that each client has to learn its own."""
    return f"You help the customers of the shop of {running['name']}. Use the tools."


ROOT = UPSTREAM.removesuffix("/v1")
CONTROL = PROXY.removesuffix("/v1")
TOOLS = [tool for tool in ask("GET", f"{ROOT}/shop/tools") if tool["function"]["name"] in NEEDED]


def tasks():
    """Tasks that ask to return one order."""
    for task in ask("GET", f"{ROOT}/shop/tasks"):
        text = task["instruction"]
        if " Return #" in text and text.count("#") == 1 and " Cancel " not in text and "odify" not in text:
            yield task


class Said:
    """What the proxy said in its headers; hooked into the clients' HTTP library."""

    def __init__(self):
        self.did, self.run = [], None

    def see(self, headers):
        if "x-plancache" in headers:
            self.did.append(headers["x-plancache"])
            self.run = headers.get("x-plancache-run-id", self.run)

    def sync_hook(self, response):
        self.see(response.headers)

    async def async_hook(self, response):
        self.see(response.headers)


def main(name, client):
    running["name"] = name
    hits, forwarded = 0, 0
    for nth, task in enumerate(tasks()):
        if hits == HITS or nth == MOST_TASKS:
            break
        session = f"{name}-{nth}".replace(" ", "-")
        said, called = Said(), []

        def call(tool, arguments, session=session, called=called):
            called.append(tool)
            return ask("POST", f"{ROOT}/shop/{session}/call", {"tool": tool, "arguments": arguments})["text"]

        before = ask("GET", f"{ROOT}/fixture/counts")["planned"]
        answer = client(task["instruction"], TOOLS, call, said)
        planned = ask("GET", f"{ROOT}/fixture/counts")["planned"] - before
        verdict = ask("POST", f"{ROOT}/shop/{session}/verdict", {"task_id": task["task_id"], "said": answer})
        assert verdict["right"], f"{name}: {task['task_id']}: {verdict['verdict']} {said.did}"
        report = ask("POST", f"{CONTROL}/plancache/runs/{said.run}/outcome", {"outcome": "success", "wait": True})
        if all(did == "HIT" for did in said.did):
            assert planned == 0 and len(called) >= 2, (planned, called)
            assert report["kind"] == "hit", report
            hits += 1
        else:
            assert nth > 0 or all(did == "MISS" for did in said.did), said.did
            forwarded += said.did[0] == "MISS"
            assert report["learning"] in ("queued", "nothing_new"), report
    print(f"{name}: {forwarded} runs forwarded and learnt, {hits} served whole, all right")
    assert forwarded > 0, f"{name}: nothing was forwarded and learnt first"
    if hits < HITS:
        sys.exit(f"{name}: only {hits} of {nth} runs were served")
