// Runs the documented fine-tuning flow with OpenAI's official JavaScript SDK.
//
// Ran on: Node 20, openai 7.57.0.
// Usage: node interop.mjs PACKAGE URL KEY BASE
//        PACKAGE is the unpacked npm package openai.

import assert from 'node:assert/strict'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const [folder, url, key, base] = process.argv.slice(2)
const { default: OpenAI, toFile } = await import(pathToFileURL(path.resolve(folder, 'index.mjs')))
const { VERSION } = await import(pathToFileURL(path.resolve(folder, 'version.mjs')))
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0, timeout: 120_000 })

const line = (i) => `${JSON.stringify({ messages: [
  { role: 'user', content: `What is ${i} plus ${i}?` }, { role: 'assistant', content: `${2 * i}` },
] })}\n`
const lines = (first, n) => Array.from({ length: n }, (_, i) => line(first + i)).join('')

async function wait(job, ...states) {
  for (const late = Date.now() + 120_000; ; await new Promise((done) => setTimeout(done, 100))) {
    const got = await client.fineTuning.jobs.retrieve(job.id)
    if (states.includes(got.status)) return got
    assert.ok(!['failed', 'cancelled'].includes(got.status) && Date.now() < late, JSON.stringify(got))
  }
}

async function all(pages) {
  const list = []
  for await (const x of pages) list.push(x)
  return list
}

// A file at once, and one in parts.
const text = lines(0, 12)
const training = await client.files.create({ file: await toFile(Buffer.from(text), 'train.jsonl'), purpose: 'fine-tune' })
assert.equal(training.bytes, Buffer.byteLength(text))
assert.equal(await (await client.files.content(training.id)).text(), text)
assert.ok((await all(client.files.list({ purpose: 'fine-tune', limit: 1 }))).some((f) => f.id === training.id))
const other = lines(20, 4)
const upload = await client.uploads.create({ filename: 'valid.jsonl', bytes: other.length, mime_type: 'text/jsonl', purpose: 'fine-tune' })
const parts = []
for (const data of [other.slice(0, 50), other.slice(50)]) {
  parts.push((await client.uploads.parts.create(upload.id, { data: await toFile(Buffer.from(data), 'part') })).id)
}
const validation = (await client.uploads.complete(upload.id, { part_ids: parts })).file
assert.equal(await (await client.files.content(validation.id)).text(), other)

// What cannot be learned is refused before there is a job, line by line.
const bad = await client.files.create({ file: await toFile(Buffer.from(`${line(1)}{"messages":[]}\n`), 'bad.jsonl'), purpose: 'fine-tune' })
await assert.rejects(client.fineTuning.jobs.create({ model: base, training_file: bad.id }), (e) => {
  assert.ok(e instanceof OpenAI.BadRequestError, `${e}`)
  assert.equal(e.code, 'invalid_training_file')
  assert.match(e.message, /line 2: /)
  return true
})
assert.ok((await client.files.delete(bad.id)).deleted)

// A job: its events, its checkpoints, its model.
const job = await client.fineTuning.jobs.create({
  model: base, training_file: training.id, validation_file: validation.id, suffix: 'js', seed: 7, metadata: { of: 'interop' },
  method: { type: 'supervised', supervised: { hyperparameters: { n_epochs: 2, batch_size: 4 } } },
})
assert.deepEqual(job.metadata, { of: 'interop' })
assert.ok(job.estimated_finish >= job.created_at, JSON.stringify(job))
const done = await wait(job, 'succeeded')
assert.ok(done.fine_tuned_model.startsWith(`ft:${base}:`) && done.trained_tokens > 0, JSON.stringify(done))
const events = await all(client.fineTuning.jobs.listEvents(job.id, { limit: 3 }))
assert.equal(new Set(events.map((e) => e.id)).size, events.length)
assert.equal(events.filter((e) => e.type === 'metrics').length, 6)
const checkpoints = await all(client.fineTuning.jobs.checkpoints.list(job.id))
assert.deepEqual(checkpoints.map((c) => c.step_number), [6, 3])
for (const model of [done.fine_tuned_model, checkpoints[1].fine_tuned_model_checkpoint]) {
  const said = await client.chat.completions.create({ model, max_tokens: 4, messages: [{ role: 'user', content: 'What is 3 plus 3?' }] })
  assert.equal(said.model, model)
  assert.ok(said.usage.completion_tokens > 0)
}
assert.match(await (await client.files.content(done.result_files[0])).text(), /^step,train_loss,/)
assert.ok((await all(client.fineTuning.jobs.list({ limit: 1 }))).some((j) => j.id === job.id))

// Pause, resume, cancel.
const long = await client.fineTuning.jobs.create({ model: base, training_file: training.id, hyperparameters: { n_epochs: 50, batch_size: 1 } })
await wait(long, 'running')
assert.equal((await client.fineTuning.jobs.pause(long.id)).status, 'paused')
assert.ok(['queued', 'running'].includes((await client.fineTuning.jobs.resume(long.id)).status))
assert.equal((await client.fineTuning.jobs.cancel(long.id)).status, 'cancelled')
console.log(`openai ${VERSION} for JavaScript: files, uploads and fine-tuning agree`)
