import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { PutItemInput } from '@aws-sdk/client-dynamodb'
import type { Session } from '../../../../src/stores/dynamodb/connect.ts'
import { commit } from '../../../../src/stores/dynamodb/parts.ts'

test('no part is on its way before the first of its write is there, or an erasure could find that one alone', async () => {
  const there: string[] = []
  const tooEarly: string[] = []
  const db = {
    async putItem({ Item }: PutItemInput) {
      const name = Item?.['part']?.S ?? ''
      if (name !== 'w/raw/0' && !there.includes('w/raw/0')) tooEarly.push(name)
      await turn()
      there.push(name)
    },
    async transactWriteItems() {
      assert.equal(there.length, 4)
    },
  }
  const session = {
    db,
    tables: { reviews: 'reviews', parts: 'parts', registry: 'registry' },
    concurrency: 8,
    ask: (request: (options: object) => unknown) => request({}),
  } as unknown as Session
  const parts = ['w/raw/0', 'w/raw/1', 'w/raw/2', 'w/verdict/0'].map((name) => ({
    name,
    bytes: Buffer.from(name),
  }))
  const Put = { TableName: 'reviews', Item: {} }
  assert.ok(await commit(session, { Put }, { owner: 'key', parts }, {}))
  assert.deepEqual(tooEarly, [])
})
