import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { HeadwaterError } from '../../../src/errors.ts'
import { reviewHalf } from '../../../src/review/key.ts'
import { openEnvironment } from '../../../src/stores/embedded/environment.ts'
import { openStore } from '../../../src/stores/embedded/store.ts'
import {
  encodeKey,
  encodeNumber,
  numberOf,
  readState,
  type StoreEnvironment,
  layout,
} from '../../../src/stores/embedded/tables.ts'
import type { Damage, Store } from '../../../src/stores/store.ts'
import { accepted, acceptedVerdict, numbered, put, rejected } from '../../support/records.ts'

const folder = await mkdtemp(join(tmpdir(), 'test-embedded-store-unit-'))
after(() => rm(folder, { recursive: true }))

type Opened = { readonly store: Store; readonly inside: StoreEnvironment }
let folders = 0

/** A store, and the tables within it. */
async function withStore(run: (opened: Opened) => Promise<void>): Promise<void> {
  const place = join(folder, `store-${folders++}`)
  await using store = await openStore(place)
  await using inside = await openEnvironment(place, layout)
  await run({ store, inside })
}

const damages = (store: Store): Promise<Damage[]> => Array.fromAsync(store.check?.() ?? [])

const isCorrupt = (...parts: readonly string[]) => {
  return (error: unknown) =>
    error instanceof HeadwaterError &&
    error.code === 'DATA_CORRUPT' &&
    parts.every((part) => error.message.includes(part))
}

test('small puts gather in the tail until they are worth a block, and are found all the while', () =>
  withStore(async ({ store, inside: { tables } }) => {
    for (let first = 0; first < 1_100; first += 100) {
      await put(store, numbered(100, first))
      assert.equal((await store.get(numbered(first + 100).map(({ key }) => key))).size, first + 100)
    }
    assert.equal(readState(tables).tailRows, 100)
    assert.equal(tables.blocks.getKeysCount(), 1)
    assert.deepEqual(await damages(store), [])
  }))

test('rows of the tail that large puts lie between are sealed into blocks in their order', () =>
  withStore(async ({ store, inside: { tables } }) => {
    for (let first = 0; first < 5_000; first += 500) {
      await put(store, numbered(250, first))
      await put(store, numbered(250, first + 250).slice(0, 1))
      await put(store, [...numbered(249, first + 251), ...numbered(50, 10_000 + first)])
    }
    const found = (await Array.fromAsync(store.scan({ by: 'time' }))).flatMap(({ records }) => records)
    assert.equal(found.length, 5_500)
    const numbers = found.map(({ key }) => numberOf(tables, key))
    assert.deepEqual(
      numbers,
      numbers.toSorted((a = 0, b = 0) => a - b),
    )
    assert.deepEqual(await damages(store), [])
  }))

test('a put of old and new rows, some of them twice, adds the first of each that is new and no entry of the others', () =>
  withStore(async ({ store, inside: { tables } }) => {
    await put(store, numbered(300, 100))
    const mixed = [...numbered(350), ...numbered(20, 340), ...numbered(10, 390)]
    const outcomes = await put(store, mixed)
    const isNew = mixed.map((_, n) => n < 100)
    assert.deepEqual(
      outcomes.map((outcome) => outcome === 'stored'),
      isNew,
    )
    const twice = [accepted(900), ...numbered(280, 1_000), accepted(900), accepted(1_001)]
    assert.deepEqual(
      (await put(store, twice)).map((outcome) => outcome === 'stored'),
      twice.map((_, n) => n < 281),
    )
    assert.equal(readState(tables).next, 300 + 100 + 281)
    assert.deepEqual(await damages(store), [])
  }))

test('4 MiB in the tail are sealed, and larger puts never enter it', () =>
  withStore(async ({ store, inside: { tables } }) => {
    const raw = Buffer.alloc(1_100_000, 'x')
    for (let n = 0; n < 5; n++) await put(store, [accepted(n, { raw })])
    assert.equal(readState(tables).tailRows, 1)
    await put(store, [accepted(9, { raw: Buffer.alloc(5_000_000, 'y') })])
    assert.equal(readState(tables).tailRows, 1)
    assert.equal((await store.get(numbered(10).map(({ key }) => key))).size, 6)
  }))

test('erasing in tail and blocks leaves indexes that agree with the rows', () =>
  withStore(async ({ store, inside: { tables } }) => {
    const dead = rejected(2_000, 'c'.repeat(16), { product: 'P1' })
    await put(store, [...numbered(1_500), dead])
    await put(store, numbered(100, 1_500))
    await store.amend(accepted(3).key, 0, acceptedVerdict('R3', 'moved'))
    await store.erase([accepted(3), accepted(1_200), accepted(1_550), dead].map(({ key }) => key))
    assert.deepEqual(await damages(store), [])
    assert.equal(tables.verdicts.getKeysCount(), 0)
    assert.equal(tables.keys.getKeysCount(), 1_597)
    assert.equal(tables.clusters.getKeysCount(), 0)
  }))

test('erased bytes are in no block any more', () =>
  withStore(async ({ store }) => {
    await put(store, numbered(300))
    await store.erase(numbered(299).map(({ key }) => key))
    const [page] = await Array.fromAsync(store.scan({ by: 'time' }))
    assert.deepEqual(
      page?.records.map(({ key }) => key),
      [accepted(299).key],
    )
  }))

test('a block that can not be read is named with its folder and its records', () =>
  withStore(async ({ store, inside }) => {
    await put(store, numbered(1_300))
    await inside.write(() => inside.tables.payloads.putSync(encodeNumber(1_000), Buffer.from('damaged')))
    const key = accepted(1_100).key
    const [named = ''] = numbered(300, 1_000)
      .map((record) => record.key)
      .toSorted()
    await assert.rejects(store.get([key]), isCorrupt(inside.folder, '1000 to 1299', named, '280 more'))
    await assert.rejects(Array.fromAsync(store.scan({ by: 'time' })), isCorrupt('1000 to 1299'))
    assert.equal((await store.get(numbered(1_000).map((record) => record.key))).size, 1_000)
    const [damage, ...others] = await damages(store)
    assert.deepEqual(
      damage?.keys.toSorted(),
      numbered(300, 1_000)
        .map((record) => record.key)
        .toSorted(),
    )
    assert.deepEqual(others, [])
  }))

test('a check names rows that an index misses, and entries that lead nowhere', () =>
  withStore(async ({ store, inside: { tables, write } }) => {
    await put(store, [...numbered(300), rejected(300, 'c'.repeat(16))])
    const [missed, astray] = [accepted(5).key, accepted(900).key]
    const [pointer] = tables.clusters.getKeys({ limit: 1 })
    await write(() => {
      tables.keys.removeSync(encodeKey(missed))
      tables.keys.putSync(encodeKey(astray), encodeNumber(7))
      tables.verdicts.putSync(encodeKey(accepted(901).key), Buffer.from('{}'))
      tables.products.putSync(Buffer.alloc(14), Buffer.from([0, 7]))
      if (pointer) tables.clusters.removeSync(pointer)
    })
    assert.deepEqual(await damages(store), [
      { problem: 'the index of keys does not lead to the row', keys: [missed] },
      { problem: 'the index of clusters does not lead to the row', keys: [rejected(300, '').key] },
      { problem: '1 entries of the index of keys lead to no such row', keys: [astray] },
      { problem: '1 entries of the index of products lead to no such row', keys: [] },
      { problem: 'a verdict without its row', keys: [accepted(901).key] },
    ])
  }))

test('a check names a record whose bytes are no longer those that came', () =>
  withStore(async ({ store, inside: { tables, write } }) => {
    await put(store, numbered(3))
    const row = tables.tail.get(encodeNumber(1))
    assert.ok(row)
    row[row.length - 1] = 0
    await write(() => tables.tail.putSync(encodeNumber(1), row))
    assert.deepEqual(await damages(store), [
      { problem: 'the raw bytes are not those that were received', keys: [accepted(1).key] },
    ])
  }))

test('a check names a record of the tail that can not be read', () =>
  withStore(async ({ store, inside: { tables, write } }) => {
    await put(store, numbered(3))
    const row = tables.tail.get(encodeNumber(1))
    assert.ok(row)
    row.fill(0xff, 8, 20)
    await write(() => tables.tail.putSync(encodeNumber(1), row))
    await assert.rejects(store.get([accepted(1).key]), isCorrupt())
    const [damage, ...others] = await damages(store)
    assert.match(damage?.problem ?? '', /row 1 can't be read/)
    assert.deepEqual([damage?.keys, others.map(({ problem }) => problem)], [[accepted(1).key], []])
  }))

test('a scan that goes on after the store was closed fails, and so does everything else', async () => {
  const store = await openStore(join(folder, `store-${folders++}`))
  await put(store, numbered(700))
  const scan = store.scan({ by: 'product', product: 'P1', pageSize: 10 })[Symbol.asyncIterator]()
  await scan.next()
  await store[Symbol.asyncDispose]()
  await assert.rejects(scan.next(), /closed/)
  await assert.rejects(put(store, numbered(1)), /closed/)
  await assert.rejects(store.get([accepted(1).key]), /closed/)
})

test('a position that no scan has given out is refused', () =>
  withStore(async ({ store }) => {
    const isRefused = (error: unknown) => error instanceof HeadwaterError && error.code === 'POSITION_UNKNOWN'
    await assert.rejects(Array.fromAsync(store.scan({ by: 'time', after: 'page 2' })), isRefused)
    const history = { by: 'review', half: reviewHalf('shop', '"R1"'), after: '7' } as const
    await assert.rejects(Array.fromAsync(store.scan(history)), isRefused)
  }))
