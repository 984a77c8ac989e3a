import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { backlogOf, eventually, type Row, startUp, writeConfig } from '../support/pipeline.ts'
import { temporaryFolder } from '../support/temp.ts'
import {
  assertStored,
  documentsOf,
  itemAt,
  LIMIT_MS,
  postAll,
  provision,
  type WholeHarness,
} from './store-whole.ts'

const COUNT = Number(process.env['HEADWATER_STORE_LOAD'] ?? 300)
const KILLS = Number(process.env['HEADWATER_STORE_KILLS'] ?? 1)
/** So many reviews later one is sent again. */
const LATER = 100

/**
 * The whole way by webhook, embedded queue and store, with two storage processes, while both and the database are killed in
 * turn: each version is stored, once, byte for byte, and a window of time is replayed to the record.
 */
export function storeLoad(name: string, { section, restart }: WholeHarness): void {
  const whom = restart ? 'database and services' : 'services'
  test(`${COUNT} reviews into ${name}, ${whom} killed ${KILLS} times: stored once, and replayed`, {
    timeout: LIMIT_MS,
  }, async (t) => {
    await using folder = await temporaryFolder()
    const { path } = folder
    await writeConfig(path, '', 0, { store: section('load') })
    await provision(path)
    const ingest = await startUp(path, 'ingest')
    await using disposal = new AsyncDisposableStack()
    disposal.use(ingest.process)
    const startStore = async () => {
      const up = await startUp(path, 'store')
      disposal.use(up.process)
      return up
    }
    const stores = [await startStore(), await startStore()]

    const restartStore = (n: number) => async (): Promise<void> => {
      await stores[n]?.process.kill()
      stores[n] = await startStore()
    }
    const troubles = Array.from({ length: KILLS }, (_, n) => [
      restartStore(0),
      ...(restart && n === 0 ? [restart] : []),
      restartStore(1),
    ]).flat()

    const sent = versions()
    const size = Math.ceil(sent.length / (troubles.length + 1))
    for (let first = 0, n = 0; first < sent.length; first += size, n++) {
      const portion = sent.slice(first, first + size)
      let confirmed = 0
      await Promise.all([
        postAll(ingest.webhook, portion, (count) => {
          confirmed += count
        }),
        // In the midst of a portion, so that none of them falls into a pause.
        eventually(async () => confirmed >= portion.length / 2 || undefined, 'half a portion', LIMIT_MS).then(
          () => troubles[n]?.(),
        ),
      ])
    }
    const drained = eventually(
      // One that has ended answers nothing, and says why below.
      async () => (await backlogOf(stores[0]?.admin ?? '').catch(() => {})) === 0 || undefined,
      'an empty backlog',
      LIMIT_MS,
    )
    const ended = stores.map(({ process }) => process.exited)
    await Promise.race([drained, Promise.race(ended).then(({ stderr }) => assert.fail(stderr))])
    for (const { process } of [...stores, ingest]) assert.equal((await process.stop()).code, 0)

    await assertStored(sent, path)
    const replayed = await assertReplay(path)
    const { size: rows } = new Set(sent)
    t.diagnostic(`${sent.length} acknowledged, ${rows} versions stored, 0 lost, ${replayed} replayed`)
  })
}

/** Every review; every twentieth is sent a second time, and every fiftieth edited. */
function versions(): readonly string[] {
  return Array.from({ length: COUNT }, (_, n) => [
    { at: n, item: itemAt(n) },
    ...(n % 20 === 3 ? [{ at: n + LATER, item: itemAt(n) }] : []),
    ...(n % 50 === 0 ? [{ at: n, item: itemAt(n, 'The lid fits, and then it did not.') }] : []),
  ])
    .flat()
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item)
}

/** A window of received time comes out as what was accepted in it, and nothing else. Tells how many that are. */
async function assertReplay(folder: string): Promise<number> {
  const rows = await documentsOf<Row & { receivedAt: string }>(
    ['reviews', 'list', '--limit', '1000000'],
    folder,
  )
  const times = rows.map(({ receivedAt }) => receivedAt).toSorted()
  const [from = '', to = ''] = [times[Math.floor(rows.length / 4)], times[Math.floor((rows.length * 3) / 4)]]
  const inWindow = rows.filter(({ receivedAt }) => receivedAt >= from && receivedAt < to)
  const wanted = inWindow.filter(({ verdict }) => verdict.status === 'accepted').map(({ key }) => key)
  assert.ok(wanted.length > 0 && wanted.length < inWindow.length && inWindow.length < rows.length)

  const file = join(folder, 'replayed.ndjson')
  const [said] = await documentsOf<{ looked: number; published: number; rejected: number; refused: number }>(
    ['replay', '--from', from, '--to', to, '--to-file', file],
    folder,
  )
  assert.deepEqual(
    [said?.looked, said?.published, said?.rejected, said?.refused],
    [inWindow.length, wanted.length, inWindow.length - wanted.length, 0],
  )
  const events = (await readFile(file, 'utf8')).split('\n').filter(Boolean)
  const keys = events.map((event) => (JSON.parse(event) as { recordkey: string }).recordkey)
  assert.deepEqual(keys.toSorted(), wanted.toSorted())
  return keys.length
}
