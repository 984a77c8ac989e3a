import assert from 'node:assert/strict'
import { test } from 'node:test'
import { differences } from '../../../../src/queues/pubsub/subscriptions.ts'

const expected = {
  enableMessageOrdering: true,
  filter: 'NOT attributes:x',
  messageRetentionDuration: { seconds: 604_800 },
  expirationPolicy: {},
}

test('says nothing of a subscription that is as it should be', () => {
  assert.deepEqual(differences(expected, expected), [])
  assert.deepEqual(differences({ ...expected, expirationPolicy: null }, expected), [])
})

const different = {
  'without message ordering': [{ enableMessageOrdering: false }, 'error', /message ordering/],
  'with a dead-letter policy': [
    { deadLetterPolicy: { deadLetterTopic: 't' } },
    'error',
    /dead-letter policy/,
  ],
  'that expires': [{ expirationPolicy: { ttl: { seconds: 86_400 } } }, 'warn', /expires/],
  'with another filter': [{ filter: '' }, 'warn', /filter/],
  'that keeps less': [{ messageRetentionDuration: { seconds: 600 } }, 'warn', /for 10m/],
} as const

for (const [what, [change, level, words]] of Object.entries(different)) {
  test(`says what is wrong with one ${what}`, () => {
    const said = differences({ ...expected, ...change }, expected)
    assert.deepEqual(
      said.map((each) => each.level),
      [level],
    )
    assert.match(said[0]?.difference ?? '', words)
  })
}
