import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ExactNumber, parseExactly } from '../../../src/console/page/parts/exact-json.ts'

test('a tree of raw shows every number as it is written', () => {
  const numbers = ['9007199254740993', '1.0', '1e400', '-0']
  const found = parseExactly(`[${numbers.join(',')}]`)
  assert.deepEqual(
    found,
    numbers.map((text) => new ExactNumber(text)),
  )
})

test('what is no JSON, or too deep, has no tree', () => {
  assert.equal(parseExactly('{"cut'), undefined)
  const depth = 100_000
  assert.equal(parseExactly('['.repeat(depth) + ']'.repeat(depth)), undefined)
})
