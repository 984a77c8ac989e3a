import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { redactText } from '../../../src/lib/redact.ts'

const MIB = 1024 * 1024
/** Far more than it takes, and far less than looking at every place from every place. */
const SAFETY_MS = 10_000

describe('what is told', () => {
  test('has no password and no secret parameter of a URL, whatever its scheme, and no token of a header', () => {
    const told = {
      'amqp://shop:hunter2@broker/vhost': 'amqp://shop:***@broker/vhost',
      'see https://a.example/x?page=2&api_key=K#top now':
        'see https://a.example/x?page=2&api_key=***#top now',
      'mongodb+srv://u:p:q@db.example??token=t?u': 'mongodb+srv://u:***@db.example??token=***',
      'Authorization: Bearer abc.def': 'Authorization: Bearer ***',
      'https://a.example/nothing?page=2': 'https://a.example/nothing?page=2',
    }
    for (const [text, expected] of Object.entries(told)) assert.equal(redactText(text), expected)
  })

  test('is made of a text that anybody may send, which stopped the process for minutes', () => {
    const beganAt = performance.now()
    for (const some of ['a.', 'a-', '://', '?', 'http://x?', ':@', 'Bearer '])
      redactText(`http://x${some.repeat(MIB / some.length)}`)
    assert.ok(performance.now() - beganAt < SAFETY_MS)
  })
})
