import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseReason } from '../../../src/commands/command.ts'

test('a reason says something, and no more than anybody reads: letters were discarded for an empty one', () => {
  assert.equal(parseReason(' a test '), 'a test')
  assert.throws(() => parseReason('  '), /--reason: expected 1 to 1000 characters, found nothing/)
  assert.throws(() => parseReason('x'.repeat(1_001)), /found 1001 characters/)
})
