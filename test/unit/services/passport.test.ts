import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storedAfterMs } from '../../../src/services/passport.ts'
import { accepted, START } from '../../support/records.ts'

test('a record is stored some time after it was received, never before, or nobody knows when', () => {
  const row = { ...accepted(0), revision: 0, rawHash: '' }
  assert.equal(storedAfterMs({ ...row, storedAt: START + 320 }), 320)
  assert.equal(storedAfterMs({ ...row, storedAt: START - 5 }), 0)
  assert.equal(storedAfterMs(row), undefined)
})
