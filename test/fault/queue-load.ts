import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Queue } from '../../src/queues/queue.ts'
import { start } from '../support/cli.ts'
import { eventually, freePort, json, startUp, type Up, writeConfig } from '../support/pipeline.ts'
import { post } from '../support/post.ts'
import { review } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'

export interface LoadHarness {
  /** The section `queue:` of a config, with topics that nobody else uses. */
  readonly queue: object
  /** Opens the same queue of reviews. */
  readonly open: (dataDir: string) => Promise<Queue>
  readonly count: number
  /** How often each service, and the broker where it can come back, is killed. */
  readonly kills: number
  readonly killBroker?: () => Promise<void>
  /** Resolves once the broker has written down what was provisioned, where it may be killed. */
  readonly settled?: () => Promise<void>
  readonly limitMs: number
}

/** From the environment where the load is a long one. */
export const LOAD_LIMIT_MS = Number(process.env['HEADWATER_QUEUE_LIMIT_MS'] ?? 300_000)

const CONNECTIONS = 16
const A_REQUEST = 20
const PRODUCTS = 64

/**
 * The whole way by webhook, queue and store in processes of their own, while everything is killed and a second storage process
 * joins and leaves: what got a 2xx is stored, once, and each product's reviews lie in the queue in the order they came in.
 */
export function queueLoad(name: string, harness: LoadHarness): void {
  const { queue, count, kills, killBroker, limitMs } = harness
  const whom = killBroker ? 'broker and services' : 'services'
  test(`${count} reviews by way of ${name}, ${whom} killed ${kills} times: stored once, in order`, {
    timeout: limitMs,
  }, async (t) => {
    await using folder = await temporaryFolder()
    const { path } = folder
    await writeConfig(path, '', await freePort(), { queue })
    await json(['provision'], path)
    await json(['groups', 'add', 'order'], path)
    await harness.settled?.()
    const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
    const services = { ingest: await startUp(path, 'ingest'), store: await startUp(path, 'store') }
    const { webhook } = services.ingest
    let second: Up | undefined
    let confirmed = 0
    let next = 0
    let isOver = false

    /** Sends one request after the other; one without a 2xx is sent again, as every provider does. */
    async function sender(): Promise<void> {
      while (!isOver && next < count) {
        const first = next
        next += A_REQUEST
        const body = Array.from({ length: A_REQUEST }, (_, n) => reviewAt(first + n)).join('\n')
        while (!isOver && (await post(webhook, body, agent)) !== 202) await sleep(50)
        confirmed += A_REQUEST
      }
    }

    async function restart(service: 'ingest' | 'store'): Promise<void> {
      await services[service].process.kill()
      services[service] = await startUp(path, service)
    }

    const troubles = Array.from({ length: kills }, () => [
      killBroker,
      () => restart('ingest'),
      async () => (second ??= await startUp(path, 'store')),
      () => restart('store'),
    ]).flat()
    const senders = Promise.all(Array.from({ length: CONNECTIONS }, sender))
    try {
      for (const [n, trouble] of troubles.entries()) {
        const enough = (count * (n + 1)) / (troubles.length + 1)
        await eventually(async () => confirmed >= enough || undefined, `${enough} confirmed`, limitMs)
        await trouble?.()
      }
      await senders
      assert.equal((await second?.process.stop())?.code, 0)
      await eventually(async () => (await storedBy(path)) >= count || undefined, 'all stored', limitMs)
      assert.equal((await services.ingest.process.stop()).code, 0)
      assert.equal((await services.store.process.stop()).code, 0)
    } finally {
      isOver = true
      for (const up of [services.ingest, services.store, second]) await up?.process.kill()
      agent.destroy()
    }
    const repeated = await assertOrder(harness, path)
    await assertStored(path, count)
    t.diagnostic(`${count} acknowledged, ${count} stored, 0 lost, ${repeated} came twice to the queue`)
  })
}

const reviewAt = (n: number): string => review(`R${n}`, { product_id: `B${n % PRODUCTS}` })

/** Counts without reading raw: what was stored, by the store's own page. */
async function storedBy(folder: string): Promise<number> {
  await using listing = start(['reviews', 'list', '--limit', '1000000', '--json'], { cwd: folder })
  const { stdout } = await listing.exited
  return stdout.split('\n').length - 1
}

async function assertStored(folder: string, count: number): Promise<void> {
  await using exporting = start(['reviews', 'export', '--raw'], { cwd: folder })
  const { stdout } = await exporting.exited
  const rows = stdout.split('\n').filter(Boolean)
  const expected = new Set(Array.from({ length: count }, (_, n) => reviewAt(n)))
  assert.equal(rows.length, count, 'each once')
  for (const row of rows) assert.ok(expected.delete(row), `invented, altered or twice: ${row}`)
  assert.equal((await json<{ ok: boolean }>(['audit'], folder)).ok, true)
}

/** Each product's publications lie in the queue by the numbers of their runs, repeats aside. Tells how many came twice. */
async function assertOrder({ open, count, limitMs }: LoadHarness, folder: string): Promise<number> {
  await using queue = await open(join(folder, 'data'))
  const seen = new Set<string>()
  const keys = new Set<string>()
  const last = new Map<string, string>()
  let repeated = 0
  for await (const batch of queue.read({ group: 'order', signal: AbortSignal.timeout(limitMs) })) {
    for (const { body } of batch.items) {
      const event = body.toString()
      const [subject = '', run = '', seq = '', key = ''] = [
        'subject',
        'ledgerrun',
        'ledgerseq',
        'recordkey',
      ].map((field) => new RegExp(`"${field}":"([^"]*)"`).exec(event)?.[1] ?? '')
      const number = `${run} ${seq.padStart(12, '0')}`
      if (seen.has(number)) {
        repeated++
        continue
      }
      seen.add(number)
      keys.add(key)
      assert.ok(number > (last.get(subject) ?? ''), `${subject}: ${number} behind ${last.get(subject)}`)
      last.set(subject, number)
    }
    await batch.ack()
    if (keys.size >= count) break
  }
  assert.equal(keys.size, count)
  return repeated
}
