import assert from 'node:assert/strict'
import { test } from 'node:test'
import { protos } from '@google-cloud/pubsub'
import fc from 'fast-check'
import { decode, encode, filterOf, sizeOf, unfitness } from '../../../../src/queues/pubsub/message.ts'
import type { Message } from '../../../../src/queues/queue.ts'

const { PubsubMessage } = protos.google.pubsub.v1

const message: fc.Arbitrary<Message> = fc.record(
  {
    key: fc.string({ unit: 'binary' }),
    body: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    headers: fc.dictionary(fc.string(), fc.string({ unit: 'binary' }), { minKeys: 1, noNullPrototype: true }),
  },
  { requiredKeys: ['key', 'body'], noNullPrototype: true },
)
const fitting = message.filter((each) => unfitness(each, 1_000) === undefined)

test('gives back every message as it was, for all groups and for one', () => {
  fc.assert(
    fc.property(fitting, fc.option(fc.string(), { nil: undefined }), (sent, group) => {
      const wire = PubsubMessage.encode(PubsubMessage.fromObject(encode(sent, group))).finish()
      assert.deepEqual(decode(PubsubMessage.decode(wire)), sent)
    }),
  )
})

test('takes a message for at least as large as it is in a request', () => {
  fc.assert(
    fc.property(fitting, (sent) => {
      const encoded = encode(sent, 'g')
      const framed = PubsubMessage.encode(PubsubMessage.fromObject(encoded)).finish().length + 8
      assert.ok(framed <= sizeOf(encoded))
    }),
  )
})

test('never sends a message without a body and without an attribute', () => {
  assert.notDeepEqual(encode({ key: '', body: Buffer.alloc(0) }).attributes, {})
})

const body = Buffer.from('x')
const unfit: Readonly<Record<string, Message>> = {
  'a body over the limit': { key: '', body: Buffer.alloc(1_001) },
  'a key over 1,024 bytes': { key: 'ж'.repeat(513), body },
  'a key that is no text': { key: '\ud800', body },
  'more headers than are left': {
    key: '',
    body,
    headers: Object.fromEntries(Array.from({ length: 99 }, (_, n) => [String(n), ''])),
  },
  'a header without a name': { key: '', body, headers: { '': 'v' } },
  'a name of Google': { key: '', body, headers: { googx: 'v' } },
  'a name of ours': { key: '', body, headers: { headwater_group: 'v' } },
  'a name that the client drops': { key: '', body, headers: Object.fromEntries([['__proto__', 'v']]) },
  'a name over 256 bytes': { key: '', body, headers: { ['n'.repeat(257)]: 'v' } },
  'a value over 1,024 bytes': { key: '', body, headers: { n: 'v'.repeat(1_025) } },
  'a value that is no text': { key: '', body, headers: { n: '\udc00' } },
}

for (const [what, each] of Object.entries(unfit))
  test(`refuses ${what}`, () => assert.equal(typeof unfitness(each, 1_000), 'string'))

test('takes what is as large as it may be', () => {
  const headers = Object.fromEntries(
    Array.from({ length: 98 }, (_, n) => [String(n).padEnd(256, 'n'), 'v'.repeat(1_024)]),
  )
  assert.equal(unfitness({ key: 'k'.repeat(1_024), body: Buffer.alloc(1_000), headers }, 1_000), undefined)
})

test('has a filter for every group that is short enough and its own', () => {
  const long = '鍵'.repeat(200)
  assert.ok(Buffer.byteLength(filterOf(long)) <= 256)
  assert.notEqual(filterOf(long), filterOf(`${long}2`))
  const label = encode({ key: '', body }, long).attributes?.['headwater_group'] ?? ''
  assert.ok(filterOf(long).endsWith(`= "${label}"`))
  assert.equal(filterOf(), 'NOT attributes:headwater_group')
})
