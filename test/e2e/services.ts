import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { type Exit, run, start } from '../support/cli.ts'
import { type Backends, eventually, json, lines, startUp, type Up, writeConfig } from '../support/pipeline.ts'
import { FIVE, review } from '../support/reviews.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'

export interface ServicesHarness {
  /** A broker whose topics, or a database whose tables, nobody else uses. */
  readonly backends: () => Backends
  /** The same with a mistake in it, and what the message must name. */
  readonly wrong: Readonly<Record<string, { readonly backends: Backends; readonly names: RegExp }>>
  readonly toGroup: boolean
  /** Whether the queue tells how many messages wait. */
  readonly tellsBacklog: boolean
  /** Whether a new group, or a reader without one, sees only what comes after it. */
  readonly beginsLate: boolean
  /** How many reviews the load has. */
  readonly count?: number
}

interface Event {
  readonly id: string
  readonly type: string
  readonly recordkey: string
}

interface Group {
  readonly topic: string
  readonly group: string
  readonly backlog?: number
}

const LIMIT_MS = 240_000

/** What services and commands do on every queue and store, each a process of its own. The titles are the contract. */
export function servicesOn(name: string, harness: ServicesHarness): void {
  const { wrong, toGroup, tellsBacklog, beginsLate, count = 2_000 } = harness

  async function openShop(): Promise<TemporaryFolder> {
    const folder = await temporaryFolder()
    await writeConfig(folder.path, '', 0, harness.backends())
    await json(['provision'], folder.path)
    return folder
  }

  describe(`on ${name}`, () => {
    test('ingest and store run alone, and the commands look at what they do', {
      timeout: LIMIT_MS,
    }, async () => {
      await using folder = await openShop()
      const { path } = folder
      if (beginsLate) await json(['groups', 'add', 'lake'], path)
      const { webhook, process: ingest } = await startUp(path, 'ingest')
      await using _ = ingest
      assert.equal(await post(webhook, FIVE.join('\n')), 202)
      if (tellsBacklog) assert.equal((await groups(path)).get('raw-reviews storage'), 3)
      await using store = (await startUp(path, 'store')).process
      await stored(path, 5)

      const events = await lines<Event>(['tail', '--group', 'lake', '--limit', '3'], path)
      assert.deepEqual(
        events.map(({ type }) => type),
        Array(3).fill('review.received.v1'),
      )
      const dead = await lines<{ key: string }>(['dlq', 'list'], path)
      assert.equal(dead.length, 2)
      const before = await groups(path)
      assert.ok(
        before.has('raw-reviews storage') && before.has('raw-reviews lake'),
        [...before.keys()].join(),
      )
      if (tellsBacklog) assert.equal(before.get('raw-reviews storage'), 0)
      await tailWithoutGroup(path, webhook)
      assert.deepEqual([...(await groups(path)).keys()], [...before.keys()])

      assert.equal((await ingest.stop()).code, 0)
      assert.equal((await store.stop()).code, 0)
      assert.equal((await json<{ ok: boolean }>(['audit'], path)).ok, true)
    })

    test(`${count} reviews are stored once while two more storage processes come and go`, {
      timeout: LIMIT_MS,
    }, async (t) => {
      await using folder = await openShop()
      const { webhook, process: ingest } = await startUp(folder.path, 'ingest')
      await using _ = ingest
      const stores = [await startUp(folder.path, 'store')]
      try {
        for (let n = 0; n < count; n += 50) {
          assert.equal(await post(webhook, linesFrom(n, Math.min(count, n + 50))), 202)
          if (n === Math.floor(count / 200) * 50 || n === Math.floor(count / 150) * 50)
            stores.push(await startUp(folder.path, 'store'))
          if (n >= count / 2 && stores.length === 3) await end(stores.shift())
        }
        while (stores.length > 1) await end(stores.shift())
        await stored(folder.path, count)
        await allOnce(t, folder.path, count)
      } finally {
        await Promise.all(stores.map(({ process }) => process.kill()))
      }
    })

    test('a finite source is drained, and counts what became of it', { timeout: LIMIT_MS }, async () => {
      await using folder = await openShop()
      const input = FIVE.join('\n')
      await using importing = start(['import', '-', '--source', 'five', '--json'], {
        cwd: folder.path,
        input,
      })
      const { code, stdout, stderr } = await importing.exited
      assert.equal(code, 0, stderr)
      const { received, stored: kept, rejected } = JSON.parse(stdout) as Record<string, number>
      assert.deepEqual([received, kept, rejected], [5, 3, 2])
    })

    test('a replay reaches a topic of its own, and one group where groups have queues of their own', {
      timeout: LIMIT_MS,
    }, async () => {
      await using folder = await openShop()
      const { path } = folder
      await using importing = start(['import', '-', '--json'], { cwd: path, input: FIVE.join('\n') })
      assert.equal((await importing.exited).code, 0)
      const topic = `again-${Date.now()}`
      await json(['provision', '--topic', topic], path)
      const told = await json<{ published: number }>(['replay', '--to-topic', topic], path)
      assert.equal(told.published, 3)
      const events = await lines<Event>(['tail', topic, '--group', 'storage', '--limit', '3'], path)
      assert.equal(new Set(events.map(({ recordkey }) => recordkey)).size, 3)

      if (toGroup) {
        await json(['groups', 'add', 'lake'], path)
        await json(['replay', '--to-group', 'lake'], path)
        const mine = await lines<Event>(['tail', '--group', 'lake', '--limit', '3'], path)
        assert.equal(new Set(mine.map(({ recordkey }) => recordkey)).size, 3)
      } else {
        const { code, stderr } = await run(['replay', '--to-group', 'lake'], { cwd: path })
        assert.deepEqual([code, /use --to-topic/.test(stderr)], [2, true], stderr)
      }
    })

    test('a cluster is redriven by a job behind a canary, and what no repair mends is discarded by another', {
      timeout: LIMIT_MS,
    }, async () => {
      await using folder = await openShop()
      const { path } = folder
      const letters = Array.from({ length: 250 }, (_, n) =>
        review(`S${n}`, { rating: `${n % 5 === 4 ? 9 : n % 5}.0 out of 5 stars` }),
      ).join('\n')
      await using importing = start(['import', '-', '--json'], { cwd: path, input: letters })
      assert.equal((await importing.exited).code, 0)
      const [found] = await lines<{ cluster: string; count: number }>(['dlq', 'clusters'], path)
      assert.equal(found?.count, 250)
      const { cluster } = found
      const canary = ['--canary', '50', '--min-pass', '50%']
      const redriven = await run(
        ['dlq', 'redrive', '--cluster', cluster, '--parse', 'rating=stars', ...canary, '--json'],
        { cwd: path },
      )
      const job: unknown = JSON.parse(redriven.stdout)
      assert.partialDeepStrictEqual(job, { state: 'done', total: 250, done: 250, passed: 200, failed: 50 })
      assert.equal(redriven.code, 1, 'some are still rejected')

      const discarded = await json(['dlq', 'discard', '--cluster', cluster, '--reason', 'no rating'], path)
      assert.partialDeepStrictEqual(discarded, { kind: 'discard', state: 'done', done: 50, passed: 50 })
      assert.deepEqual(await lines(['dlq', 'clusters'], path), [])
      const status = (row: { verdict: { status: string } }): string => row.verdict.status
      const rows = await lines<{ verdict: { status: string } }>(['reviews', 'list', '--limit', '500'], path)
      assert.deepEqual([rows.length, rows.filter((row) => status(row) === 'accepted').length], [250, 200])
      const events = await lines<Event>(['tail', '--group', 'storage', '--limit', '200'], path)
      assert.equal(new Set(events.map(({ recordkey }) => recordkey)).size, 200)
      const changes = await lines<{ what: string }>(['changes', 'list'], path)
      assert.deepEqual(
        changes.map(({ what }) => what),
        ['discard ended', 'discard', 'redrive ended', 'redrive'],
      )
    })

    for (const [what, { backends, names }] of Object.entries(wrong)) {
      test(`${what} is told within seconds, by the setting's name`, { timeout: LIMIT_MS }, async () => {
        await using folder = await temporaryFolder()
        await writeConfig(folder.path, '', 0, backends)
        const startedAt = performance.now()
        await using up = start(['up'], { cwd: folder.path })
        await up.waitFor(names)
        assert.ok(performance.now() - startedAt < 20_000)
        // What may pass is waited for; what a person has to mend ends it.
        const { code, stderr } = await up.stop()
        assert.notEqual(code, 0, stderr)
        assert.doesNotMatch(stderr, /\n\s+at /, 'no stack for a mistake in the config')
      })
    }
  })
}

async function end(up: Up | undefined): Promise<void> {
  const exit = await up?.process.stop()
  assert.equal(exit?.code, 0, exit?.stderr)
}

async function groups(folder: string): Promise<ReadonlyMap<string, number | undefined>> {
  const all = await lines<Group>(['groups', 'list'], folder)
  const named = all.map(({ topic, group, backlog }) => [`${plain(topic)} ${group}`, backlog] as const)
  return new Map(named.toSorted(([a], [b]) => a.localeCompare(b)))
}

/** The topic without what makes it this test's own. */
const plain = (topic: string): string => topic.replace(/^.*(raw-reviews|dead-letter-queue).*$/, '$1')

async function tailWithoutGroup(folder: string, webhook: string): Promise<void> {
  await using tail = start(['tail', '--limit', '1'], { cwd: folder })
  let exit: Exit | undefined
  tail.exited.then((ended) => (exit = ended), assert.ifError)
  // Where nothing is kept for a reader without a group, it sees what comes once it reads.
  for (let sent = 0; exit === undefined; sent++) await post(webhook, review(`T${sent}`))
  assert.deepEqual([exit.code, exit.stdout.startsWith('{"specversion"')], [0, true], exit.stderr)
}

async function stored(folder: string, count: number): Promise<void> {
  await eventually(
    async () => {
      const found = await lines(['reviews', 'list', '--limit', '1000000'], folder).catch(() => [])
      return found.length >= count ? true : undefined
    },
    `${count} records`,
    LIMIT_MS / 2,
  )
}

async function allOnce(t: TestContext, folder: string, count: number): Promise<void> {
  await using exporting = start(['reviews', 'export', '--raw'], { cwd: folder })
  const { stdout } = await exporting.exited
  const found = stdout.split('\n').filter(Boolean)
  const expected = new Set(linesFrom(0, count).split('\n'))
  assert.equal(found.length, count, 'each once')
  for (const row of found) assert.ok(expected.delete(row), `invented, altered or twice: ${row}`)
  assert.equal((await json<{ ok: boolean }>(['audit'], folder)).ok, true)
  t.diagnostic(`${count} acknowledged, ${count} stored, each once`)
}

/** Reviews of 64 products. */
const linesFrom = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, n) =>
    review(`R${from + n}`, { product_id: `B${(from + n) % 64}` }),
  ).join('\n')

async function post(url: string, body: string): Promise<number> {
  const headers = { 'content-type': 'application/x-ndjson' }
  const answer = await fetch(url, { method: 'POST', headers, body })
  await answer.body?.cancel()
  return answer.status
}
