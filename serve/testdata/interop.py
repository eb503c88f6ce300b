"""Calls a server of ours with OpenAI's official Python SDK.

Ran on: Python 3.11, openai 3.54.0.
Usage: python interop.py URL KEY MODEL...
       KEY is one that the server takes, or "none" where it asks for none.
"""

import asyncio
import sys

import openai

url, key, *models = sys.argv[1:]
client = openai.OpenAI(base_url=url + "/v1", api_key=key, max_retries=0, timeout=120)
question = [
    {"role": "system", "content": "Answer briefly."},
    {"role": "user", "content": [{"type": "text", "text": "What is 木 in English?"}]},
]


def refused(kind, code, param, call):
    try:
        call()
    except kind as e:
        assert (e.code, e.param) == (code, param), (e.code, e.param, e.message)
        assert e.message and e.request_id.startswith("req-"), e
        return
    raise AssertionError(f"no {kind.__name__}")


listed = {m.id: m for m in client.models.list()}
for model in models:
    assert listed[model].object == "model" and listed[model].created > 0, listed[model]
    assert client.models.retrieve(model).id == model

    asked = dict(model=model, messages=question, temperature=0, max_completion_tokens=24)
    whole = client.chat.completions.create(**asked)
    assert whole.object == "chat.completion" and whole.model == model and whole.id, whole
    choice, usage = whole.choices[0], whole.usage
    assert choice.message.role == "assistant" and choice.finish_reason in ("stop", "length"), choice
    assert usage.prompt_tokens > 10 and 0 < usage.completion_tokens <= 24, usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens, usage

    # A stream carries the same answer and the same usage, in its last chunk.
    chunks = list(client.chat.completions.create(stream=True, stream_options={"include_usage": True}, **asked))
    assert {c.id for c in chunks} == {chunks[0].id} and {c.object for c in chunks} == {"chat.completion.chunk"}
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == choice.message.content, (text, choice.message.content)
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == choice.finish_reason
    last = chunks[-1].usage
    assert (last.prompt_tokens, last.completion_tokens, last.total_tokens) == (
        usage.prompt_tokens, usage.completion_tokens, usage.total_tokens), (last, usage)
    with client.chat.completions.stream(**asked) as events:
        assert events.get_final_completion().choices[0].message.content == choice.message.content

    # The same seed gives the same draws, alone and among others.
    drawn = dict(asked, temperature=1.2, top_p=0.9)
    one = client.chat.completions.create(seed=7, **drawn).choices[0].message.content

    async def several():
        async with openai.AsyncOpenAI(base_url=url + "/v1", api_key=key, max_retries=0) as c:
            return await asyncio.gather(*(c.chat.completions.create(seed=7 + i % 2, **drawn) for i in range(6)))

    assert [a.choices[0].message.content for a in asyncio.run(several())][::2] == [one] * 3

    # A client that goes away in mid-stream leaves the server well.
    with client.chat.completions.create(stream=True, **dict(asked, max_completion_tokens=500)) as stream:
        next(iter(stream))

    create = client.chat.completions.create
    refused(openai.BadRequestError, "context_length_exceeded", "messages",
            lambda: create(model=model, messages=[{"role": "user", "content": "word " * 20000}]))
    refused(openai.BadRequestError, None, "temperature", lambda: create(**dict(asked, temperature=-1)))
    refused(openai.BadRequestError, None, "messages", lambda: create(**dict(asked, messages=[])))
    refused(openai.BadRequestError, "unsupported_parameter", "n", lambda: create(n=2, **asked))
    refused(openai.BadRequestError, None, "stop", lambda: create(stop=[""], **asked))

refused(openai.NotFoundError, "model_not_found", "model", lambda: client.models.retrieve("acme/none"))
refused(openai.NotFoundError, "model_not_found", "model",
        lambda: client.chat.completions.create(model="none", messages=question))
refused(openai.BadRequestError, None, "model", lambda: client.embeddings.create(model=models[0], input="x"))
refused(openai.NotFoundError, "unknown_url", None, lambda: client.images.generate(model=models[0], prompt="x"))
if key != "none":
    stranger = client.with_options(api_key="troika-wrong")
    refused(openai.AuthenticationError, "invalid_api_key", None, lambda: stranger.models.list())
print(f"openai {openai.__version__} for Python: {len(models)} models answer as they should")
