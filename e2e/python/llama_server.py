"""A real llama.cpp server with the tiny model, three times: for chat, for embeddings and for reranking.

Listens on free ports of this machine, prints their addresses as one line of JSON, and ends with its input,
so that it cannot outlive the test that started it.

usage: llama_server.py MODEL.gguf
"""

import json
import sys

import xllamacpp

# Long enough that an answer without a limit runs for seconds, and aborting it means something.
CONTEXT_PER_SLOT = 16384
SLOTS = 4


def serve(model, name, pooling=None):
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = {name}
    params.port = 0
    params.n_ctx = CONTEXT_PER_SLOT * SLOTS
    params.n_parallel = SLOTS
    params.cpuparams.n_threads = 1
    params.endpoint_slots = True
    params.verbosity = 1
    if pooling is not None:
        params.embedding = True
        params.pooling_type = pooling
        params.n_ctx = 512 * SLOTS
    return xllamacpp.Server(params)


def main():
    pooling = xllamacpp.llama_pooling_type
    model = sys.argv[1]
    servers = {
        "tiny-chat": serve(model, "tiny-chat"),
        "tiny-embed": serve(model, "tiny-embed", pooling.LLAMA_POOLING_TYPE_MEAN),
        "tiny-rerank": serve(model, "tiny-rerank", pooling.LLAMA_POOLING_TYPE_RANK),
    }
    print(json.dumps({name: server.listening_address for name, server in servers.items()}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
