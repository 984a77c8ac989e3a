import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openRegistry } from '../../src/app.ts'
import { load } from '../../src/config/load.ts'
import { start } from '../support/cli.ts'
import { writeConfig } from '../support/pipeline.ts'
import { silent } from '../support/queue-context.ts'
import { temporaryFolder } from '../support/temp.ts'
import { assertStored, documentsOf, itemAt, LIMIT_MS, provision, type WholeHarness } from './store-whole.ts'

/** Of several pages, between which it is killed. */
const COUNT = Number(process.env['HEADWATER_COPY_COUNT'] ?? 2_500)
const KILLS = 2
/** A copy that is killed has come about a fifth of the way further. */
const STEPS = Math.max(1, Math.floor(COUNT / 500 / 5))
const LOOK_MS = 5
const OTHER = 'other.yaml'

interface Copied {
  readonly ok: boolean
  readonly records: number
  readonly stored: number
}

/** What moves a pipeline to another store, ended in the middle as a power cut would. */
export function copyLoad(name: string, { section }: WholeHarness): void {
  test(`${COUNT} reviews into ${name} by a copy that is killed ${KILLS} times: all there, and compared`, {
    timeout: LIMIT_MS,
  }, async (t) => {
    await using folder = await temporaryFolder()
    const { path } = folder
    await writeConfig(path)
    const other = { queue: { type: 'embedded' }, store: section('copy') }
    await writeFile(join(path, OTHER), JSON.stringify(other))
    await provision(path, OTHER)
    const items = Array.from({ length: COUNT }, (_, n) => itemAt(n))
    await writeFile(join(path, 'in.ndjson'), items.join('\n'))
    await documentsOf(['import', 'in.ndjson'], path)

    await using position = await positionIn(join(path, OTHER))
    for (let kill = 0; kill < KILLS; kill++) await killedOnItsWay(path, position)
    const [copied] = await documentsOf<Copied>(['copy', '--to', OTHER], path)
    assert.ok(copied?.ok)
    assert.ok(copied.records < COUNT, 'it went on where it was')
    await assertStored(items, path, OTHER)
    assert.deepEqual(await verdictsIn(path, OTHER), await verdictsIn(path, 'headwater.yaml'))

    const [again] = await documentsOf<Copied>(['copy', '--to', OTHER], path)
    assert.partialDeepStrictEqual(again, { ok: true, records: COUNT, stored: 0 })
    t.diagnostic(`${COUNT} copied and compared; the last of three runs had ${copied.records} left`)
  })
}

interface Position extends AsyncDisposable {
  /** How far a copy has come, in its own words; undefined where none is under way. */
  get(): Promise<string | undefined>
}

async function positionIn(path: string): Promise<Position> {
  const config = await load({ path, env: process.env })
  const registry = await openRegistry({ config, logger: silent, signal: new AbortController().signal })
  return {
    async get() {
      const [entry] = await Array.fromAsync(registry.list('copy/'))
      return entry?.value.toString()
    },
    [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
  }
}

/** Ends a copy once it has come some steps further. */
async function killedOnItsWay(folder: string, position: Position): Promise<void> {
  let last = await position.get()
  await using copying = start(['copy', '--to', OTHER], { cwd: folder })
  let hasEnded = false
  void copying.exited.finally(() => {
    hasEnded = true
  })
  for (let steps = 0; steps < STEPS && !hasEnded; await sleep(LOOK_MS)) {
    const now = await position.get()
    if (now !== last) steps++
    last = now
  }
  assert.equal((await copying.kill()).signal, 'SIGKILL', 'it was still on its way')
}

async function verdictsIn(folder: string, config: string): Promise<unknown[]> {
  const rows = await documentsOf<{ key: string; verdict: object }>(
    ['reviews', 'list', '--limit', '1000000', '-c', config],
    folder,
  )
  return rows.map(({ key, verdict }) => ({ key, verdict })).toSorted((a, b) => (a.key < b.key ? -1 : 1))
}
