import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTime } from '../../../src/lib/moments.ts'

const NOW = Date.UTC(2026, 5, 1)
const parse = (text: string): number => parseTime(text, '--from', NOW)

test('a time is a moment, a day or how long ago', () => {
  assert.equal(parse('2026-01-31T10:00:00Z'), Date.UTC(2026, 0, 31, 10))
  assert.equal(parse('2026-01-31T10:00:00.5+02:00'), Date.UTC(2026, 0, 31, 8, 0, 0, 500))
  assert.equal(parse('2026-01-31 10:00:00z'), Date.UTC(2026, 0, 31, 10))
  assert.equal(parse('2026-01-31'), Date.UTC(2026, 0, 31))
  assert.equal(parse('2026-01-31T10:00'), new Date(2026, 0, 31, 10).getTime())
  assert.equal(parse('7d'), NOW - 7 * 86_400_000)
  assert.equal(parse('90m'), NOW - 90 * 60_000)
})

test('what could be more than one time is none', () => {
  for (const text of ['11.12.2026', '11/12/2026', '7', 'may 1', 'yesterday 1', '2026-01', '3w', '-7d', ''])
    assert.throws(() => parse(text), /--from: expected a time such as/, text)
})

test('what is no time, or further ago than any, is none', () => {
  for (const text of ['2026-13-01', '2026-01-31T25:00Z', '9999999999d'])
    assert.throws(() => parse(text), /--from: expected a time such as/, text)
})
