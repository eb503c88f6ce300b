"""Calls the rest of a server of ours with OpenAI's official Python SDK: tools, structured
output, plain completions and embeddings. Files and fine-tuning are walked through by
serve/finetune/testdata/interop.py.

Ran on: Python 3.11, openai 3.54.0.
Usage: python interop_more.py URL KEY MODEL ENCODER
       ENCODER is the folder that encoder.py made, and that the server serves by its name.
"""

import json
import math
import pathlib
import sys

import openai

url, key, model, encoder = sys.argv[1:]
client = openai.OpenAI(base_url=url + "/v1", api_key=key, max_retries=0, timeout=120)

# Tools. The starter is too small to call them of its own accord.
tools = [{"type": "function", "function": {
    "name": "weather", "description": "Tells the weather.", "strict": True,
    "parameters": {"type": "object", "additionalProperties": False, "required": ["city", "days"], "properties": {
        "city": {"type": "string", "maxLength": 20}, "days": {"type": "integer", "minimum": 1, "maximum": 9}}},
}}, {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}, "additionalProperties": False}}}]
messages = [{"role": "user", "content": "How is the weather in Rome?"}]
asked = dict(model=model, messages=messages, tools=tools, temperature=0, max_tokens=200)
auto = client.chat.completions.create(**asked)
assert auto.choices[0].finish_reason in ("stop", "length", "tool_calls"), auto


def check_calls(choice, names):
    assert choice.finish_reason == "tool_calls" and choice.message.tool_calls, choice
    for call in choice.message.tool_calls:
        assert call.type == "function" and call.id and call.function.name in names, call
        arguments = json.loads(call.function.arguments)
        if call.function.name == "weather":
            assert set(arguments) == {"city", "days"} and 1 <= arguments["days"] <= 9, arguments
        else:
            assert arguments == {}, arguments


for choice, names in (
    ("required", {"weather", "now"}),
    ({"type": "function", "function": {"name": "weather"}}, {"weather"}),
    ({"type": "function", "function": {"name": "now"}}, {"now"}),
):
    whole = client.chat.completions.create(tool_choice=choice, parallel_tool_calls=False, **asked)
    check_calls(whole.choices[0], names)
    assert len(whole.choices[0].message.tool_calls) == 1, whole
    with client.chat.completions.stream(tool_choice=choice, parallel_tool_calls=False, **asked) as events:
        kinds = {e.type for e in events}
        streamed = events.get_final_completion()
    assert {"tool_calls.function.arguments.delta", "tool_calls.function.arguments.done"} <= kinds, kinds
    check_calls(streamed.choices[0], names)
    a, b = (c.choices[0].message.tool_calls[0].function for c in (whole, streamed))
    assert (a.name, a.arguments) == (b.name, b.arguments), (a, b)
    call = whole.choices[0].message
    back = client.chat.completions.create(**dict(asked, tool_choice="none", max_tokens=8, messages=messages + [
        call, {"role": "tool", "tool_call_id": call.tool_calls[0].id, "content": "sunny"}]))
    assert back.choices[0].message.tool_calls is None and back.usage.prompt_tokens > 20, back

# Structured output.
schema = {"type": "object", "properties": {"mood": {"enum": ["good", "bad"]}}, "required": ["mood"], "additionalProperties": False}
shaped = client.chat.completions.create(
    model=model, messages=messages, temperature=0, max_tokens=100,
    response_format={"type": "json_schema", "json_schema": {"name": "mood", "strict": True, "schema": schema}})
assert json.loads(shaped.choices[0].message.content)["mood"] in ("good", "bad"), shaped

# Plain completions: an echo has a log-probability for each token but the first.
prompt = "Package os opens files. 木"
echoed = client.completions.create(model=model, prompt=prompt, echo=True, logprobs=2, max_tokens=0, temperature=0)
got = echoed.choices[0]
assert got.text == prompt and echoed.usage.completion_tokens == 0, echoed
assert len(got.logprobs.tokens) == echoed.usage.prompt_tokens == len(got.logprobs.text_offset), echoed
assert got.logprobs.token_logprobs[0] is None and all(p <= 0 for p in got.logprobs.token_logprobs[1:]), got
several = client.completions.create(model=model, prompt=["One", "Two"], max_tokens=5, temperature=0)
assert [c.index for c in several.choices] == [0, 1] and several.usage.total_tokens > 2, several
texts = ["", ""]
for chunk in client.completions.create(model=model, prompt=["One", "Two"], max_tokens=5, temperature=0, stream=True):
    for c in chunk.choices:
        texts[c.index] += c.text
assert texts == [c.text for c in several.choices], texts

# Embeddings equal those of transformers; the SDK asks for base64 unless told otherwise.
expected = json.loads((pathlib.Path(encoder) / "expected.json").read_text())
for how in ({}, {"encoding_format": "float"}):
    made = client.embeddings.create(model=encoder, input=expected["texts"], **how)
    for have, want in zip(made.data, expected["vectors"], strict=True):
        worst = max(abs(x - y) for x, y in zip(have.embedding, want, strict=True))
        assert worst < 1e-4, (how, worst)
short = client.embeddings.create(model=encoder, input=expected["texts"][0], dimensions=8).data[0].embedding
assert len(short) == 8 and math.isclose(sum(x * x for x in short), 1, rel_tol=1e-4), short

print(f"openai {openai.__version__} for Python: tools, structured output, completions and embeddings are as they should be")
