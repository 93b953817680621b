"""Asks a model at an OpenAI-compatible endpoint to say sentences in other words.

    paraphrase.py PROMPT.toml URL#MODEL MINUTES SEED >>said.jsonl

The prompt's file holds the sentences, with placeholders for values. They are asked for in rounds, each
sentence several times in a row (the model then reads the beginning of the prompt once), in a manner,
at a temperature and with a seed that SEED draws, until the time is up. SEED also draws with which words
the answer begins. A JSON Schema holds the model to these and to each value once, after a word that
says what it is: small models lose values, and forget who is speaking. A line holds what was asked and what was said,
unchecked: `plancache-eval paraphrase` checks it.
"""

import json
import random
import re
import sys
import time
import tomllib
import urllib.request

TEMPERATURES = [0.6, 0.7, 0.8, 0.9]


def asked(manner, sentence):
    words = " ".join(re.findall(r"\[\w+\]", sentence))
    return f"Manner: {manner}\nYou want to say: {sentence}\nUse: {words}"


def orders(sentence):
    """The orders in which the placeholders may come: the order's id before the other values, after
    them, or after the name of the one item; why and who pays at the end."""
    words = re.findall(r"\w+(?=\])", sentence)
    last = [word for word in words if word in ("REASON", "PAYMENT")]
    values = [word for word in words if word != "ORDER" and word not in last]
    if "ORDER" not in words:
        return [values + last]
    places = sorted({0, len(values)} | ({1} if "ITEM" in values else set()))
    return [values[:at] + ["ORDER"] + values[at:] + last for at in places]


def schema(prompt, begin, sentence):
    """An answer that begins so, and holds the placeholders, each after a word that says what it is."""
    between = "[a-zA-Z ,:'-]"
    ways = []
    for words in orders(sentence):
        way = ""
        for at, word in enumerate(words):
            roles = prompt["roles"].get(word.rstrip("12"))
            lead = f" ({'|'.join(roles)})" if roles else ""
            way += f"{between}{{0,{22 if at else 36}}}{lead} \\[{word}\\]"
        ways.append(way)
    begin = re.escape(begin).replace("\\ ", " ").replace("\\'", "'")
    pattern = f"^{begin}({'|'.join(ways)}){between}{{0,12}}[.?!]$"
    message = {"type": "string", "pattern": pattern}
    return {"type": "object", "properties": {"message": message}, "required": ["message"], "additionalProperties": False}


def messages(prompt, shape, manner):
    said = [{"role": "system", "content": prompt["system"].strip()}]
    kind = shape.split("_")[0]
    for example in prompt["example"]:
        if example["kind"] != kind:
            said.append({"role": "user", "content": asked(example["manner"], example["sentence"])})
            said.append({"role": "assistant", "content": json.dumps({"message": example["said"]})})
    said.append({"role": "user", "content": asked(manner, prompt["sentences"][shape])})
    return said


def say(url, request):
    data = json.dumps(request).encode()
    post = urllib.request.Request(url, data, {"content-type": "application/json"})
    with urllib.request.urlopen(post, timeout=600) as answer:
        answer = json.load(answer)
    return answer["choices"][0]["message"]["content"].strip(), answer["usage"]["completion_tokens"]


def main():
    path, endpoint, minutes, seed = sys.argv[1:]
    with open(path, "rb") as file:
        prompt = tomllib.load(file)
    url, model = endpoint.split("#")
    dice = random.Random(int(seed))
    latest = time.time() + 60 * float(minutes)
    while True:
        for shape in prompt["sentences"]:
            for temperature in TEMPERATURES:
                if time.time() > latest:
                    return
                manner, draw = dice.choice(prompt["manners"]), dice.randrange(2**31)
                begin = dice.choice(prompt["begin"]["who" if shape.startswith("who") else "wish"])
                form = schema(prompt, begin, prompt["sentences"][shape])
                began = time.time()
                text, tokens = say(
                    f"{url}/chat/completions",
                    {
                        "model": model,
                        "messages": messages(prompt, shape, manner),
                        "temperature": temperature,
                        "top_p": 0.95,
                        "seed": draw,
                        "max_tokens": 120,
                        "response_format": {"type": "json_schema", "json_schema": {"name": "m", "schema": form}},
                    },
                )
                try:
                    text = json.loads(text)["message"]
                except ValueError:
                    pass  # It was cut off; the check drops it.
                line = {
                    "shape": shape,
                    "said": text,
                    "manner": manner,
                    "temperature": temperature,
                    "seed": draw,
                    "tokens": tokens,
                    "seconds": round(time.time() - began, 1),
                    "model": model,
                    "prompt": prompt["version"],
                }
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
