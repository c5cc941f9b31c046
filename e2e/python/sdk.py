"""What a program that uses the official OpenAI SDK for Python does, and what it must get.

BASE_URL   ending in /v1. EMBED_URL, RERANK_URL: the same where they are elsewhere (llama.cpp without a pool)
API_KEY    the right key
GATEWAY    empty: skip what only a pool answers (keys, unknown models)

Prints one line for each check; the exit code is 1 if one failed.
"""

import array
import base64
import json
import os
import sys
import threading
import time
import traceback

import openai

BASE_URL = os.environ["BASE_URL"]
API_KEY = os.environ.get("API_KEY", "none")
GATEWAY = bool(os.environ.get("GATEWAY"))
PROMPT = [{"role": "user", "content": "What does the llama eat? \u00e9\u4e2d\U0001f999"}]
# A token of the tiny model takes about 0.2 ms: long enough to abort, short enough to end by itself.
LONG = 12000

checks = []


def check(function):
    checks.append(function)
    return function


def gateway(function):
    return check(function) if GATEWAY else function


def client(url=BASE_URL, key=API_KEY):
    return openai.OpenAI(base_url=url, api_key=key, max_retries=0, timeout=60)


def embedder():
    return client(os.environ.get("EMBED_URL", BASE_URL))


def refused(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


@check
def models_are_listed():
    ids = [model.id for model in client().models.list()]
    assert "tiny-chat" in ids, ids
    if GATEWAY:
        assert ids == sorted(ids) and {"tiny-embed", "tiny-rerank"} <= set(ids), ids


@gateway
def a_model_is_retrieved():
    model = client().models.retrieve("tiny-chat")
    assert model.id == "tiny-chat" and model.object == "model" and model.created > 1_500_000_000, model
    assert model.owned_by, model


@check
def chat():
    answer = client().chat.completions.create(model="tiny-chat", messages=PROMPT, max_tokens=12)
    assert answer.choices[0].message.content.strip(), answer
    assert answer.choices[0].finish_reason == "length" and answer.usage.completion_tokens == 12, answer


@check
def chat_streams():
    options = {"include_usage": True}
    ask = {"messages": PROMPT, "max_tokens": 30, "temperature": 0, "seed": 1}
    whole = client().chat.completions.create(model="tiny-chat", **ask).choices[0].message.content
    chunks = list(client().chat.completions.create(model="tiny-chat", stream=True, stream_options=options, **ask))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole, (text, whole)
    assert len(chunks) > 20, len(chunks)
    assert chunks[-1].usage.completion_tokens == 30, chunks[-1]


@check
def completion():
    answer = client().completions.create(model="tiny-chat", prompt="the llama", max_tokens=8)
    assert answer.choices[0].text, answer


@check
def completion_streams():
    stream = client().completions.create(model="tiny-chat", prompt="the llama", max_tokens=8, stream=True)
    assert "".join(part.choices[0].text for part in stream if part.choices)


@check
def embeddings():
    ask = {"model": "tiny-embed", "input": ["the llama", "a hill"]}
    # Without a format the SDK asks for base64 and decodes it itself.
    default = embedder().embeddings.create(**ask).data
    floats = embedder().embeddings.create(encoding_format="float", **ask).data
    coded = embedder().embeddings.create(encoding_format="base64", **ask).data
    assert [item.index for item in default] == [0, 1] and len(default[0].embedding) == 64, default
    decoded = array.array("f", base64.b64decode(coded[1].embedding))
    for one, two, three in zip(default[1].embedding, floats[1].embedding, decoded):
        assert abs(one - two) < 1e-6 and abs(one - three) < 1e-6, (one, two, three)


@check
def responses():
    answer = client().responses.create(model="tiny-chat", input="the llama", max_output_tokens=12)
    assert answer.output_text.strip() and answer.status == "completed", answer


@check
def responses_stream():
    stream = client().responses.create(model="tiny-chat", input="the llama", max_output_tokens=12, stream=True)
    events = list(stream)
    kinds = [event.type for event in events]
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed", kinds
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == events[-1].response.output_text, text


@check
def rerank():
    url = os.environ.get("RERANK_URL", BASE_URL)
    ask = {"model": "tiny-rerank", "query": "the llama", "documents": ["a hill", "the llama eats"]}
    answer = client(url).post("/rerank", cast_to=object, body=ask)
    assert len(answer["results"]) == 2, answer


@check
def a_malformed_request_is_a_bad_request_error():
    ask = lambda: client().chat.completions.create(model="tiny-chat", messages="no list")
    error = refused(openai.BadRequestError, ask)
    assert error.body["type"] == "invalid_request_error", error.body


@gateway
def a_wrong_key_is_an_authentication_error():
    error = refused(openai.AuthenticationError, lambda: client(key="wrong").models.list())
    assert error.body["type"] == "authentication_error" and error.body["message"], error.body
    ask = lambda: client(key="wrong").chat.completions.create(model="tiny-chat", messages=PROMPT)
    refused(openai.AuthenticationError, ask)


@gateway
def an_unknown_model_is_a_not_found_error():
    ask = lambda: client().chat.completions.create(model="no-such-model", messages=PROMPT)
    assert refused(openai.NotFoundError, ask).code == "model_not_found"
    assert refused(openai.NotFoundError, lambda: client().models.retrieve("no/such")).code == "model_not_found"


@gateway
def errors_carry_a_request_id():
    ask = lambda: client().chat.completions.create(model="no-such-model", messages=PROMPT)
    assert refused(openai.NotFoundError, ask).request_id


@check
def an_aborted_stream_frees_the_client():
    stream = client().chat.completions.create(model="tiny-chat", messages=PROMPT, max_tokens=LONG, stream=True)
    for at, _ in enumerate(stream):
        if at == 5:
            break
    begun = time.monotonic()
    stream.close()
    assert time.monotonic() - begun < 1
    # The next request on the same pool must not meet the rest of the old answer.
    answer = client().chat.completions.create(model="tiny-chat", messages=PROMPT, max_tokens=3)
    assert answer.usage.completion_tokens == 3, answer


@check
def many_threads_share_a_client():
    shared, answers = client(), []

    def ask(at):
        text = f"the llama number {at}"
        answer = shared.chat.completions.create(
            model="tiny-chat", messages=[{"role": "user", "content": text}], max_tokens=4 + at
        )
        answers.append((at, answer.usage.completion_tokens))

    threads = [threading.Thread(target=ask, args=(at,)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [(at, 4 + at) for at in range(8)], answers


def main():
    failed = []
    for one in checks:
        try:
            one()
            print(f"ok {one.__name__}", flush=True)
        except Exception:
            failed.append(one.__name__)
            print(f"FAILED {one.__name__}\n{traceback.format_exc(limit=-3, chain=False)}", flush=True)
    print(json.dumps({"sdk": openai.__version__, "checks": len(checks), "failed": failed}))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
