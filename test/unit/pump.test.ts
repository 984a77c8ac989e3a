import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Batch } from '../../src/batch.ts'
import { TransientError } from '../../src/errors.ts'
import { pump } from '../../src/pump.ts'

const never = new AbortController().signal
const batch = (n: number, acked: number[]): Batch<number> => ({
  items: [n],
  async ack() {
    acked.push(n)
  },
})

describe('the pump', () => {
  test('acknowledges only what is safe, and repeats what failed for now', async () => {
    const acked: number[] = []
    const troubles: string[] = []
    const settled: number[] = []
    let tries = 0
    async function* from() {
      yield batch(1, acked)
      yield batch(2, acked)
    }
    await pump({
      from: from(),
      signal: never,
      inFlight: 1,
      policy: { baseMs: 1, maxMs: 2 },
      watch: {
        turned() {},
        idle() {},
        trouble: ({ code }) => void troubles.push(code),
        settled(items, ms) {
          assert.ok(ms >= 0)
          settled.push(items)
        },
      },
      async into(items) {
        if (++tries < 3) throw new TransientError('BACKEND_FAILING', 'not now')
        assert.ok(!acked.includes(items[0] ?? 0))
        return ['accepted']
      },
    })
    assert.deepEqual(acked, [1, 2])
    assert.deepEqual(troubles, ['BACKEND_FAILING', 'BACKEND_FAILING'])
    assert.deepEqual(settled, [1, 1], 'told once a batch, however often it was tried')
  })

  test('notices a failure while the source is quiet', async () => {
    const acked: number[] = []
    async function* from() {
      yield batch(1, acked)
      await new Promise(() => {})
    }
    const into = async () => {
      throw new Error('a bug')
    }
    await assert.rejects(pump({ from: from(), signal: never, into }), /a bug/)
    assert.deepEqual(acked, [])
  })

  test('abandons what is in hand when it is killed, and acknowledges none of it', async () => {
    const acked: number[] = []
    const kill = new AbortController()
    async function* from() {
      yield batch(1, acked)
    }
    const into = async () => {
      kill.abort(new Error('enough'))
      throw new TransientError('BACKEND_FAILING', 'not now')
    }
    await assert.rejects(
      pump({ from: from(), signal: kill.signal, into, policy: { baseMs: 60_000, maxMs: 60_000 } }),
    )
    assert.deepEqual(acked, [])
  })

  test('keeps nothing of the batches that are done', async () => {
    const acked: number[] = []
    const batches: WeakRef<Batch<number>>[] = []
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    async function* from() {
      for (let n = 0; n < 200; n++) {
        const next = batch(n, acked)
        batches.push(new WeakRef(next))
        yield next
      }
      await turn()
      collect()
      const kept = batches.filter((each) => each.deref() !== undefined)
      assert.ok(kept.length < 20, `${kept.length} of ${batches.length} batches are kept`)
    }
    await pump({ from: from(), signal: never, into: async () => ['accepted'] })
    assert.equal(acked.length, 200)
  })

  test('ends at a failure although another batch would be tried again for ever', async () => {
    const waits = Promise.withResolvers<void>()
    async function* from() {
      yield batch(1, [])
      await waits.promise
      yield batch(2, [])
      await new Promise(() => {})
    }
    const running = pump<number>({
      from: from(),
      signal: never,
      policy: { baseMs: 60_000, maxMs: 60_000, random: () => 1 },
      async into([item]) {
        waits.resolve()
        throw item === 1 ? new TransientError('BACKEND_FAILING', 'not now') : new Error('a bug')
      },
    })
    await assert.rejects(running, /a bug/)
  })
})
