import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { TransientError } from '../../../src/errors.ts'
import { halfOf } from '../../../src/review/key.ts'
import type { Rejected } from '../../../src/review/verdict.ts'
import { copyAll, type CopyOptions } from '../../../src/services/copy.ts'
import { eraseReviews } from '../../../src/services/erasing.ts'
import { overwrite, type Registry } from '../../../src/stores/registry.ts'
import type { Page } from '../../../src/stores/store.ts'
import { accepted, acceptedVerdict, numbered, put, rejected, START } from '../../support/records.ts'
import { openPlace, type Place } from '../../support/services.ts'
import { all, keysOf } from '../../support/store-reads.ts'
import { temporaryFolder } from '../../support/temp.ts'

const signal = new AbortController().signal
const discarded = { reason: 'a test', at: '2026-01-01T00:00:00.000Z' }

async function openBoth() {
  await using opened = new AsyncDisposableStack()
  const folder = opened.use(await temporaryFolder())
  const from = opened.use(await openPlace(join(folder.path, 'old')))
  const into = opened.use(await openPlace(join(folder.path, 'new')))
  const resources = opened.move()
  const copy = (more: Partial<CopyOptions> = {}) =>
    copyAll({ from, into, name: 'old', signal, patiently: (work) => work(), ...more })
  return { from, into, copy, [Symbol.asyncDispose]: () => resources.disposeAsync() }
}

const set = ({ registry }: Pick<Place, 'registry'>, name: string, value: string): Promise<void> =>
  overwrite(registry, name, Buffer.from(value))

async function drop({ registry }: Pick<Place, 'registry'>, name: string): Promise<void> {
  const entry = await registry.get(name)
  assert.ok(entry && (await registry.remove(name, entry.revision)))
}

/** The registry without what a copy notes of itself. */
async function entriesOf({ registry }: Pick<Place, 'registry'>): Promise<Record<string, string>> {
  const entries = await Array.fromAsync(registry.list(''))
  return Object.fromEntries(
    entries.filter(({ name }) => !name.startsWith('cop')).map(({ name, value }) => [name, value.toString()]),
  )
}

/** Pages whose accepted reviews have the rating -0. */
async function* minusZero(pages: AsyncIterable<Page>): AsyncGenerator<Page> {
  for await (const { records, after } of pages)
    yield {
      after,
      records: records.map((record) => {
        const { verdict } = record
        if (verdict.status !== 'accepted') return record
        return { ...record, verdict: { ...verdict, review: { ...verdict.review, rating: -0 } } }
      }),
    }
}

describe('a copy', () => {
  test('that found problems is put right by repeating it: it began behind its last page, and found them for ever', async () => {
    await using both = await openBoth()
    const { from, into, copy } = both
    const letter = rejected(1, 'c1')
    await put(from.store, [letter, ...numbered(5, 2)])
    const late = accepted(20, { receivedAt: START })
    const meanwhile = async ({ verified }: { readonly verified: number }): Promise<void> => {
      if (verified > 0) return
      await from.store.amend(letter.key, 0, { ...(letter.verdict as Rejected), discarded })
      await put(from.store, [late])
    }
    const changing: Promise<void>[] = []
    const first = await copy({
      from: {
        ...from,
        store: {
          ...from.store,
          // Between the copying and the comparing.
          async *scan(scan) {
            await Promise.all(changing)
            yield* from.store.scan(scan)
          },
        },
      },
      onPage: (progress) => void changing.push(meanwhile(progress)),
    })
    assert.deepEqual(
      new Map(first.problems.map(({ key, problem }) => [key, problem])),
      new Map([
        [letter.key, 'has another verdict'],
        [late.key, 'missing'],
      ]),
    )
    const second = await copy()
    assert.deepEqual([second.records, second.stored, second.problems], [7, 1, []])
    const rows = await into.store.get([letter.key, late.key])
    assert.deepEqual(rows.get(letter.key)?.verdict, { ...letter.verdict, discarded })
    assert.ok(rows.has(late.key))
  })

  test('with problems has written nothing of the registry but the reviews that were erased', async () => {
    await using both = await openBoth()
    const { from, into, copy } = both
    await put(from.store, numbered(2))
    await set(from, 'checkpoint/x', '1')
    const [gone] = numbered(1, 9)
    await eraseReviews([halfOf(gone?.key ?? '')], from, signal)
    const list = { [`suppressed/${halfOf(gone?.key ?? '')}`]: '' }
    const forgetful = { ...into.store, get: async () => new Map() }
    const { problems, entries } = await copy({ into: { ...into, store: forgetful } })
    assert.deepEqual([problems.length, entries], [2, 0])
    assert.deepEqual(await entriesOf(into), list)
    assert.deepEqual((await copy()).problems, [])
    assert.deepEqual(await entriesOf(into), { 'checkpoint/x': '1', ...list })
  })

  test('made letters wait again that were discarded or redriven in the new place, while they wait in the old one', async () => {
    await using both = await openBoth()
    const { from, into, copy } = both
    const letters = [rejected(1, 'c1'), rejected(2, 'c1')] as const
    await put(from.store, letters)
    await copy()
    const [dropped, mended] = letters
    const there = async () => {
      const rows = await into.store.get([dropped.key, mended.key])
      return [dropped, mended].map(({ key }) => rows.get(key)?.verdict)
    }
    const settled = [{ ...(dropped.verdict as Rejected), discarded }, acceptedVerdict('R2', 'P2')] as const
    await into.store.amend(dropped.key, 0, settled[0])
    await into.store.amend(mended.key, 0, settled[1])
    assert.deepEqual((await copy()).problems, [])
    assert.deepEqual(await there(), settled)

    const redriven = acceptedVerdict('R1', 'P1')
    await from.store.amend(dropped.key, 0, redriven)
    assert.deepEqual((await copy()).problems, [])
    assert.deepEqual(await there(), [redriven, settled[1]])
  })

  test('follows a letter that was redriven, copied, and then refused by the queue', async () => {
    await using both = await openBoth()
    const { from, into, copy } = both
    const letter = rejected(1, 'c1')
    await put(from.store, [letter])
    await from.store.amend(letter.key, 0, { ...acceptedVerdict('R1', 'P1'), unpublished: true })
    await copy()
    await from.store.amend(letter.key, 1, letter.verdict)
    assert.deepEqual((await copy()).problems, [])
    assert.deepEqual((await into.store.get([letter.key])).get(letter.key)?.verdict, letter.verdict)
  })

  test('of a review whose rating is -0 found another verdict for ever, and left the registry behind', async () => {
    await using both = await openBoth()
    const { from, into, copy } = both
    const verdict = acceptedVerdict('R1', 'P1')
    const record = { ...accepted(1), verdict: { ...verdict, review: { ...verdict.review, rating: -0 } } }
    await put(from.store, [record])
    await set(from, 'checkpoint/x', '1')
    // Some stores keep it, and an event does not.
    const store: Place['store'] = { ...from.store, scan: (scan) => minusZero(from.store.scan(scan)) }
    const { problems, entries } = await copy({ from: { ...from, store } })
    assert.deepEqual([problems, entries], [[], 1])
    assert.equal((await into.store.get([record.key])).size, 1)
  })

  test('that is repeated follows the registry: an entry that moved was left as it was, and counted', async () => {
    await using both = await openBoth()
    const { from, into, copy } = both
    await set(from, 'checkpoint/x', '1')
    await set(from, 'mutes/m', 'muted')
    await set(from, 'origins/o', '')
    assert.deepEqual((await copy()).entries, 3)
    for (const checkpoint of ['2', '3']) {
      await set(from, 'checkpoint/x', checkpoint)
      await copy()
      assert.deepEqual(await entriesOf(into), await entriesOf(from))
    }
    await drop(from, 'mutes/m')
    await set(into, 'runs/own', 'of the new pipeline')
    const { entries, conflicts } = await copy()
    assert.deepEqual([entries, conflicts], [2, []])
    assert.deepEqual(await entriesOf(into), {
      'checkpoint/x': '3',
      'origins/o': '',
      'runs/own': 'of the new pipeline',
    })
  })

  test('names the entries that the new pipeline has written, and leaves its registry alone', async () => {
    await using both = await openBoth()
    const { from, into, copy } = both
    await put(from.store, numbered(2))
    await set(from, 'checkpoint/x', '1')
    await set(from, 'checkpoint/y', '1')
    await set(from, 'proof/audit', 'of the old store')
    await set(from, 'erasing/x', 'of the old store')
    await set(into, 'checkpoint/y', 'of the new pipeline')
    await set(into, 'proof/audit', 'of the new store')
    const own = await entriesOf(into)
    const first = await copy()
    assert.deepEqual([first.stored, first.entries, first.conflicts], [2, 0, ['checkpoint/y']])
    assert.deepEqual(await entriesOf(into), own)

    await drop(into, 'checkpoint/y')
    assert.deepEqual((await copy()).conflicts, [])
    await set(into, 'checkpoint/y', '5')
    await set(from, 'checkpoint/x', '2')
    assert.deepEqual((await copy()).conflicts, ['checkpoint/y'])
    assert.partialDeepStrictEqual(await entriesOf(into), { 'checkpoint/x': '1', 'checkpoint/y': '5' })
  })

  test('from a place where nothing is any more takes nothing away', async () => {
    await using both = await openBoth()
    const { from, into, copy } = both
    await set(from, 'repairs/x', '[]')
    await copy()
    await drop(from, 'repairs/x')
    await copy()
    assert.deepEqual(await entriesOf(into), { 'repairs/x': '[]' })
  })

  test('that is cut off before or behind any write of the registry is finished by repeating it, though the old one moves on', async () => {
    for (const isWritten of [false, true]) {
      let isCutOff = true
      for (let after = 0; isCutOff; after++) {
        await using both = await openBoth()
        const { from, into, copy } = both
        const moveOn = async (time: string) => {
          for (const name of ['checkpoint/x', 'checkpoint/y']) await set(from, name, time)
        }
        await moveOn('1')
        await set(from, `mutes/m`, '')
        await copy()
        await moveOn('2')
        await drop(from, 'mutes/m')
        await set(from, 'repairs/x', '[]')
        const cutOff = copy({ into: { ...into, registry: failing(into.registry, after, isWritten) } })
        isCutOff = await cutOff.then(
          () => false,
          () => true,
        )
        await moveOn('3')
        assert.deepEqual((await copy()).conflicts, [], `cut off at write ${after}`)
        assert.deepEqual(await entriesOf(into), await entriesOf(from))
      }
    }
  })

  test('brings back nothing that was erased in the new place', async () => {
    await using both = await openBoth()
    const { from, into, copy } = both
    await put(from.store, numbered(3))
    await copy()
    const [erased, ...rest] = numbered(3)
    await eraseReviews([halfOf(erased?.key ?? '')], into, signal)
    const { stored, problems } = await copy()
    assert.deepEqual([stored, problems], [0, []])
    assert.deepEqual(keysOf(await all(into.store, { by: 'time' })), keysOf(rest))
  })

  test('whose erasing failed behind the rows erased the same once it went on: what lay beside them stayed', async () => {
    await using both = await openBoth()
    const { from, into, copy } = both
    const records = numbered(3)
    await put(from.store, records)
    await copy()
    const [erased] = keysOf(records)
    assert.ok(erased)
    await eraseReviews([halfOf(erased)], from, signal)
    const asked: (readonly string[])[] = []
    async function erase(keys: readonly string[]): Promise<void> {
      await into.store.erase(keys)
      if (asked.push(keys) === 1) throw new TransientError('STORE_UNAVAILABLE', 'a test')
    }
    const patiently: CopyOptions['patiently'] = (work) => work().catch(work)
    await copy({ into: { ...into, store: { ...into.store, erase } }, patiently })
    const asking = asked.filter((keys) => keys.length > 0)
    assert.deepEqual(asking, [[erased], [erased]])
    assert.deepEqual(await Array.fromAsync(into.registry.list('erasing/')), [])
  })
})

/** A registry whose process ends at a write, before or behind it. */
function failing(registry: Registry, after: number, isWritten: boolean): Registry {
  let writes = 0
  async function fail<T>(write: () => Promise<T>): Promise<T> {
    if (writes > after) throw new Error('it has ended')
    if (writes++ < after) return write()
    if (isWritten) await write()
    throw new Error('it has ended')
  }
  return {
    ...registry,
    compareAndSet: (...args) => fail(() => registry.compareAndSet(...args)),
    remove: (...args) => fail(() => registry.remove(...args)),
  }
}
