import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isDense } from '../../../src/lib/json-density.ts'

const list = (entry: string, count: number): Buffer =>
  Buffer.from(`[${`${entry},`.repeat(count - 1)}${entry}]`)

describe('JSON that would take many times its size in memory', () => {
  test('has more than half a million values, most of them short', () => {
    assert.equal(isDense(list('1', 499_999)), false)
    assert.equal(isDense(list('1', 500_001)), true)
    assert.equal(isDense(list('{}', 400_000)), true, 'its bracket counts, and its comma')
    assert.equal(isDense(Buffer.from('['.repeat(500_001) + ']'.repeat(500_001))), true)
  })

  test('is none where its values are as long as those of reviews', () => {
    assert.equal(isDense(list('"sixteen bytes"', 1_000_000)), false)
    assert.equal(isDense(list('"eight"', 2_000_000)), true)
  })

  test('is none because of what stands in a text', () => {
    assert.equal(isDense(Buffer.from(JSON.stringify(',[{\\"'.repeat(1_000_000)))), false)
    assert.equal(
      isDense(Buffer.from(`"${'\\\\'.repeat(500_000)}",${'[,'.repeat(600_000)}`)),
      true,
      'behind one',
    )
  })

  test('is looked for in bytes that are no JSON, too', () => {
    for (const text of ['"'.repeat(2_000_000), '\\'.repeat(2_000_000), `"${'x'.repeat(2_000_000)}`])
      assert.equal(isDense(Buffer.from(text)), false)
  })
})
