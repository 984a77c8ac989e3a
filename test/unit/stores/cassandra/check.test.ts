import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkStore } from '../../../../src/stores/cassandra/check.ts'
import type { Session } from '../../../../src/stores/cassandra/connect.ts'
import type { Pointers } from '../../../../src/stores/cassandra/pointers.ts'
import type { Columns } from '../../../../src/stores/cassandra/row.ts'
import type { Rows } from '../../../../src/stores/cassandra/rows.ts'

test('a check holds one record of those in parts at a time, and several of the others', async () => {
  const whole = { raw: Buffer.alloc(1), context: '{}', verdict: '{}' }
  const page = Array.from({ length: 30 }, (_, n) => ({ key: `${n}`, ...whole, ...(n % 2 && { raw: null }) }))
  const held = { whole: 0, inParts: 0 }
  const most = { ...held }
  const rows = {
    async complete({ raw }: Columns) {
      const kind = raw === null ? 'inParts' : 'whole'
      most[kind] = Math.max(most[kind], ++held[kind])
      await new Promise(setImmediate)
      held[kind]--
      return undefined
    },
  } as unknown as Rows
  const session = { run: () => Promise.resolve(page) } as unknown as Session
  assert.deepEqual(await Array.fromAsync(checkStore(session, rows, {} as Pointers, {})), [])
  assert.deepEqual(most, { whole: 8, inParts: 1 })
})
