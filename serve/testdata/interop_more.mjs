// Calls the rest of a server of ours with OpenAI's official JavaScript SDK: tools,
// structured output, plain completions and embeddings. Files and fine-tuning are walked
// through by serve/finetune/testdata/interop.mjs.
//
// Ran on: Node 20, openai 7.57.0.
// Usage: node interop_more.mjs PACKAGE URL KEY MODEL ENCODER
//        ENCODER is the folder that encoder.py made, and that the server serves by its name.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const [folder, url, key, model, encoder] = process.argv.slice(2)
const { default: OpenAI } = await import(pathToFileURL(path.resolve(folder, 'index.mjs')))
const { VERSION } = await import(pathToFileURL(path.resolve(folder, 'version.mjs')))
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0, timeout: 120_000 })
const messages = [{ role: 'user', content: 'How is the weather in Rome?' }]

// Tools: the SDK's own loop calls a function and sends its result.
const parameters = {
  type: 'object', additionalProperties: false, required: ['city'], properties: { city: { type: 'string', maxLength: 20 } },
}
const tools = [{ type: 'function', function: { name: 'weather', strict: true, parameters } }]
const asked = { model, messages, tools, tool_choice: 'required', parallel_tool_calls: false, temperature: 0, max_tokens: 200 }
const whole = await client.chat.completions.create(asked)
assert.equal(whole.choices[0].finish_reason, 'tool_calls')
const [call] = whole.choices[0].message.tool_calls
assert.equal(call.function.name, 'weather')
assert.deepEqual(Object.keys(JSON.parse(call.function.arguments)), ['city'])
const streamed = await client.chat.completions.stream(asked).finalChatCompletion()
assert.equal(streamed.choices[0].finish_reason, 'tool_calls')
assert.equal(streamed.choices[0].message.tool_calls[0].function.arguments, call.function.arguments)
let called = 0
const runner = client.chat.completions.runTools({
  ...asked, tool_choice: { type: 'function', function: { name: 'weather' } }, stream: true,
  tools: [{ type: 'function', function: { name: 'weather', parameters, parse: JSON.parse, function: ({ city }) => { called += 1; return `sunny in ${city}` } } }],
})
await runner.done()
assert.equal(called, 1)

// Structured output.
const shaped = await client.chat.completions.create({
  model, messages, temperature: 0, max_tokens: 100,
  response_format: { type: 'json_schema', json_schema: { name: 'mood', strict: true, schema: {
    type: 'object', properties: { mood: { enum: ['good', 'bad'] } }, required: ['mood'], additionalProperties: false,
  } } },
})
assert.ok(['good', 'bad'].includes(JSON.parse(shaped.choices[0].message.content).mood))

// Plain completions.
const prompt = 'Package os opens files. 木'
const echoed = await client.completions.create({ model, prompt, echo: true, logprobs: 2, max_tokens: 0, temperature: 0 })
assert.equal(echoed.choices[0].text, prompt)
assert.equal(echoed.choices[0].logprobs.token_logprobs.length, echoed.usage.prompt_tokens)
const several = await client.completions.create({ model, prompt: ['One', 'Two'], max_tokens: 5, temperature: 0 })
const texts = ['', '']
for await (const chunk of await client.completions.create({ model, prompt: ['One', 'Two'], max_tokens: 5, temperature: 0, stream: true })) {
  for (const c of chunk.choices) texts[c.index] += c.text
}
assert.deepEqual(texts, several.choices.map((c) => c.text))

// Embeddings equal those of transformers; the SDK asks for base64 unless told otherwise.
const expected = JSON.parse(await readFile(path.join(encoder, 'expected.json'), 'utf8'))
for (const how of [{}, { encoding_format: 'float' }]) {
  const made = await client.embeddings.create({ model: encoder, input: expected.texts, ...how })
  made.data.forEach(({ embedding }, i) => {
    assert.equal(embedding.length, expected.vectors[i].length)
    embedding.forEach((x, j) => assert.ok(Math.abs(x - expected.vectors[i][j]) < 1e-4, `${i} ${j}`))
  })
}

console.log(`openai ${VERSION} for JavaScript: tools, structured output, completions and embeddings are as they should be`)
