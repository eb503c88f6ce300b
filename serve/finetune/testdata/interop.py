"""Runs the documented fine-tuning flow with OpenAI's official Python SDK.

Ran on: Python 3.11, openai 3.54.0.
Usage: python interop.py URL KEY BASE
"""

import json
import sys
import time

import openai

url, key, base = sys.argv[1:]
client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=120)


def line(i):
    return json.dumps({"messages": [{"role": "user", "content": f"What is {i} plus {i}?"},
                                    {"role": "assistant", "content": str(2 * i)}]}) + "\n"


def wait(job, *states):
    late = time.time() + 120
    while (got := client.fine_tuning.jobs.retrieve(job.id)).status not in states:
        assert got.status not in ("failed", "cancelled") and time.time() < late, got
        time.sleep(0.1)
    return got


# A file at once, and one in parts.
text = "".join(map(line, range(12))).encode()
training = client.files.create(file=("train.jsonl", text), purpose="fine-tune")
assert training.purpose == "fine-tune" and training.bytes == len(text), training
assert client.files.content(training.id).read() == text
assert training.id in [f.id for f in client.files.list(purpose="fine-tune", limit=1)]
other = "".join(map(line, range(20, 24))).encode()
upload = client.uploads.create(filename="valid.jsonl", bytes=len(other), mime_type="text/jsonl", purpose="fine-tune")
parts = [client.uploads.parts.create(upload.id, data=d).id for d in (other[:50], other[50:])]
validation = client.uploads.complete(upload.id, part_ids=parts).file
assert client.files.content(validation.id).read() == other

# What cannot be learned is refused before there is a job, line by line.
bad = client.files.create(file=("bad.jsonl", (line(1) + '{"messages":[]}\n').encode()), purpose="fine-tune")
try:
    client.fine_tuning.jobs.create(model=base, training_file=bad.id)
    raise SystemExit("a bad file was accepted")
except openai.BadRequestError as e:
    assert e.code == "invalid_training_file" and "line 2: " in e.message, e
assert client.files.delete(bad.id).deleted

# A job: its events, its checkpoints, its model.
job = client.fine_tuning.jobs.create(
    model=base, training_file=training.id, validation_file=validation.id, suffix="py", seed=7, metadata={"of": "interop"},
    method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2, "batch_size": 4}}})
assert job.status in ("validating_files", "queued", "running") and job.metadata == {"of": "interop"}, job
assert job.estimated_finish >= job.created_at, job
done = wait(job, "succeeded")
assert done.fine_tuned_model.startswith(f"ft:{base}:") and done.trained_tokens > 0 and done.method.type == "supervised", done
events = list(client.fine_tuning.jobs.list_events(job.id, limit=3))
assert len({e.id for e in events}) == len(events) and sum(e.type == "metrics" for e in events) == 6, events
assert any(e.message.startswith("Estimated: ") for e in events), events
checkpoints = list(client.fine_tuning.jobs.checkpoints.list(job.id))
assert [c.step_number for c in checkpoints] == [6, 3], checkpoints
for model in (done.fine_tuned_model, checkpoints[1].fine_tuned_model_checkpoint):
    said = client.chat.completions.create(model=model, max_tokens=4, messages=[{"role": "user", "content": "What is 3 plus 3?"}])
    assert said.model == model and said.usage.completion_tokens > 0, said
assert client.files.content(done.result_files[0]).read().startswith(b"step,train_loss,")
assert job.id in [j.id for j in client.fine_tuning.jobs.list(limit=1, metadata={"of": "interop"})]

# The older hyperparameters; pause, resume, cancel.
long = client.fine_tuning.jobs.create(model=base, training_file=training.id, hyperparameters={"n_epochs": 50, "batch_size": 1})
wait(long, "running")
assert client.fine_tuning.jobs.pause(long.id).status == "paused"
assert client.fine_tuning.jobs.resume(long.id).status in ("queued", "running")
assert client.fine_tuning.jobs.cancel(long.id).status == "cancelled"
print(f"openai {openai.__version__} for Python: files, uploads and fine-tuning agree")
