// Calls a server of ours with OpenAI's official JavaScript SDK.
//
// Ran on: Node 20, openai 7.57.0.
// Usage: node interop.mjs PACKAGE URL KEY MODEL...
//        PACKAGE is the unpacked npm package openai; KEY is one that the server
//        takes, or "none" where it asks for none.

import assert from 'node:assert/strict'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const [folder, url, key, ...models] = process.argv.slice(2)
const { default: OpenAI } = await import(pathToFileURL(path.resolve(folder, 'index.mjs')))
const { VERSION } = await import(pathToFileURL(path.resolve(folder, 'version.mjs')))
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0, timeout: 120_000 })
const messages = [
  { role: 'developer', content: 'Answer briefly.' },
  { role: 'user', content: [{ type: 'text', text: 'What is 木 in English?' }] },
]

async function refused(kind, code, param, call) {
  await assert.rejects(call, (e) => {
    assert.ok(e instanceof kind, `${e} is no ${kind.name}`)
    assert.deepEqual([e.code, e.param], [code, param], e.message)
    assert.match(e.requestID, /^req-/)
    return true
  })
}

const listed = new Set()
for await (const m of client.models.list()) listed.add(m.id)
for (const model of models) {
  assert.ok(listed.has(model), `${model} is not listed`)
  assert.equal((await client.models.retrieve(model)).id, model)

  const asked = { model, messages, temperature: 0, max_tokens: 24 }
  const { data: whole, response } = await client.chat.completions.create(asked).withResponse()
  assert.match(response.headers.get('x-request-id'), /^req-/)
  const { message, finish_reason } = whole.choices[0]
  assert.equal(message.role, 'assistant')
  assert.ok(['stop', 'length'].includes(finish_reason), finish_reason)
  assert.ok(whole.usage.completion_tokens > 0 && whole.usage.completion_tokens <= 24)
  assert.equal(whole.usage.total_tokens, whole.usage.prompt_tokens + whole.usage.completion_tokens)

  // A stream carries the same answer and the same usage, in its last chunk.
  let text = ''
  let usage
  let ended
  for await (const chunk of await client.chat.completions.create({
    ...asked, stream: true, stream_options: { include_usage: true },
  })) {
    text += chunk.choices[0]?.delta.content ?? ''
    ended = chunk.choices[0]?.finish_reason ?? ended
    usage = chunk.usage ?? usage
  }
  assert.equal(text, message.content)
  assert.equal(ended, finish_reason)
  assert.deepEqual(usage, whole.usage)
  assert.equal(await client.chat.completions.stream(asked).finalContent(), message.content)

  // A client that goes away in mid-stream leaves the server well.
  for await (const _ of await client.chat.completions.create({ ...asked, max_tokens: 500, stream: true })) break

  const create = (o) => () => client.chat.completions.create({ ...asked, ...o })
  await refused(OpenAI.BadRequestError, 'context_length_exceeded', 'messages',
    create({ messages: [{ role: 'user', content: 'word '.repeat(20000) }] }))
  await refused(OpenAI.BadRequestError, null, 'temperature', create({ temperature: -1 }))
  await refused(OpenAI.BadRequestError, null, 'messages', create({ messages: [] }))
  await refused(OpenAI.BadRequestError, 'unsupported_parameter', 'n', create({ n: 2 }))
  await refused(OpenAI.BadRequestError, null, 'stop', create({ stop: [''] }))
}

await refused(OpenAI.NotFoundError, 'model_not_found', 'model', () => client.models.retrieve('acme/none'))
await refused(OpenAI.NotFoundError, 'model_not_found', 'model', () => client.chat.completions.create({ model: 'none', messages }))
await refused(OpenAI.BadRequestError, null, 'model', () => client.embeddings.create({ model: models[0], input: 'x' }))
await refused(OpenAI.NotFoundError, 'unknown_url', null, () => client.images.generate({ model: models[0], prompt: 'x' }))
if (key !== 'none') {
  const stranger = client.withOptions({ apiKey: 'troika-wrong' })
  await refused(OpenAI.AuthenticationError, 'invalid_api_key', null, () => stranger.models.list())
}
console.log(`openai ${VERSION} for JavaScript: ${models.length} models answer as they should`)
