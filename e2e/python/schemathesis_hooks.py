"""What Schemathesis cannot know of the server: what its only model is called, and that this model's runtime is an honest one."""

import os

import schemathesis


def operations(schema):
    for item in schema["paths"].values():
        yield from (operation for operation in item.values() if "responses" in operation)


@schemathesis.hook
def before_load_schema(context, raw_schema):
    # A runtime may answer anything. The demo runtime does not: what it answers has to be described as well.
    for operation in operations(raw_schema):
        operation["responses"].pop("default", None)


@schemathesis.hook
def before_call(context, case, kwargs):
    # Made-up models are found nowhere. Where the request is a good one, it is sent to the model that is there, so that answers are seen too.
    meta = case.meta
    good = meta is not None and not meta.generation.mode.is_negative and meta.phase.name != "coverage"
    if good and case.media_type == "application/json" and isinstance(case.body, dict):
        described = case.operation.definition.raw["requestBody"]["content"]["application/json"].get("example", {})
        if "model" in described:
            case.body = {**case.body, **described, "model": os.environ["MODEL"]}
