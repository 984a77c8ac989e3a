import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConsumeMessage } from 'amqplib'
import { fromDelivery, refusalOf, toOutgoing } from '../../../../src/queues/rabbitmq/message.ts'
import type { Message } from '../../../../src/queues/queue.ts'

/** As the broker delivers it, with headers of its own. */
function delivered(headers: Record<string, unknown>, routingKey = '7'): ConsumeMessage {
  const partly = { content: Buffer.from('x'), properties: { headers }, fields: { routingKey } }
  return partly as unknown as ConsumeMessage
}

test('carries headers that the broker would take for its own', () => {
  const headers = {
    CC: 'a',
    BCC: 'b',
    'x-death': 'c',
    'headwater-key': 'd',
    'headwater-header-CC': 'e',
    plain: 'f',
  }
  const { options } = toOutgoing({ key: 'k', body: Buffer.of(), headers })
  assert.deepEqual(
    Object.keys(options.headers as object).filter((name) => /^(CC|BCC|x-.*)$/.test(name)),
    [],
  )
  const back = fromDelivery(
    delivered({ ...(options.headers as object), 'x-delivery-count': 1, 'x-death': [{}] }),
  )
  assert.deepEqual(back, { key: 'k', body: Buffer.from('x'), headers })
})

test('takes what another program publishes: its routing key is the key', () => {
  const back = fromDelivery(delivered({ source: 'elsewhere', count: 3 }, 'B07'))
  assert.deepEqual(back, { key: 'B07', body: Buffer.from('x'), headers: { source: 'elsewhere' } })
  assert.deepEqual(fromDelivery(delivered({ 'headwater-key': '' })), { key: '', body: Buffer.from('x') })
})

test('refuses what the client could not encode', () => {
  const refusal = (message: Partial<Message>) =>
    refusalOf(toOutgoing({ key: 'k', body: Buffer.alloc(10), ...message }), 10)
  assert.equal(refusal({}), undefined)
  assert.equal(refusal({ key: '🔑'.repeat(200), headers: { a: 'x'.repeat(59_000) } }), undefined)
  assert.match(
    refusal({ body: Buffer.alloc(11) })?.message ?? '',
    /^The message has 11 B, .* at most 10 B\.$/,
  )
  assert.match(refusal({ key: 'x'.repeat(62_000) })?.message ?? '', /^Key and headers have 60\.6 KiB/)
  assert.match(refusal({ headers: { ['n'.repeat(256)]: '' } })?.message ?? '', /^A header's name has 256 B/)
})
