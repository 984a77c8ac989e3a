import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TransientError } from '../../../src/errors.ts'
import { narrow } from '../../../src/services/narrow.ts'

const signal = new AbortController().signal
const items = (count: number) => Array.from({ length: count }, (_, n) => ({ n }))

describe('narrowing', () => {
  test('convicts the one message that fails while the others succeed, after five rounds and not before', async () => {
    const convicted: number[] = []
    const stored = new Set<number>()
    const into = narrow<{ n: number }>({
      async into(some) {
        if (some.some(({ n }) => n === 37)) throw new TypeError('cannot read it')
        for (const { n } of some) stored.add(n)
        return some.map(() => 'accepted' as const)
      },
      async convict({ n }, error) {
        assert.match(String(error), /cannot read it/)
        convicted.push(n)
        return 'accepted'
      },
    })
    const batch = items(100)
    for (let round = 1; round < 5; round++) {
      await assert.rejects(into(batch, signal), { code: 'BACKEND_FAILING' })
      assert.deepEqual(convicted, [])
    }
    assert.equal((await into(batch, signal)).length, 100)
    assert.deepEqual(convicted, [37])
    assert.equal(stored.size, 99)
  })

  test('convicts nobody when all fail: the backend is at fault', async () => {
    const into = narrow<{ n: number }>({
      into: async () => Promise.reject(new Error('what is this')),
      convict: () => assert.fail('nobody is guilty'),
    })
    const batch = items(8)
    for (let round = 0; round < 10; round++) await assert.rejects(into(batch, signal), TransientError)
  })

  test('leaves classified errors alone', async () => {
    let calls = 0
    const into = narrow<{ n: number }>({
      async into() {
        calls++
        throw new TransientError('DISK_FULL', 'no room')
      },
      convict: () => assert.fail('nobody is guilty'),
    })
    await assert.rejects(into(items(8), signal), { code: 'DISK_FULL' })
    assert.equal(calls, 1)
  })

  test('convicts a message that is alone in its batch only while other batches succeed', async () => {
    const convicted: number[] = []
    const into = narrow<{ n: number }>({
      async into([item]) {
        if (item?.n === 13) throw new TypeError('cannot read it')
        return ['accepted']
      },
      async convict({ n }) {
        convicted.push(n)
        return 'accepted'
      },
    })
    const alone = [{ n: 13 }]
    for (let round = 0; round < 10; round++) await assert.rejects(into(alone, signal), TransientError)
    for (let round = 1; round < 5; round++) {
      await into([{ n: round }], signal)
      await assert.rejects(into(alone, signal), TransientError)
    }
    assert.deepEqual(convicted, [])
    await into([{ n: 5 }], signal)
    assert.deepEqual(await into(alone, signal), ['accepted'])
    assert.deepEqual(convicted, [13])
  })
})
