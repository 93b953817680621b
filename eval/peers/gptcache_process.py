"""GPTCache behind a pipe: one JSON object a line in, one out.

    {"open": THRESHOLD}              an empty cache for each scope, with this similarity threshold
    {"ask": N, "scope": S}           -> {"answer": STRING or null, "us": MICROSECONDS}
    {"put": N, "scope": S, "answer": STRING}
    {"fill": N, "seconds": S}        keep random unit vectors until there are N, for S seconds at most
                                     -> {"entries": how many there are, "s": SECONDS}
    {"ask_random": N}                -> {"us": [MICROSECONDS, ...]} of N texts that no entry resembles

N in `ask` and `put` is the number of a text: its vector is the N-th of the file that is given as
the first argument, so that the embedder is the caller's own. Everything else is GPTCache's: its
adapter, its data manager on SQLite and FAISS, its evaluation by search distance.
"""

import importlib.metadata
import json
import os
import sys
import tempfile
import time

# One thread each: on a machine with other work FAISS spends longer waiting for its threads than
# searching.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402

import gptcache.utils  # noqa: E402

# A package that is missing is an error here: nothing is installed on the way.
gptcache.utils.prompt_install = lambda package, *_: sys.exit(f"{package} is missing in this environment")

from gptcache import Cache, Config  # noqa: E402
from gptcache.adapter.api import get, put  # noqa: E402
from gptcache.manager import CacheBase, VectorBase, get_data_manager  # noqa: E402
from gptcache.processor.pre import get_prompt  # noqa: E402
from gptcache.similarity_evaluation import SearchDistanceEvaluation  # noqa: E402


class Caches:
    """One cache for each scope, since GPTCache itself knows no tenants."""

    def __init__(self, vectors, threshold):
        self.vectors = vectors
        self.threshold = threshold
        self.scopes = {}
        self.folder = tempfile.TemporaryDirectory()

    def of(self, scope):
        if scope not in self.scopes:
            self.scopes[scope] = self.empty(f"{self.folder.name}/{len(self.scopes)}")
        return self.scopes[scope]

    def empty(self, path):
        cache = Cache()
        dimension = self.vectors.shape[1]
        manager = get_data_manager(
            CacheBase("sqlite", sql_url=f"sqlite:///{path}.db"),
            VectorBase("faiss", dimension=dimension, index_path=f"{path}.index"),
            # Its default keeps the last 1,000.
            max_size=10_000_000,
        )
        settings = {} if self.threshold is None else {"similarity_threshold": self.threshold}
        cache.init(
            pre_embedding_func=get_prompt,
            embedding_func=lambda text, **_: self.vectors[int(text)],
            data_manager=manager,
            similarity_evaluation=SearchDistanceEvaluation(),
            config=Config(**settings),
        )
        return cache


def asked(cache, text):
    began = time.perf_counter()
    answer = get(str(text), cache_obj=cache)
    return answer, (time.perf_counter() - began) * 1e6


def unit(random, count, dimension):
    drawn = random.standard_normal((count, dimension)).astype("float32")
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def fill(caches, wanted, seconds, random):
    began, cache = time.perf_counter(), caches.of("")
    entries, dimension = cache.data_manager.v.count(), caches.vectors.shape[1]
    while entries < wanted and time.perf_counter() - began < seconds:
        drawn = unit(random, min(1_000, wanted - entries), dimension)
        texts = [f"entry {entries + at}" for at in range(len(drawn))]
        cache.data_manager.import_data(texts, texts, list(drawn), [None] * len(drawn))
        entries += len(drawn)
    return {"entries": entries, "s": time.perf_counter() - began}


def ask_random(caches, count, random):
    real, caches.vectors = caches.vectors, unit(random, count, caches.vectors.shape[1])
    us = [asked(caches.of(""), at)[1] for at in range(count)]
    caches.vectors = real
    return {"us": us}


def main():
    _, file, dimension = sys.argv
    vectors = np.fromfile(file, dtype="<f4").reshape(-1, int(dimension))
    random = np.random.default_rng(1)
    default = Config().similarity_threshold
    caches = None
    say = sys.stdout
    # What it prints itself is not part of the conversation.
    sys.stdout = sys.stderr
    packages = {name: importlib.metadata.version(name) for name in ("gptcache", "faiss-cpu", "SQLAlchemy")}
    print(json.dumps({"versions": packages, "default": default}), file=say, flush=True)
    for line in sys.stdin:
        wish = json.loads(line)
        if "open" in wish:
            caches, said = Caches(vectors, wish["open"]), {}
        elif "ask" in wish:
            answer, us = asked(caches.of(wish["scope"]), wish["ask"])
            said = {"answer": answer, "us": us}
        elif "put" in wish:
            put(str(wish["put"]), wish["answer"], cache_obj=caches.of(wish["scope"]))
            said = {}
        elif "fill" in wish:
            said = fill(caches, wish["fill"], wish["seconds"], random)
        else:
            said = ask_random(caches, wish["ask_random"], random)
        print(json.dumps(said), file=say, flush=True)


if __name__ == "__main__":
    main()
