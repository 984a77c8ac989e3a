import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import cassandra from '../../src/stores/cassandra/index.ts'
import { openChanges } from '../../src/stores/cassandra/changes.ts'
import { connect, type Session } from '../../src/stores/cassandra/connect.ts'
import { openPointers } from '../../src/stores/cassandra/pointers.ts'
import { MAX_RAW_BYTES } from '../../src/stores/cassandra/put.ts'
import { openRows } from '../../src/stores/cassandra/rows.ts'
import type { Store } from '../../src/stores/store.ts'
import { arrivalOf } from '../../src/arrival.ts'
import { clientOf, context, settingsOf } from '../support/cassandra.ts'
import { accepted, acceptedVerdict, numbered, put, putMany, rejected, START } from '../support/records.ts'
import type { CassandraServer } from '../support/servers/cassandra.ts'
import { all, count, keysOf, one } from '../support/store-reads.ts'

const page = await readFile(join(import.meta.dirname, '../../docs/adapters/cassandra.md'), 'utf8')
const CLUSTER = 'c'.repeat(16)

export interface RowHarness {
  readonly server: CassandraServer
  readonly keyspace: string
  /** Empty for a new name; `other`: as a process of its own would have it open. */
  readonly open: (name: string, other?: boolean) => Promise<Store>
  readonly hotCount: number
}

/** What this store promises besides. */
export function rowPromises({ server, keyspace, open, hotCount }: RowHarness): void {
  const config = cassandra.config.parse(settingsOf(server, keyspace))

  describe('cassandra rows', () => {
    test('answer the questions of its page, asked with the driver', async () => {
      await using store = await open('queries')
      const record = accepted(1, { product: 'B00EXAMPLE', receivedAt: START + 10 * 86_400_000 })
      const dead = rejected(2, CLUSTER)
      await put(store, [record, dead])
      const queries = (/^## To look by hand\n\n```sql\n(.*?)```/ms.exec(page)?.[1] ?? '').trim().split(';')
      const client = await clientOf(server, keyspace)
      const answers: unknown[][] = []
      for (const query of queries.map((text) => text.trim()).filter((text) => text !== '')) {
        const value = query.includes('review =') ? record.key.slice(0, 16) : record.key
        answers.push((await client.execute(query.replace('0f3c…', value))).rows)
      }
      await client.shutdown()
      const [row, byProduct, buckets, versions, clusters, letters] = answers as Record<string, unknown>[][]
      assert.equal(row?.[0]?.['rating'], 4)
      assert.equal(row?.[0]?.['product_id'], 'B00EXAMPLE')
      assert.equal(byProduct?.[0]?.['key'], record.key)
      assert.equal(buckets?.[0]?.['month'], '2026-01')
      assert.equal(versions?.[0]?.['key'], record.key)
      assert.equal(clusters?.[0]?.['cluster'], CLUSTER)
      assert.equal(letters?.[0]?.['key'], dead.key)
      assert.equal(answers.length, 6)
    })

    test('hold raw of 15 MB, and large verdicts, in parts, and leave none behind', async () => {
      await using store = await open('parts')
      const raw = randomBytes(15 * 1024 * 1024)
      const large = (text: string) => {
        const verdict = acceptedVerdict('R1', 'P1')
        return { ...verdict, review: { ...verdict.review, review_text: text.repeat(400_000) } }
      }
      const record = { ...accepted(1, { raw }), verdict: large('a') }
      assert.deepEqual(await put(store, [record]), ['stored'])
      assert.ok((await one(store, record.key))?.received.raw.equals(raw))
      assert.deepEqual((await one(store, record.key))?.verdict, record.verdict)
      assert.equal(await store.amend(record.key, 0, large('b')), true)
      assert.deepEqual((await all(store, { by: 'product', product: 'P1' }))[0]?.verdict, large('b'))
      assert.equal(await store.amend(record.key, 1, acceptedVerdict('R1', 'P1')), true)
      assert.ok((await one(store, record.key))?.received.raw.equals(raw))
      await store.erase([record.key])
      assert.deepEqual(await put(store, [record]), ['stored'])
      assert.ok((await one(store, record.key))?.received.raw.equals(raw))
      await store.erase([record.key])
      const client = await clientOf(server, keyspace)
      assert.equal((await client.execute('SELECT key FROM parts')).rowLength, 0)
      assert.equal((await client.execute('SELECT key FROM by_time')).rowLength, 0)
      await client.shutdown()
    })

    for (const cutAt of ['DELETE FROM parts', 'DELETE FROM by_review']) {
      test(`whose erasure was cut off before ${cutAt} leave nothing once any is erased again`, async () => {
        await using session = await connect(config, context, keyspace)
        const cut = new Error('cut off')
        const run: Session['run'] = async (query, ...rest) => {
          if (query.startsWith(cutAt)) throw cut
          return session.run(query, ...rest)
        }
        const cutting = { ...session, run }
        const changes = openChanges(cutting, openRows(cutting), openPointers(cutting))
        const left = async (): Promise<readonly string[]> => {
          const tables = ['parts', 'by_time', 'by_product', 'by_review', 'by_cluster', 'erasures']
          const found = await Promise.all(tables.map((table) => session.run(`SELECT * FROM ${table}`, [])))
          return tables.filter((_, n) => found[n]?.length !== 0)
        }
        const raw = randomBytes(300 * 1024)
        const records = [accepted(1, { raw }), rejected(2, CLUSTER, { raw, product: 'P2' })]
        for (const repeated of [keysOf(records), []]) {
          await using store = await open(`cut before ${cutAt}`)
          assert.deepEqual(await put(store, records), ['stored', 'stored'])
          for (const { key } of records) await assert.rejects(changes.erase(key, {}), cut)
          assert.equal((await store.get(keysOf(records))).size, 0)
          assert.notDeepEqual(await left(), [])
          await store.erase(repeated)
          assert.deepEqual(await left(), [])
        }
      })
    }

    test('that come again while their erasure is cut off are whole', async () => {
      await using session = await connect(config, context, keyspace)
      const decide: Session['decide'] = async (...statement) => {
        await session.decide(...statement)
        throw new Error('cut off')
      }
      const cutting = { ...session, decide }
      const changes = openChanges(cutting, openRows(cutting), openPointers(cutting))
      await using store = await open('again')
      const record = accepted(1, { raw: randomBytes(300 * 1024) })
      await put(store, [record])
      await assert.rejects(changes.erase(record.key, {}), /cut off/)
      assert.deepEqual(await put(store, [record]), ['stored'])
      await store.erase([])
      assert.ok((await one(store, record.key))?.received.raw.equals(record.received.raw))
      assert.deepEqual(await Array.fromAsync(store.check?.() ?? []), [])
    })

    test('keep what an amendment that was too late had written as their pointers: the next one may count on it', async () => {
      await using store = await open('late')
      await using session = await connect(config, context, keyspace)
      const decide: Session['decide'] = async (...statement) => {
        assert.equal(await store.amend(record.key, 0, acceptedVerdict('R1', 'first')), true)
        return session.decide(...statement)
      }
      const changes = openChanges({ ...session, decide }, openRows(session), openPointers(session))
      const record = accepted(1)
      await put(store, [record])
      assert.equal(await changes.amend(record.key, 0, acceptedVerdict('R1', 'late'), {}), false)
      const found = await session.run('SELECT product FROM by_product', [])
      assert.deepEqual(new Set(found.map((row) => row['product'])), new Set(['first', 'late']))
      assert.deepEqual(await all(store, { by: 'product', product: 'late' }), [])
    })

    test('are refused where raw is larger than the page says, and the others are kept', async () => {
      await using store = await open('refused')
      const arrival = arrivalOf(accepted(1))
      const raw = Buffer.alloc(MAX_RAW_BYTES + 1)
      const large = { ...arrival, received: { ...arrival.received, raw } }
      const [refused, kept] = await store.put([large, arrivalOf(accepted(2))])
      assert.equal(typeof refused === 'object' && refused.code, 'too_large')
      assert.equal(kept, 'stored')
    })

    test('are those of the first sighting, whole, when two processes bring two at the same time', async () => {
      await using store = await open('race')
      await using other = await open('race', true)
      const first = numbered(300)
      const later = first.map(({ key }, n) => ({
        ...rejected(n, CLUSTER, { receivedAt: START + 86_400_000 + n }),
        key,
      }))
      const outcomes = await Promise.all([put(other, later), put(store, first)])
      const told = first.filter((_, n) => outcomes.some((of) => of[n] === 'stored')).length
      assert.equal(told, 300, 'each was told to somebody as stored')
      const found = await all(store, { by: 'time' })
      assert.deepEqual(keysOf(found).toSorted(), keysOf(first).toSorted())
      for (const { revision: _, rawHash: __, storedAt: ___, ...record } of found) {
        const brought = [...first, ...later].filter(({ key }) => key === record.key)
        assert.deepEqual(
          record,
          brought.find(({ received }) => received.receivedAt === record.received.receivedAt),
        )
      }
      assert.deepEqual(await Array.fromAsync(store.check?.() ?? []), [])
    })

    test('that were altered, or that nothing points to, are named by a check', async () => {
      await using store = await open('damage')
      const [altered, lost, ...others] = numbered(70)
      assert.ok(altered && lost)
      await put(store, [altered, lost, ...others])
      assert.deepEqual(await Array.fromAsync(store.check?.() ?? []), [])
      const client = await clientOf(server, keyspace)
      await client.execute("UPDATE reviews SET raw = textAsBlob('x') WHERE key = ?", [altered.key])
      await client.execute('DELETE FROM by_review WHERE review = ?', [lost.key.slice(0, 16)])
      await client.shutdown()
      const found = await Array.fromAsync(store.check?.() ?? [])
      assert.deepEqual(
        new Set(found.map(({ problem, keys }) => `${problem}: ${keys.join()}`)),
        new Set([`altered: ${altered.key}`, `by_review does not point to it: ${lost.key}`]),
      )
    })

    test(`of a product with ${hotCount} of them are found as fast as those of a small one`, async (t) => {
      await using store = await open('hot')
      const small = 100
      await put(store, numbered(small, 0, { product: 'small' }))
      await putMany(store, hotCount, 1_000, { product: 'hot' })
      const time = async (product: string): Promise<number> => {
        const startedAt = performance.now()
        for await (const { records } of store.scan({ by: 'product', product, pageSize: small })) {
          assert.equal(records.length, small)
          break
        }
        return performance.now() - startedAt
      }
      // In turn, so that what slows the machine down for a moment slows both.
      let [ofSmall, ofHot] = [Infinity, Infinity]
      for (let turn = 0; turn < 10; turn++) {
        ofSmall = Math.min(ofSmall, await time('small'))
        ofHot = Math.min(ofHot, await time('hot'))
      }
      t.diagnostic(
        `a page of ${small}: ${ofSmall.toFixed(1)} ms of ${small}, ${ofHot.toFixed(1)} ms of ${hotCount}`,
      )
      assert.ok(ofHot < 5 * ofSmall + 50, `${ofHot} ms against ${ofSmall} ms`)
      assert.equal(await count(store, { by: 'product', product: 'hot' }), hotCount)
    })
  })
}
