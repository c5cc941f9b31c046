"""Writes a llama model of two layers with random weights: half a megabyte that a real llama.cpp loads.

It talks nonsense, but always the same nonsense, never ends by itself, and only in plain letters, so that a
test can ask for a long answer, compare two of them and abort in the middle.

usage: tiny_model.py FILE
"""

import os
import sys

import gguf
import numpy as np

WIDTH = 64
FEED_FORWARD = 128
HEADS = 4
LAYERS = 2
CONTEXT = 16384
SEED = 20
# Large enough that a token without a row of its own in the output layer is as good as never drawn.
LOGIT_SCALE = 6.0

WORDS = "the llama eats grass and a small hill is green while rain falls on it".split()
TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)


def vocabulary():
    """Tokens with score and type: specials, all bytes (any input can be read), characters, words."""
    kinds = gguf.TokenType
    tokens = [("<unk>", 0.0, kinds.UNKNOWN), ("<s>", 0.0, kinds.CONTROL), ("</s>", 0.0, kinds.CONTROL)]
    tokens += [(f"<0x{byte:02X}>", 0.0, kinds.BYTE) for byte in range(256)]
    spoken_from = len(tokens)
    tokens += [(chr(code), -1000.0, kinds.NORMAL) for code in range(ord("a"), ord("z") + 1)]
    tokens += [("\u2581" + word, -1.0 * at, kinds.NORMAL) for at, word in enumerate(WORDS)]
    spoken_to = len(tokens)
    tokens += [("\u2581", -1000.0, kinds.NORMAL)]
    tokens += [(chr(code), -1000.0, kinds.NORMAL) for code in range(33, 97)]
    return tokens, slice(spoken_from, spoken_to)


def write(path):
    tokens, spoken = vocabulary()
    out = gguf.GGUFWriter(path, "llama")
    out.add_name("tiny")
    out.add_context_length(CONTEXT)
    out.add_embedding_length(WIDTH)
    out.add_block_count(LAYERS)
    out.add_feed_forward_length(FEED_FORWARD)
    out.add_head_count(HEADS)
    out.add_head_count_kv(HEADS)
    out.add_rope_dimension_count(WIDTH // HEADS)
    out.add_layer_norm_rms_eps(1e-5)
    out.add_vocab_size(len(tokens))
    out.add_file_type(gguf.LlamaFileType.ALL_F32)
    out.add_tokenizer_model("llama")
    out.add_token_list([text for text, _, _ in tokens])
    out.add_token_scores([score for _, score, _ in tokens])
    out.add_token_types([int(kind) for _, _, kind in tokens])
    out.add_unk_token_id(0)
    out.add_bos_token_id(1)
    out.add_eos_token_id(2)
    out.add_chat_template(TEMPLATE)
    for name, weights in tensors(len(tokens), spoken):
        out.add_tensor(name, weights)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def tensors(n_tokens, spoken):
    random = np.random.default_rng(SEED)

    def matrix(rows, columns):
        return (random.standard_normal((rows, columns)) / np.sqrt(columns)).astype(np.float32)

    yield "token_embd.weight", matrix(n_tokens, WIDTH)
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        yield f"{block}.attn_norm.weight", np.ones(WIDTH, np.float32)
        for part in ("q", "k", "v", "output"):
            yield f"{block}.attn_{part}.weight", matrix(WIDTH, WIDTH)
        yield f"{block}.ffn_norm.weight", np.ones(WIDTH, np.float32)
        yield f"{block}.ffn_gate.weight", matrix(FEED_FORWARD, WIDTH)
        yield f"{block}.ffn_up.weight", matrix(FEED_FORWARD, WIDTH)
        yield f"{block}.ffn_down.weight", matrix(WIDTH, FEED_FORWARD)
    yield "output_norm.weight", np.ones(WIDTH, np.float32)
    speech = np.zeros((n_tokens, WIDTH), np.float32)
    rows = speech[spoken]
    rows[:] = matrix(*rows.shape) * LOGIT_SCALE
    yield "output.weight", speech


def main():
    path = sys.argv[1]
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    # Written beside and moved, so that a test that runs at the same time never reads half a model.
    half = f"{path}.{os.getpid()}"
    write(half)
    os.replace(half, path)


if __name__ == "__main__":
    main()
