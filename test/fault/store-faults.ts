import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { TransientError } from '../../src/errors.ts'
import { retry } from '../../src/lib/retry.ts'
import type { PutOutcome, Store, StoreAdapter } from '../../src/stores/store.ts'
import { startProgram } from '../support/cli.ts'
import { silent } from '../support/queue-context.ts'
import { accepted, acceptedVerdict, numbered, put } from '../support/records.ts'
import { raceForLeases } from '../support/lease-race.ts'
import { raceOn } from '../support/registry-race.ts'
import type { TcpProxy } from '../support/servers/proxy.ts'
import { all, keysOf, one } from '../support/store-reads.ts'

export interface StoreFaultHarness {
  /** The adapter's own file. */
  readonly module: string
  /** What reaches an empty store of that name through the wire, provisioned, and safe should the database end now. */
  readonly provision: (name: string) => Promise<object>
  readonly wire: TcpProxy
  /** The database itself. One that keeps nothing when it ends has no `restart`. */
  readonly database: { freeze(): void; thaw(): void; kill(): Promise<void>; restart?(): Promise<void> }
  /** How many records each promise is tried with. */
  readonly count: number
  /** How soon a database that does not answer must be an error. */
  readonly noticedMs: number
  readonly skip?: Readonly<Record<string, string>>
  readonly limitMs?: number
}

const SIZE = 20
const PUTTERS = 2
const program = join(import.meta.dirname, '../support/store-putter.ts')

/** What a store and its registry promise whatever becomes of the database, of the wire to it, and of those who write. */
export function storeFaults(name: string, harness: StoreFaultHarness): void {
  const { module, wire, database, count, noticedMs, skip = {}, limitMs = 120_000 } = harness
  let stores = 0

  function promise(title: string, run: (t: TestContext, settings: object) => Promise<void>): void {
    test(title, { skip: skip[title] ?? false, timeout: 2 * limitMs }, async (t) => {
      await run(t, await harness.provision(`faults${++stores}`))
    })
  }

  async function adapterOf(): Promise<StoreAdapter<unknown>> {
    return ((await import(pathToFileURL(module).href)) as { default: StoreAdapter<unknown> }).default
  }
  const context = { logger: silent, signal: new AbortController().signal, dataDir: '.' }

  async function openStore(settings: object): Promise<Store> {
    const adapter = await adapterOf()
    return adapter.open(adapter.config.parse(settings), context)
  }

  const patiently = <T>(work: () => Promise<T>): Promise<T> =>
    retry(work, AbortSignal.timeout(limitMs), { baseMs: 50, maxMs: 1_000 })

  /** Puts `count` records with trouble at some places of the way, and looks whether each is there, once. */
  async function load(
    t: TestContext,
    settings: object,
    troubles: number,
    trouble: (store: Store) => Promise<void>,
  ) {
    await using store = await openStore(settings)
    const places = Array.from({ length: troubles }, (_, n) => Math.floor(((n + 1) * count) / (troubles + 1)))
    const troubled: Promise<void>[] = []
    const outcomes: PutOutcome[] = []
    for (let first = 0; first < count; first += SIZE) {
      if (places.some((place) => place >= first && place < first + SIZE)) troubled.push(trouble(store))
      outcomes.push(...(await patiently(() => put(store, numbered(Math.min(SIZE, count - first), first)))))
    }
    await Promise.all(troubled)
    assert.deepEqual(
      outcomes.filter((outcome) => typeof outcome === 'object'),
      [],
    )
    await assertKept(store, count)
    // What was written and not answered is unchanged when it is put again.
    const unchanged = outcomes.filter((outcome) => outcome === 'unchanged').length
    assert.ok(unchanged <= troubles * SIZE, `${unchanged} unchanged`)
    t.diagnostic(`${count} put, 0 lost, ${unchanged} written and not answered`)
  }

  describe(`${name} store, in trouble`, () => {
    promise('loses nothing while connections are cut', (t, settings) =>
      load(t, settings, 5, async () => wire.cut()),
    )

    promise('writes nothing twice when the answer to a write is lost', (t, settings) =>
      load(t, settings, 3, async () => {
        wire.stall('down')
        await sleep(500) // long enough for what was asked to arrive
        wire.cut()
        wire.restore()
      }),
    )

    promise('says within its time that nothing gets through, and goes on once it does', (t, settings) =>
      load(t, settings, 1, async (store) => {
        wire.stall('both')
        await noticed(store).finally(() => wire.restore())
      }),
    )

    promise('outlasts a database that is frozen', (t, settings) =>
      load(t, settings, 1, async (store) => {
        database.freeze()
        await noticed(store).finally(() => database.thaw())
      }),
    )

    promise(
      'has everything it acknowledged when the database is killed and comes back',
      async (t, settings) => {
        if (!database.restart) return t.skip('this database keeps nothing when it ends')
        await load(t, settings, 2, async () => {
          await database.kill()
          await database.restart?.()
        })
      },
    )

    promise('stores each record once, from several processes, one of them killed', async (t, settings) => {
      const args = [program, module, '0', String(count), JSON.stringify(settings)]
      const writers = Array.from({ length: PUTTERS }, () => startProgram(process.execPath, args))
      await Promise.all(writers.map((writer) => writer.waitFor(/^\d+ \d+$/)))
      await writers[0]?.kill()
      const exits = await Promise.all(writers.slice(1).map(({ exited }) => exited))
      assert.deepEqual(
        exits.map(({ code }) => code),
        Array(PUTTERS - 1).fill(0),
        exits[0]?.stderr,
      )
      await using store = await openStore(settings)
      await assertKept(store, count)
      t.diagnostic(`${count} records by ${PUTTERS} processes, each once`)
    })

    promise('has one winner for each verdict, whatever answers are lost', async (_, settings) => {
      await using store = await openStore(settings)
      const record = accepted(1)
      await put(store, [record])
      for (let revision = 0; revision < 5; revision++) {
        const amending = Array.from({ length: 4 }, (__, n) =>
          patiently(() => store.amend(record.key, revision, acceptedVerdict('R1', `P${revision}-${n}`))),
        )
        if (revision % 2 === 1) wire.cut()
        const won = (await Promise.all(amending)).filter(Boolean).length
        // A lost answer may hide the winner, and never makes two.
        assert.ok(won <= 1 && (won === 1 || revision % 2 === 1), `${won} won`)
        const { verdict, ...row } =
          (await patiently(() => one(store, record.key))) ?? assert.fail('it is gone')
        assert.equal(row.revision, revision + 1)
        const product = verdict.status === 'accepted' ? verdict.review.product_id : ''
        assert.deepEqual(keysOf(await patiently(() => all(store, { by: 'product', product }))), [record.key])
      }
    })

    promise('has one winner among 51 writers in three processes, each time', (_, settings) =>
      raceOn(module, settings),
    )

    promise('is shared by leases while processes are killed, stopped for a while, and end', (_, settings) =>
      raceForLeases(module, settings, 3_000),
    )

    promise('counts with its registry, whatever answers are lost', async (_, settings) => {
      const adapter = await adapterOf()
      await using registry = await adapter.openRegistry(adapter.config.parse(settings), context)
      let acknowledged = 0
      let unknown = 0
      async function count(): Promise<void> {
        for (let turn = 0; turn < 20; turn++) {
          await patiently(async () => {
            const entry = await registry.get('counter')
            const value = Number(entry?.value.toString() ?? 0)
            const set = registry.compareAndSet(
              'counter',
              entry?.revision ?? 0,
              Buffer.from(String(value + 1)),
            )
            const isSet = await set.catch((error: unknown) => {
              unknown++
              throw error
            })
            if (isSet) acknowledged++
          })
          if (turn % 5 === 4) wire.cut()
        }
      }
      await Promise.all([count(), count(), count()])
      const counted = Number((await patiently(() => registry.get('counter')))?.value.toString())
      assert.ok(
        counted >= acknowledged && counted <= acknowledged + unknown,
        `${counted} counted, ${acknowledged} acknowledged, ${unknown} unknown`,
      )
    })
  })

  /** Resolves once a question was answered with an error that says that it may be asked again; in time. */
  async function noticed(store: Store): Promise<void> {
    const startedAt = performance.now()
    await assert.rejects(store.get([accepted(0).key]), TransientError)
    const tookMs = performance.now() - startedAt
    assert.ok(tookMs < noticedMs, `expected less than ${noticedMs} ms, took ${tookMs}`)
  }

  async function assertKept(store: Store, total: number): Promise<void> {
    const expected = numbered(total)
    const found = await patiently(() => all(store, { by: 'time' }))
    assert.deepEqual(keysOf(found).toSorted(), keysOf(expected).toSorted())
    const raws = new Map(expected.map(({ key, received }) => [key, received.raw]))
    for (const { key, received } of found) assert.ok(raws.get(key)?.equals(received.raw), key)
    const products = await patiently(() => all(store, { by: 'product', product: 'P3' }))
    assert.equal(products.length, expected.filter((__, n) => n % 7 === 3).length)
  }
}
