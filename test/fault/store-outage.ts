import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ownBytesOf } from '../../bench/process.ts'
import { formatBytes } from '../../src/lib/units.ts'
import { start } from '../support/cli.ts'
import { backlogOf, eventually, metricsOf, startUp, writeConfig } from '../support/pipeline.ts'
import { temporaryFolder } from '../support/temp.ts'
import { assertStored, itemAt, LIMIT_MS, postAll, provision, type WholeHarness } from './store-whole.ts'

const BEFORE = 1_000
const MEANWHILE = Number(process.env['HEADWATER_STORE_OUTAGE'] ?? 3_000)
/** So often storage must have tried in vain before the database is back. */
const TRIES = 4
/** What the heap takes more or less at any time, and two batches in hand. */
const MOST_GROWTH = 64 * 2 ** 20

/**
 * What is in the queue waits there for as long as the database is away, and senders notice nothing. A service that starts
 * meanwhile waits too.
 */
export function storeOutage(name: string, { section, wire }: WholeHarness): void {
  test(`${MEANWHILE} reviews into ${name} while it is away: each acknowledged, in flat memory, and stored once it is back`, {
    timeout: LIMIT_MS,
  }, async (t) => {
    await using folder = await temporaryFolder()
    const { path } = folder
    await writeConfig(path, '', 0, { store: section('outage') })
    await provision(path)
    const { process, webhook, admin } = await startUp(path)
    await using _ = process
    const items = Array.from({ length: BEFORE + MEANWHILE }, (__, n) => itemAt(n))
    const isDrained = async () => (await backlogOf(admin)) === 0 || undefined

    await postAll(webhook, items.slice(0, BEFORE), () => {})
    await eventually(isDrained, 'all to be stored before', LIMIT_MS)
    const before = ownBytesOf(process.pid)
    let most = before
    const look = (): void => {
      most = Math.max(most, ownBytesOf(process.pid))
    }

    wire.down()
    await using late = start(['store', '--json'], { cwd: path })
    try {
      await late.waitFor(/not ready, trying again/)
      await postAll(webhook, items.slice(BEFORE), look)
      await eventually(async () => {
        look()
        return (await triesOf(admin)) >= TRIES || undefined
      }, `${TRIES} tries to store`)
      assert.equal(await backlogOf(admin), MEANWHILE)
    } finally {
      wire.restore()
    }
    const grown = most - before
    assert.ok(grown < MOST_GROWTH, `grew by ${formatBytes(grown)}`)

    await eventually(isDrained, 'all to be stored behind it', LIMIT_MS)
    await late.waitFor(/"event":"started"/)
    for (const each of [late, process]) assert.equal((await each.stop()).code, 0)
    await assertStored(items, path)
    t.diagnostic(`${MEANWHILE} acknowledged meanwhile, 0 lost, grew by at most ${formatBytes(grown)}`)
  })
}

/** How often storage failed and tried again. */
async function triesOf(admin: string): Promise<number> {
  const found = (await metricsOf(admin)).matchAll(/^headwater_retries_total\{stage="store",.*\} (\d+)$/gm)
  return [...found].reduce((sum, [, count]) => sum + Number(count), 0)
}
