import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { LEASE_MS } from '../../src/queues/embedded/lease.ts'
import { backlogOf, eventually, json, rows, startUp, writeConfig } from '../support/pipeline.ts'
import { review } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'

const MARGIN_MS = 5_000

async function send(webhook: string, ids: readonly string[]): Promise<void> {
  const response = await fetch(webhook, {
    method: 'POST',
    body: ids.map((id) => review(id, { product_id: `P-${id}` })).join('\n'),
    headers: { 'content-type': 'application/x-ndjson' },
  })
  assert.equal(response.status, 202)
}

/** What one process has stored, by its own metrics. */
async function storedBy(admin: string): Promise<number> {
  const metrics = await (await fetch(`${admin}/metrics`)).text()
  return Number(/headwater_reviews_stored_total\{source="hook"\} (\d+)/.exec(metrics)?.[1] ?? 0)
}

const idsOf = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `${name}${n}`)

describe('two storage processes on one folder', () => {
  test('share the work; when one is killed, the other takes over within its lease, and nothing is missing or twice', async () => {
    await using folder = await temporaryFolder()
    await writeConfig(folder.path)
    const ingest = await startUp(folder.path, 'ingest')
    await using _ = ingest.process
    const one = await startUp(folder.path, 'store')
    await using __ = one.process
    const two = await startUp(folder.path, 'store')
    await using ___ = two.process

    const sent: string[] = []
    await eventually(async () => {
      const ids = idsOf(`A${sent.length}-`, 50)
      await send(ingest.webhook, ids)
      sent.push(...ids)
      return (await storedBy(one.admin)) > 0 && (await storedBy(two.admin)) > 0 ? true : undefined
    }, 'both to store something')

    await one.process.kill()
    const killedAt = performance.now()
    const more = idsOf('B', 200)
    await send(ingest.webhook, more)
    sent.push(...more)
    await eventually(async () => (await backlogOf(two.admin)) === 0 || undefined, 'all to be stored')
    const tookMs = performance.now() - killedAt
    assert.ok(tookMs < LEASE_MS + MARGIN_MS, `expected ${LEASE_MS + MARGIN_MS} ms at most, took ${tookMs}`)

    const ids = (await rows(folder.path)).map(({ verdict }) => verdict.review?.['review_id'])
    assert.deepEqual(new Set(ids), new Set(sent))
    assert.equal(ids.length, sent.length)
    const audit = await json<{ ok: boolean }>(['audit'], folder.path)
    assert.equal(audit.ok, true)
    assert.equal((await two.process.stop()).code, 0)
    assert.equal((await ingest.process.stop()).code, 0)
  })

  test('an import ends beside a process that never stops publishing', async () => {
    await using folder = await temporaryFolder()
    await writeConfig(folder.path, '  - { name: simulator, type: simulator, rate: 400 }')
    const up = await startUp(folder.path)
    await using _ = up.process
    await eventually(
      async () => ((await fetch(`${up.admin}/health/ready`)).ok ? true : undefined),
      'the process to be ready',
    )
    const file = join(folder.path, 'reviews.ndjson')
    await writeFile(
      file,
      idsOf('I', 100)
        .map((id) => review(id))
        .join('\n'),
    )
    const imported = await json(['import', file], folder.path)
    assert.partialDeepStrictEqual(imported, { received: 100, stored: 100 })
    assert.equal((await up.process.stop()).code, 0)
  })
})
