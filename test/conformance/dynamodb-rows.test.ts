import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import { after, describe, test } from 'node:test'
import { DynamoDB } from '@aws-sdk/client-dynamodb'
import type { Context } from '../../src/adapter.ts'
import { HeadwaterError, TransientError } from '../../src/errors.ts'
import { halfOf, reviewHalf } from '../../src/review/key.ts'
import type { ReviewRecord } from '../../src/review/record.ts'
import { eraseReviews } from '../../src/services/erasing.ts'
import { purge } from '../../src/services/purge.ts'
import dynamodb from '../../src/stores/dynamodb/index.ts'
import type { Store } from '../../src/stores/store.ts'
import { pageExamples } from '../support/page-examples.ts'
import { silent } from '../support/queue-context.ts'
import {
  accepted,
  acceptedVerdict,
  numbered,
  put,
  putMany,
  rejected,
  rejectedVerdict,
} from '../support/records.ts'
import { type Behaviour, startFront } from '../support/servers/dynamodb-front.ts'
import { dynamodbServer } from '../support/servers/dynamodb.ts'
import { all, count, keysOf, one } from '../support/store-reads.ts'

const server = await dynamodbServer()
const context: Context = { logger: silent, signal: new AbortController().signal, dataDir: '.' }
const HOT = Number(process.env['HEADWATER_HOT_COUNT'] ?? 2_400)

describe('dynamodb rows', { skip: server.skip }, () => {
  if (server.skip !== false) return
  const { settings, own } = server
  const { endpoint, region } = settings
  const db = new DynamoDB({ region, ...(endpoint !== undefined && { endpoint }) })
  after(async () => {
    db.destroy()
    await server[Symbol.asyncDispose]()
  })

  async function opened(prefix: string, more: object = {}): Promise<Store> {
    const config = dynamodb.config.parse({ ...settings, prefix, ...more })
    await dynamodb.provision?.(config, context)
    return dynamodb.open(config, context)
  }

  async function partsOf(prefix: string): Promise<readonly string[]> {
    const names: string[] = []
    const query = {
      TableName: `${prefix}parts`,
      ProjectionExpression: '#owner',
      ExpressionAttributeNames: { '#owner': 'owner' },
    }
    for (let start: object | undefined, isFirst = true; isFirst || start; isFirst = false) {
      const page = await db.scan({ ...query, ...(start && { ExclusiveStartKey: start as never }) })
      names.push(...(page.Items ?? []).map(({ owner }) => owner?.S ?? ''))
      start = page.LastEvaluatedKey
    }
    return names
  }

  test('answers the queries that its page shows', async () => {
    const prefix = 'test-by-hand-'
    await using store = await opened(prefix)
    await using registry = await dynamodb.openRegistry(
      dynamodb.config.parse({ ...settings, prefix }),
      context,
    )
    await put(store, [...numbered(200), rejected(900, 'c'.repeat(16))])
    await registry.compareAndSet('checkpoint/shop', 0, Buffer.from('{}'))
    const [{ key } = accepted(0)] = numbered(200)
    const found: Record<string, unknown>[] = []
    for (const block of (await pageExamples('dynamodb')).blocks('sql')) {
      const statement = block
        .replaceAll('headwater-', prefix)
        .replace(/review_half = '\w+'/, `review_half = '${key.slice(0, 16)}'`)
        .replace(/content_half = '\w+'/, `content_half = '${key.slice(16)}'`)
      const { Items: items = [] } = await db.executeStatement({ Statement: statement })
      assert.ok(items.length > 0, statement)
      found.push(...items)
    }
    assert.ok(
      found.some(({ review_text: text }) => (text as { S?: string } | undefined)?.S?.startsWith('The lid')),
    )
    assert.equal(found.filter(({ code }) => code !== undefined).length, 1)
  })

  test('lays a review out in types of its own, whatever they can not carry', async () => {
    const prefix = 'test-types-'
    await using store = await opened(prefix)
    const verdict = acceptedVerdict('R1', 'P')
    const odd = {
      rating: 4.5,
      is_verified: true,
      votes: 1e300,
      tiny: 5e-324,
      '': 1,
      list: [1, null, { '': 2 }],
    }
    let deep: unknown = 'bottom'
    for (let level = 0; level < 60; level++) deep = [deep]
    const review = { ...verdict.review, ...odd, deep, 'a.b': { $c: 'x' }, nul: '\0' }
    const record: ReviewRecord = { ...accepted(1), verdict: { ...verdict, review } }
    assert.deepEqual(await put(store, [record]), ['stored'])
    assert.deepEqual((await one(store, record.key))?.verdict, record.verdict)
    const { Items: [item] = [] } = await db.scan({ TableName: `${prefix}reviews` })
    assert.equal(item?.['product']?.S, 'P')
    assert.deepEqual(item?.['raw']?.B, new Uint8Array(record.received.raw))
    // A name that is empty leaves nothing but text.
    assert.deepEqual(JSON.parse(item?.['review']?.S ?? ''), review)
    const { '': _, ...plain } = review
    const second = { ...accepted(2), verdict: { ...verdict, review: plain } }
    await put(store, [second])
    const { Items: [native] = [] } = await db.executeStatement({
      Statement: `SELECT review FROM "${prefix}reviews" WHERE review_half = '${second.key.slice(0, 16)}'`,
    })
    const { M: fields } = native?.['review'] ?? {}
    assert.equal(fields?.['rating']?.N, '4.5')
    assert.equal(fields?.['is_verified']?.BOOL, true)
    assert.equal(fields?.['votes']?.S, '1e+300')
    assert.equal(fields?.['list']?.L?.[1]?.NULL, true)
    assert.equal(fields?.['a.b']?.M?.['$c']?.S, 'x')
  })

  test('keeps what is far too large for an item, of raw, verdict and context, and gives it back equal', async () => {
    const prefix = 'test-large-'
    await using store = await opened(prefix)
    const raw = randomBytes(15_000_000)
    const text = randomBytes(450_000).toString('base64')
    const base = accepted(1, { raw })
    const record: ReviewRecord = {
      ...base,
      verdict: {
        ...acceptedVerdict('R1', 'P'),
        review: { ...acceptedVerdict('R1', 'P').review, review_text: text },
      },
      received: { ...base.received, context: { source: 's', kind: 'file', carried: { text } } },
    }
    const compressible = accepted(2, { raw: Buffer.alloc(3_000_000, 'a review ') })
    assert.deepEqual(await put(store, [record, compressible]), ['stored', 'stored'])
    for (const { key, received, verdict } of [record, compressible]) {
      const stored = await one(store, key)
      assert.ok(stored?.received.raw.equals(received.raw))
      assert.deepEqual(stored?.verdict, verdict)
      assert.deepEqual(stored?.received.context, received.context)
    }
    assert.equal((await all(store, { by: 'time' })).length, 2)
    const parts = await partsOf(prefix)
    assert.ok(parts.length >= 40 && parts.every((owner) => owner === record.key), `${parts.length}`)
    // A verdict that is replaced takes its pieces along.
    assert.ok(await store.amend(record.key, 0, rejectedVerdict('d'.repeat(16))))
    assert.ok((await one(store, record.key))?.received.raw.equals(raw))
    assert.ok((await partsOf(prefix)).length < parts.length)
    assert.ok(await store.amend(record.key, 1, record.verdict))
    assert.deepEqual((await one(store, record.key))?.verdict, record.verdict)
    assert.equal((await partsOf(prefix)).length, parts.length)
    assert.deepEqual(await Array.fromAsync(store.check?.() ?? []), [])
    await store.erase([record.key])
    assert.deepEqual(await partsOf(prefix), [])
  })

  test('keeps the pieces of the first write alone when several put one key at the same time', async () => {
    const prefix = 'test-race-'
    await using store = await opened(prefix)
    await using other = await opened(prefix)
    const record = accepted(1)
    const rivals = Array.from({ length: 6 }, () => ({
      ...record,
      received: { ...record.received, raw: randomBytes(900_000) },
    }))
    const outcomes = await Promise.all(rivals.map((rival, n) => put(n % 2 ? store : other, [rival])))
    const winners = rivals.filter((_, n) => outcomes[n]?.[0] === 'stored')
    assert.equal(winners.length, 1)
    assert.ok(
      (await one(store, record.key))?.received.raw.equals(winners[0]?.received.raw ?? Buffer.alloc(0)),
    )
    assert.equal((await partsOf(prefix)).length, 3)
  })

  test('never leaves half of a record when it is put, read and erased at the same time', async () => {
    const prefix = 'test-erase-race-'
    await using store = await opened(prefix)
    const record = accepted(1, { raw: randomBytes(900_000) })
    let isOver = false
    const reading = (async () => {
      while (!isOver) {
        const stored = await one(store, record.key)
        assert.ok(stored === undefined || stored.received.raw.equals(record.received.raw))
      }
    })()
    for (let round = 0; round < 15; round++) {
      await Promise.allSettled([put(store, [record]), store.erase([record.key]), put(store, [record])])
    }
    isOver = true
    await reading
    await put(store, [record])
    assert.ok((await one(store, record.key))?.received.raw.equals(record.received.raw))
    await store.erase([record.key])
    assert.deepEqual(await partsOf(prefix), [])
  })

  test('leaves no pieces for good of what an erasure that was cut off behind the rows was to erase', {
    skip: own ? false : 'needs our own server',
  }, async () => {
    const prefix = 'test-cut-'
    assert.ok(own)
    await using store = await opened(prefix)
    await using registry = await dynamodb.openRegistry(
      dynamodb.config.parse({ ...settings, prefix }),
      context,
    )
    const throttled = { error: 'ProvisionedThroughputExceededException', message: 'a test' }
    await using front = await startFront(
      own.port,
      ({ body }): Behaviour =>
        Object.keys(body.RequestItems ?? {}).includes(`${prefix}parts`) ? throttled : 'pass',
    )
    await using cutOff = await opened(prefix, { endpoint: front.endpoint, timeoutMs: '1s' })
    const { signal } = context
    const record = accepted(1, { raw: randomBytes(900_000) })
    await put(store, [record])
    await assert.rejects(
      eraseReviews([halfOf(record.key)], { store: cutOff, registry }, signal),
      TransientError,
    )
    assert.equal(await one(store, record.key), undefined)
    assert.equal((await partsOf(prefix)).length, 3)
    await Array.fromAsync(purge((async function* () {})(), { store, registry, dryRun: false, signal }))
    assert.deepEqual(await partsOf(prefix), [])
    assert.deepEqual(await Array.fromAsync(registry.list('erasing/')), [])
  })

  test('reads a hot product in the same number of requests, however much it has', {
    skip: own ? false : 'needs our own server',
  }, async () => {
    const prefix = 'test-hot-'
    assert.ok(own)
    let asked = 0
    await using front = await startFront(own.port, (): Behaviour => {
      asked++
      return 'pass'
    })
    await using direct = await opened(prefix)
    const config = dynamodb.config.parse({ ...settings, endpoint: front.endpoint, prefix })
    await using store = await dynamodb.open(config, context)
    const work: { first: number; key: number; whole: number }[] = []
    const third = Math.ceil(HOT / 3)
    for (let round = 0; round < 3; round++) {
      await putMany(direct, third, round * third, { product: 'hot' })
      work.push({
        first: await cost(async () => {
          for await (const page of store.scan({ by: 'product', product: 'hot', pageSize: 100 })) {
            assert.equal(page.records.length, 100)
            break
          }
        }),
        key: await cost(async () => void (await one(store, accepted(round).key))),
        whole: await cost(async () => {
          assert.equal(await count(store, { by: 'product', product: 'hot' }), (round + 1) * third)
        }),
      })
    }
    assert.ok(
      work.every(({ key }) => key === 1),
      JSON.stringify(work),
    )
    assert.ok(
      work.every(({ first }) => first <= 2 * 8 + 1),
      JSON.stringify(work),
    )
    // A hundred rows a request, and the shards of the index beside.
    for (const [round, { whole }] of work.entries())
      assert.ok(whole <= ((round + 1) * third) / 50 + 30, JSON.stringify(work))

    async function cost(reading: () => Promise<void>): Promise<number> {
      const before = asked
      await reading()
      return asked - before
    }
  })

  test('a registry entry lost the parts of its newest value to whoever cleaned up behind the one before', {
    skip: own ? false : 'needs our own server',
  }, async () => {
    assert.ok(own)
    const prefix = 'test-replaced-'
    await using _ = await opened(prefix)
    const openRegistry = async (endpoint: string | undefined) =>
      dynamodb.openRegistry(dynamodb.config.parse({ ...settings, endpoint, prefix }), context)
    await using other = await openRegistry(endpoint)
    const [first, second, third] = [1, 2, 3].map(() => randomBytes(500_000))
    assert.ok(first && second && third)
    const revisionOf = async (): Promise<number> => (await other.get('large'))?.revision ?? 0
    let overtaken: boolean | undefined
    // Before it looks for what to delete, or deletes it, the next value is written.
    await using front = await startFront(own.port, async ({ operation, body }): Promise<Behaviour> => {
      const isAtParts = JSON.stringify(body).includes(`"${prefix}parts"`)
      const isCleaning = operation === 'BatchWriteItem' || operation === 'Query'
      if (
        isAtParts &&
        isCleaning &&
        overtaken === undefined &&
        (await other.get('large'))?.value.equals(second)
      ) {
        overtaken = false
        overtaken = await other.compareAndSet('large', await revisionOf(), third)
      }
      return 'pass'
    })
    await using slow = await openRegistry(front.endpoint)
    const orphan = { owner: `registry/${hash('sha256', 'large', 'hex')}`, part: '1/value/000000' }
    await db.putItem({
      TableName: `${prefix}parts`,
      Item: { owner: { S: orphan.owner }, part: { S: orphan.part }, bytes: { B: Buffer.from('cut off') } },
    })
    assert.ok(await slow.compareAndSet('large', 0, first))
    assert.equal((await partsOf(prefix)).length, 2, 'nothing is left of a write that was cut off')
    assert.ok(await slow.compareAndSet('large', await revisionOf(), second))
    assert.equal(overtaken, true)
    assert.deepEqual((await other.get('large'))?.value, third)
    assert.equal((await partsOf(prefix)).length, 2, 'nothing is left of the others')
    assert.ok(await other.remove('large', await revisionOf()))
    assert.deepEqual(await partsOf(prefix), [])
  })

  test('finds what an index would not lead to, what can not be read, and what was altered beside them', async () => {
    const prefix = 'test-damage-'
    await using store = await opened(prefix)
    const records = [...numbered(3), accepted(3, { raw: randomBytes(900_000) })]
    await put(store, records)
    assert.deepEqual(await Array.fromAsync(store.check?.() ?? []), [])
    const keyOf = (n: number) => {
      const key = records[n]?.key ?? ''
      return { review_half: { S: key.slice(0, 16) }, content_half: { S: key.slice(16) } }
    }
    const change = {
      TableName: `${prefix}reviews`,
      ExpressionAttributeValues: { ':v': { S: 'elsewhere#1' } },
    }
    await db.updateItem({ ...change, Key: keyOf(0), UpdateExpression: 'SET product_shard = :v' })
    await db.updateItem({ ...change, Key: keyOf(1), UpdateExpression: 'SET verdict = :v' })
    const { Items: [part] = [] } = await db.scan({ TableName: `${prefix}parts` })
    await db.deleteItem({
      TableName: `${prefix}parts`,
      Key: { owner: part?.['owner'] ?? { S: '' }, part: part?.['part'] ?? { S: '' } },
    })
    await db.updateItem({
      TableName: `${prefix}reviews`,
      Key: keyOf(2),
      UpdateExpression: 'SET #raw = :v',
      ExpressionAttributeNames: { '#raw': 'raw' },
      ExpressionAttributeValues: { ':v': { B: Buffer.from('other') } },
    })
    const damage = await Array.fromAsync(store.check?.() ?? [])
    assert.deepEqual(damage.flatMap(({ keys }) => keys).toSorted(), keysOf(records).toSorted())
    assert.deepEqual(
      damage.find(({ keys }) => keys[0] === records[2]?.key),
      { problem: 'altered', keys: keysOf(records.slice(2, 3)) },
    )
    await assert.rejects(one(store, records[1]?.key ?? ''), { code: 'DATA_CORRUPT' })
  })

  test('lets rows expire where that is wanted, and their pieces a week later', async () => {
    const prefix = 'test-expiry-'
    await using store = await opened(prefix, { expireAfterMs: '10d' })
    const record = accepted(1, { raw: randomBytes(900_000), receivedAt: Date.now() })
    await put(store, [record])
    const verdict = acceptedVerdict('R1', 'P')
    const text = randomBytes(450_000).toString('base64')
    await store.amend(record.key, 0, { ...verdict, review: { ...verdict.review, review_text: text } })
    for (const [table, days] of Object.entries({ reviews: 10, parts: 17 })) {
      const due = String(Math.ceil((record.received.receivedAt + days * 86_400_000) / 1_000))
      const { Items: items = [] } = await db.scan({ TableName: prefix + table })
      assert.ok(items.length > 0 && items.every(({ expires_at: expires }) => expires?.N === due))
      const { TimeToLiveDescription: ttl } = await db.describeTimeToLive({ TableName: prefix + table })
      assert.deepEqual([ttl?.AttributeName, ttl?.TimeToLiveStatus], ['expires_at', 'ENABLED'])
    }
  })

  test('counts a row as gone that is due and whose pieces were deleted first', async () => {
    const prefix = 'test-expired-'
    await using store = await opened(prefix, { expireAfterMs: '10d' })
    // DynamoDB deletes what is due within days, and Amazon's local server at once: here never.
    for (const table of own ? ['reviews', 'parts'] : [])
      await db.updateTimeToLive({
        TableName: prefix + table,
        TimeToLiveSpecification: { Enabled: false, AttributeName: 'expires_at' },
      })
    const due = accepted(1, { raw: randomBytes(900_000) })
    const fresh = accepted(2, { raw: randomBytes(900_000), receivedAt: Date.now() })
    await put(store, [accepted(0), due, fresh])
    await deleteParts(prefix, due.key)
    assert.deepEqual(keysOf(await all(store, { by: 'time' })), keysOf([accepted(0), fresh]))
    assert.deepEqual(await put(store, [due]), ['unchanged'])
    assert.equal(await one(store, due.key), undefined)
    assert.deepEqual(await Array.fromAsync(store.check?.() ?? []), [])
    await deleteParts(prefix, fresh.key)
    await assert.rejects(one(store, fresh.key), { code: 'DATA_CORRUPT' })
  })

  async function deleteParts(prefix: string, owner: string): Promise<void> {
    const { Items: parts = [] } = await db.query({
      TableName: `${prefix}parts`,
      KeyConditionExpression: '#owner = :owner',
      ExpressionAttributeNames: { '#owner': 'owner' },
      ExpressionAttributeValues: { ':owner': { S: owner } },
    })
    assert.ok(parts.length > 0)
    for (const { part = assert.fail() } of parts)
      await db.deleteItem({ TableName: `${prefix}parts`, Key: { owner: { S: owner }, part } })
  }

  test('finds the versions of a review at once, and those of no other', async () => {
    await using store = await opened('test-history-')
    const half = reviewHalf('shop', '"77"')
    for (let n = 0; n < 20; n++) await put(store, [accepted(n, { reviewId: '77' })])
    assert.equal((await all(store, { by: 'review', half, pageSize: 7 })).length, 20)
    await assert.rejects(all(store, { by: 'review', half, after: 'nonsense' }), { code: 'POSITION_UNKNOWN' })
  })

  describe('that can not be opened', () => {
    const refusal = async (more: object, code: string, ...words: readonly RegExp[]): Promise<void> => {
      const startedAt = performance.now()
      const opening = dynamodb.open(dynamodb.config.parse({ ...settings, ...more }), context)
      await assert.rejects(opening, (error) => {
        assert.ok(error instanceof HeadwaterError)
        assert.equal(error.code, code, error.message)
        for (const word of words) assert.match(error.message, word)
        return true
      })
      assert.ok(performance.now() - startedAt < 10_000)
    }
    const none = { skip: own ? false : 'needs our own server' }

    test('says which tables are missing', () =>
      refusal(
        { prefix: 'nowhere-' },
        'TABLES_MISSING',
        /nowhere-reviews/,
        /nowhere-parts/,
        /nowhere-registry/,
        /headwater provision/,
      ))

    test('says what is different about a table that is there', async () => {
      const prefix = 'test-different-'
      await db.createTable({
        TableName: `${prefix}parts`,
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      })
      const config = dynamodb.config.parse({ ...settings, prefix })
      const words = /test-different-parts its keys are id, expected owner, part/
      await assert.rejects(dynamodb.provision?.(config, context) ?? assert.fail(), {
        code: 'TABLES_MISSING',
        message: words,
      })
    })

    test('goes by the shards that the tables were made with', async () => {
      const prefix = 'test-shards-'
      const warned: string[] = []
      const warn = (_: object, message: string) => warned.push(message)
      await using store = await opened(prefix, { shards: 3 })
      await put(store, numbered(50))
      const config = dynamodb.config.parse({ ...settings, prefix, shards: 5 })
      await dynamodb.provision?.(config, { ...context, logger: { ...silent, warn } })
      assert.match(warned.join(), /store\.shards 3/)
      await using other = await dynamodb.open(config, context)
      assert.equal((await all(other, { by: 'time' })).length, 50)
    })

    test('names the address where nothing answers in time', none, async () => {
      assert.ok(own)
      own.database.freeze()
      try {
        await refusal(
          { timeoutMs: '1s' },
          'STORE_UNAVAILABLE',
          /store\.endpoint http:\/\/127/,
          /store\.timeout/,
        )
      } finally {
        own.database.thaw()
      }
    })

    test('ends with the reason of its signal', none, async () => {
      assert.ok(own)
      const stop = new AbortController()
      own.database.freeze()
      try {
        const opening = dynamodb.open(dynamodb.config.parse(settings), { ...context, signal: stop.signal })
        stop.abort(new Error('enough'))
        await assert.rejects(opening, /enough/)
      } finally {
        own.database.thaw()
      }
    })

    // DynamoDB Local takes any credentials: these answers are a fake's, in the words of the service.
    const answers = {
      'credentials that are not known': {
        error: 'UnrecognizedClientException',
        message: 'The security token included in the request is invalid.',
      },
      'a permission that is missing': {
        error: 'AccessDeniedException',
        message:
          'User: arn:aws:iam::123456789012:user/reader is not authorized to perform: dynamodb:DescribeTable on resource: arn:aws:dynamodb:eu-central-1:123456789012:table/headwater-reviews because no identity-based policy allows the dynamodb:DescribeTable action',
      },
    }
    for (const [what, answer] of Object.entries(answers)) {
      test(`says so, of ${what}`, none, async () => {
        assert.ok(own)
        await using front = await startFront(own.port, () => answer)
        const words = [new RegExp(answer.error), /store\.endpoint/, /store\.credentials/]
        await refusal({ endpoint: front.endpoint }, 'STORE_REFUSED_ACCESS', ...words)
      })
    }
  })
})
