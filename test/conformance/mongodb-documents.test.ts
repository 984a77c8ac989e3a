import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { MongoClient } from 'mongodb'
import type { Context } from '../../src/adapter.ts'
import { HeadwaterError, TransientError } from '../../src/errors.ts'
import { halfOf } from '../../src/review/key.ts'
import type { ReviewRecord } from '../../src/review/record.ts'
import { eraseReviews } from '../../src/services/erasing.ts'
import { purge } from '../../src/services/purge.ts'
import { collectionsIn } from '../../src/stores/mongodb/collections.ts'
import mongodb from '../../src/stores/mongodb/index.ts'
import { openStore } from '../../src/stores/mongodb/store.ts'
import type { Damage, Store } from '../../src/stores/store.ts'
import { answerOf } from '../support/mongo-shell.ts'
import { silent } from '../support/queue-context.ts'
import { accepted, acceptedVerdict, numbered, put, putMany, rejected } from '../support/records.ts'
import { mongodbServer } from '../support/servers/mongodb.ts'
import { all, count, keysOf, one } from '../support/store-reads.ts'

const server = await mongodbServer()

if (server.skip !== false) test('mongodb documents', { skip: server.skip }, () => {})
else {
  const { url, database, standIn } = server
  const client = new MongoClient(url, { promoteBuffers: true, ignoreUndefined: true, monitorCommands: true })
  after(async () => {
    await client.close()
    await server[Symbol.asyncDispose]()
  })
  const db = client.db(database)
  const context: Context = { logger: silent, signal: new AbortController().signal, dataDir: '.' }
  const configOf = (prefix: string) => mongodb.config.parse({ url, database, prefix })

  async function opened(prefix: string): Promise<Store> {
    await mongodb.provision?.(configOf(prefix), context)
    return mongodb.open(configOf(prefix), context)
  }

  const MEBIBYTE = 2 ** 20
  const large = (number: number, raw: Buffer): ReviewRecord => rejected(number, 'c'.repeat(16), { raw })

  test('keeps raw of any size, and erases all of it', async () => {
    await using store = await opened('sizes.')
    const { reviews, parts } = collectionsIn(db, 'sizes.')
    const raws = [
      Buffer.alloc(4 * MEBIBYTE, 'a'),
      Buffer.alloc(4 * MEBIBYTE + 1, 'a'),
      randomBytes(4 * MEBIBYTE),
      randomBytes(4 * MEBIBYTE + 1),
      randomBytes(15 * MEBIBYTE),
      Buffer.concat([Buffer.alloc(20 * MEBIBYTE, 'a'), randomBytes(12 * MEBIBYTE)]),
    ]
    const records = raws.map((raw, n) => large(n, raw))
    assert.deepEqual(
      await put(store, records),
      raws.map(() => 'stored'),
    )
    assert.deepEqual(
      await put(store, records),
      raws.map(() => 'unchanged'),
    )
    const kept = await reviews.find({}, { sort: { _id: 1 }, projection: { rawAs: 1 } }).toArray()
    const how = new Map(kept.map(({ _id, rawAs }) => [_id, rawAs]))
    assert.deepEqual(
      records.map(({ key }) => how.get(key)),
      [undefined, 'zstd', undefined, 'parts', 'parts', 'parts'],
    )
    assert.equal(await parts.countDocuments(), 1 + 2 + 3)
    const scanned = await all(store, { by: 'cluster', cluster: 'c'.repeat(16) })
    assert.equal(scanned.length, raws.length)
    for (const { key, received, rawHash } of scanned) {
      const raw = raws[records.findIndex((record) => record.key === key)]
      assert.ok(raw?.equals(received.raw))
      assert.equal(rawHash, hash('sha256', received.raw, 'hex'))
    }
    assert.equal(
      await store.deadLetterBytes?.(),
      raws.reduce((sum, { length }) => sum + length, 0),
    )
    assert.deepEqual(await Array.fromAsync(store.check?.() ?? []), [])
    await store.erase(keysOf(records))
    assert.deepEqual([await reviews.countDocuments(), await parts.countDocuments()], [0, 0])
  })

  test('keeps the parts of the first write alone, whoever writes at the same time', async () => {
    await using store = await opened('race.')
    await using other = await mongodb.open(configOf('race.'), context)
    const { parts } = collectionsIn(db, 'race.')
    const [one1, two] = [large(1, randomBytes(14 * MEBIBYTE)), large(1, randomBytes(5 * MEBIBYTE))]
    const same = (await Promise.all([put(store, [one1]), put(other, [one1])])).flat()
    assert.deepEqual(new Set(same), new Set(['stored', 'unchanged']))
    assert.deepEqual(await put(other, [two]), ['unchanged'])
    assert.equal(await parts.countDocuments(), 2)
    assert.ok((await one(store, one1.key))?.received.raw.equals(one1.received.raw))
    assert.deepEqual(await Array.fromAsync(store.check?.() ?? []), [])
  })

  test('shows a record with its parts or not at all, while it is put and erased', async () => {
    await using store = await opened('half.')
    await using reader = await mongodb.open(configOf('half.'), context)
    const record = large(1, randomBytes(13 * MEBIBYTE))
    let isWriting = true
    const writing = (async () => {
      for (let turn = 0; turn < 3; turn++) {
        assert.deepEqual(await put(store, [record]), ['stored'])
        await store.erase([record.key])
      }
    })().finally(() => {
      isWriting = false
    })
    while (isWriting) {
      const seen = await one(reader, record.key)
      assert.ok(seen === undefined || seen.received.raw.equals(record.received.raw))
    }
    await writing
  })

  test('leaves no row without its parts when a put comes between the rows and the parts of an erasure', async () => {
    await using store = await opened('between.')
    const record = large(1, randomBytes(5 * MEBIBYTE))
    let asked = 0
    async function ask<T>(question: () => Promise<T>): Promise<T> {
      const answer = await question()
      if (++asked === 2) assert.deepEqual(await put(store, [record]), ['stored'])
      return answer
    }
    await using eraser = openStore({ db, isAlone: true, ask, async [Symbol.asyncDispose]() {} }, 'between.')
    await eraser.erase([record.key])
    assert.equal(await one(store, record.key), undefined)
    assert.deepEqual(await Array.fromAsync(store.check?.() ?? []), [])
    const { reviews, parts } = collectionsIn(db, 'between.')
    assert.deepEqual([await reviews.countDocuments(), await parts.countDocuments()], [0, 0])
  })

  test('leaves no parts for good of what an erasure that was cut off behind the rows was to erase', async () => {
    await using store = await opened('cut.')
    await using registry = await mongodb.openRegistry(configOf('cut.'), context)
    let asked = 0
    async function ask<T>(question: () => Promise<T>): Promise<T> {
      if (++asked > 2) throw new TransientError('STORE_UNAVAILABLE', 'cut off')
      return question()
    }
    await using cutOff = openStore({ db, isAlone: true, ask, async [Symbol.asyncDispose]() {} }, 'cut.')
    const { reviews, parts } = collectionsIn(db, 'cut.')
    const { signal } = context
    const record = large(1, randomBytes(5 * MEBIBYTE))
    await put(store, [record])
    const halves = [halfOf(record.key)]
    const cut = {
      store: { ...store, erase: (keys: readonly string[]) => cutOff.erase(keys) },
      registry,
    }
    await assert.rejects(eraseReviews(halves, cut, signal), /cut off/)
    assert.deepEqual([await reviews.countDocuments(), await parts.countDocuments()], [0, 1])
    await Array.fromAsync(purge((async function* () {})(), { store, registry, dryRun: false, signal }))
    assert.equal(await parts.countDocuments(), 0)
    assert.deepEqual(await Array.fromAsync(registry.list('erasing/')), [])
  })

  test('finds what is damaged, and stops a scan there', async () => {
    await using store = await opened('damaged.')
    const { reviews, parts } = collectionsIn(db, 'damaged.')
    const lacking = large(900, randomBytes(5 * MEBIBYTE))
    const records = [...numbered(10), lacking]
    await put(store, records)
    const [altered, moved, broken, odd] = records.map(({ key }) => key)
    await reviews.updateOne(
      { _id: altered ?? '' },
      { $set: { raw: Buffer.from('x'.repeat(accepted(0).received.raw.length)) } },
    )
    await reviews.updateOne({ _id: moved ?? '' }, { $set: { product: 'another' } })
    await reviews.updateOne({ _id: broken ?? '' }, { $set: { rawLength: 1 } })
    await reviews.updateOne({ _id: odd ?? '' }, { $set: { format: 9 } })
    await parts.updateMany({}, { $set: { key: 'nobody' } })
    await parts.insertOne({ _id: 'gone/0/0', key: 'gone', receivedAt: new Date(0), bytes: Buffer.alloc(1) })
    const found: Damage[] = await Array.fromAsync(store.check?.() ?? [])
    const told = new Map(found.map(({ problem, keys }) => [keys.join(), problem]))
    assert.match(told.get(altered ?? '') ?? '', /altered/)
    assert.match(told.get(moved ?? '') ?? '', /found by/)
    assert.match(told.get(broken ?? '') ?? '', /bytes of raw/)
    assert.match(told.get(odd ?? '') ?? '', /format/)
    assert.match(
      found.map(({ problem, keys }) => `${problem} ${keys.join()}`).join(';'),
      /parts of raw that no record has.*gone/,
    )
    await parts.deleteMany({})
    const lacks = (await Array.fromAsync(store.check?.() ?? [])).find(({ keys }) =>
      keys.includes(lacking.key),
    )
    assert.match(lacks?.problem ?? '', /lacks parts/)
    await assert.rejects(
      all(store, { by: 'time' }),
      (error) => error instanceof HeadwaterError && error.code.startsWith('DATA_'),
    )
    assert.equal((await one(store, records[5]?.key ?? ''))?.key, records[5]?.key)
  })

  const isMissing =
    (...words: readonly string[]) =>
    (error: unknown) =>
      error instanceof HeadwaterError &&
      error.code === 'TABLES_MISSING' &&
      [...words, 'headwater provision'].every((word) => error.message.includes(word))

  test('names every collection and index that is missing or different', async () => {
    const missing = isMissing('none.reviews', 'none.parts', 'none.registry')
    await assert.rejects(mongodb.open(configOf('none.'), context), missing)
    await assert.rejects(mongodb.openRegistry(configOf('none.'), context), missing)
    await mongodb.provision?.(configOf('some.'), context)
    const { reviews } = collectionsIn(db, 'some.')
    await reviews.dropIndex('by_product')
    await assert.rejects(mongodb.open(configOf('some.'), context), isMissing('by_product', 'some.reviews'))
    await mongodb.provision?.(configOf('some.'), context)
    await reviews.dropIndex('by_time')
    await reviews.createIndex({ receivedAt: -1 }, { name: 'by_time' })
    await assert.rejects(mongodb.open(configOf('some.'), context), isMissing('by_time', '{"receivedAt":-1}'))
    await assert.rejects(async () => mongodb.provision?.(configOf('some.'), context), isMissing('by_time'))
  })

  const nobodyAsks =
    'the stand-in asks nobody who he is; what is made of the answers: test/unit/stores/mongodb/concerns.test.ts'

  test('says that user or password are wrong', { skip: standIn && nobodyAsks }, async () => {
    const config = mongodb.config.parse({
      url,
      database,
      username: 'nobody',
      password: 'wrong',
      timeoutMs: '5s',
    })
    await assert.rejects(
      mongodb.open(config, context),
      (error) =>
        error instanceof HeadwaterError &&
        error.code === 'STORE_REFUSED_ACCESS' &&
        error.message.includes('store.url'),
    )
  })

  test('answers the queries that its page shows', async () => {
    await using store = await opened('')
    await using registry = await mongodb.openRegistry(configOf(''), context)
    await registry.compareAndSet('checkpoint/shop', 0, Buffer.from('1'))
    const mine = acceptedVerdict('R', 'B0EXAMPLE1')
    const low = { ...mine, review: { ...mine.review, rating: 1 } }
    await put(store, [
      { ...accepted(1, { product: 'B0EXAMPLE1' }), verdict: low },
      accepted(2),
      rejected(3, 'c'.repeat(16)),
    ])
    const page = await readFile(join(import.meta.dirname, '../../docs/adapters/mongodb.md'), 'utf8')
    const queries = [...page.matchAll(/^db\.(?!createUser).+$/gm)].map(([query]) => query)
    assert.ok(queries.length >= 8)
    for (const query of queries) {
      const found = await answerOf(query, db)
      assert.ok(
        Array.isArray(found) ? found.length > 0 : Number(found) > 0,
        `${query}: ${JSON.stringify(found)}`,
      )
    }
  })

  const HOT = Number(process.env['HEADWATER_HOT_COUNT'] ?? 5_000)

  test('reads a hot product with as much work for a row however many it has', async (t) => {
    await mongodb.provision?.(configOf('hot.'), context)
    const ask = <T>(question: () => Promise<T>): Promise<T> => question()
    const store = openStore({ db, isAlone: true, ask, async [Symbol.asyncDispose]() {} }, 'hot.')
    const asked: { finds: number; returned: number } = { finds: 0, returned: 0 }
    client.on('commandSucceeded', ({ commandName, reply }) => {
      if (commandName !== 'find') return
      asked.finds++
      asked.returned += (reply as { cursor: { firstBatch: unknown[] } }).cursor.firstBatch.length
    })

    async function work(
      read: () => Promise<number>,
    ): Promise<{ finds: number; returned: number; rows: number }> {
      const before = { ...asked }
      const rows = await read()
      return { finds: asked.finds - before.finds, returned: asked.returned - before.returned, rows }
    }

    const product = 'P'
    const [few, many] = [HOT / 5, HOT]
    let middle = ''
    for (const [from, to] of [
      [0, few],
      [few, many],
    ] as const) {
      await putMany(store, to - from, from, { product })
      const whole = await work(() => count(store, { by: 'product', product }))
      assert.deepEqual([whole.rows, whole.returned], [to, to])
      assert.ok(whole.finds <= 2 * Math.ceil(to / 500) + 4, `${whole.finds} questions for ${to} rows`)
      const page = await work(async () => {
        for await (const { records, after: position } of store.scan({
          by: 'product',
          product,
          ...(middle !== '' && { after: middle }),
        })) {
          middle ||= position
          return records.length
        }
        return 0
      })
      assert.deepEqual([page.rows, page.returned], [500, 500])
      assert.ok(page.finds <= 2)
      assert.deepEqual(await work(async () => (await store.get([accepted(to - 1).key])).size), {
        finds: 1,
        returned: 1,
        rows: 1,
      })
      t.diagnostic(`${to} rows: ${whole.finds} questions for all, ${page.finds} for a page from the middle`)
    }
  })

  const noPlans = 'the stand-in has no explain, and looks at every row: its plans say nothing of a MongoDB'

  test('looks at no more index entries than a page has rows', { skip: standIn && noPlans }, async () => {
    await using store = await opened('plans.')
    await put(store, numbered(2_000, 0, { product: 'P' }))
    const { reviews } = collectionsIn(db, 'plans.')
    const since = { receivedAt: { $gte: new Date(accepted(1_000).received.receivedAt) } }
    for (const [index, filter] of [
      ['by_time', {}],
      ['by_product', { product: 'P' }],
    ] as const) {
      const how = { limit: 100, hint: index, sort: { receivedAt: 1, _id: 1 } } as const
      const { executionStats } = await reviews.find({ ...filter, ...since }, how).explain('executionStats')
      assert.ok(executionStats.totalKeysExamined <= 101, `${index}: ${executionStats.totalKeysExamined}`)
      assert.equal(executionStats.totalDocsExamined, 100)
    }
  })
}
