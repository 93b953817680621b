// The openai SDK for Node: Chat Completions and Responses, whole and streamed. What harness.py says
// holds here too.

import OpenAI from "openai";

const upstream = process.env.PLANCACHE_TEST_UPSTREAM;
const proxy = process.env.PLANCACHE_TEST_PROXY;
const root = upstream.replace(/\/v1$/, "");
const control = proxy.replace(/\/v1$/, "");
const model = "recorded";
let system = ""; // one for each client: plans are shared by agents with the same prompt only
const needed = [
  "find_user_id_by_name_zip", "find_user_id_by_email", "get_order_details", "return_delivered_order_items",
];

async function ask(method, url, body) {
  const response = await fetch(url, {
    method, headers: { "content-type": "application/json" }, body: body && JSON.stringify(body),
  });
  return response.json();
}

function check(holds, what) {
  if (!holds) throw new Error(what);
}

const tools = (await ask("GET", `${root}/shop/tools`)).filter((tool) => needed.includes(tool.function.name));
const tasks = (await ask("GET", `${root}/shop/tasks`)).filter(({ instruction: text }) =>
  text.includes(" Return #") && text.split("#").length === 2 && !text.includes(" Cancel ") && !text.includes("odify"));

function sdk(said) {
  const seeing = async (url, init) => {
    const response = await fetch(url, init);
    if (response.headers.has("x-plancache")) {
      said.did.push(response.headers.get("x-plancache"));
      said.run = response.headers.get("x-plancache-run-id") ?? said.run;
    }
    return response;
  };
  return new OpenAI({ baseURL: proxy, apiKey: "unused", fetch: seeing });
}

const chat = (streamed) => async (instruction, call, said) => {
  const openai = sdk(said);
  const messages = [{ role: "system", content: system }, { role: "user", content: instruction }];
  for (;;) {
    const asked = { model, messages, tools };
    const completion = streamed
      ? await openai.chat.completions.stream(asked).finalChatCompletion()
      : await openai.chat.completions.create(asked);
    const { message } = completion.choices[0];
    messages.push(message);
    if (!message.tool_calls?.length) return message.content;
    for (const made of message.tool_calls) {
      const content = await call(made.function.name, JSON.parse(made.function.arguments));
      messages.push({ role: "tool", tool_call_id: made.id, content });
    }
  }
};

const responses = (streamed) => async (instruction, call, said) => {
  const openai = sdk(said);
  const input = [{ role: "user", content: instruction }];
  const flat = tools.map((tool) => ({ type: "function", strict: false, ...tool.function }));
  for (;;) {
    const asked = { model, instructions: system, input, tools: flat };
    const response = streamed
      ? await openai.responses.stream(asked).finalResponse()
      : await openai.responses.create(asked);
    input.push(...response.output);
    const made = response.output.filter((item) => item.type === "function_call");
    if (!made.length) return response.output_text;
    for (const item of made) {
      const output = await call(item.name, JSON.parse(item.arguments));
      input.push({ type: "function_call_output", call_id: item.call_id, output });
    }
  }
};

async function main(name, client) {
  system = `You help the customers of the shop of ${name}. Use the tools.`;
  let hits = 0;
  let forwarded = 0;
  for (const [nth, task] of tasks.slice(0, 40).entries()) {
    if (hits === 3) break;
    const session = `${name}-${nth}`.replaceAll(" ", "-");
    const said = { did: [], run: null };
    const call = async (tool, args) =>
      (await ask("POST", `${root}/shop/${session}/call`, { tool, arguments: args })).text;
    const before = (await ask("GET", `${root}/fixture/counts`)).planned;
    const answer = await client(task.instruction, call, said);
    const planned = (await ask("GET", `${root}/fixture/counts`)).planned - before;
    const verdict = await ask("POST", `${root}/shop/${session}/verdict`, { task_id: task.task_id, said: answer });
    check(verdict.right, `${name}: ${task.task_id}: ${verdict.verdict} ${said.did}`);
    const report = await ask("POST", `${control}/plancache/runs/${said.run}/outcome`, { outcome: "success", wait: true });
    if (said.did.every((did) => did === "HIT")) {
      check(planned === 0 && report.kind === "hit", JSON.stringify(report));
      hits += 1;
    } else {
      check(nth > 0 || said.did.every((did) => did === "MISS"), said.did);
      forwarded += said.did[0] === "MISS" ? 1 : 0;
    }
  }
  console.log(`${name}: ${forwarded} runs forwarded and learnt, ${hits} served whole, all right`);
  check(forwarded > 0, `${name}: nothing was forwarded and learnt first`);
  check(hits === 3, `${name}: only ${hits} runs were served`);
}

await main("node openai chat", chat(false));
await main("node openai chat streamed", chat(true));
await main("node openai responses", responses(false));
await main("node openai responses streamed", responses(true));
