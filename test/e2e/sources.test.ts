import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Measured } from '../../src/commands/measured.ts'
import { type Facts } from '../../src/sources/http-poll/facts.ts'
import { budgetName } from '../../src/sources/http-poll/budget.ts'
import type { Polling } from '../../src/sources/source.ts'
import embedded from '../../src/stores/embedded/index.ts'
import { run } from '../support/cli.ts'
import { eventually, json, lines, metricsOf, startUp, writeConfig } from '../support/pipeline.ts'
import { openProvider } from '../support/provider.ts'
import { silent } from '../support/queue-context.ts'
import { review } from '../support/reviews.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'

const DAY = 86_400_000
const NOW = Date.now()

interface Shop {
  readonly products: readonly string[]
  /** What is saved of products, as a process that had a lease on them did. */
  readonly facts?: Readonly<Record<string, Facts>>
  readonly budget?: string
  /** Anything else that the registry has. */
  readonly entries?: Readonly<Record<string, object>>
}

/** A folder with a config that polls, and with what earlier runs saved. */
async function openShop({ products, facts = {}, budget = '', entries = {} }: Shop): Promise<TemporaryFolder> {
  const folder = await temporaryFolder()
  await writeFile(join(folder.path, 'products.txt'), products.join('\n'))
  await writeFile(
    join(folder.path, 'headwater.yaml'),
    `
sources:
  - { name: shop, type: http-poll, preset: rainforest, url: "http://127.0.0.1:9/{product}", products: { file: products.txt }, every: 5m${budget} }
  - { name: partner, type: webhook, path: /hooks/partner }
queue: { type: embedded }
store: { type: embedded }
`,
  )
  const dataDir = join(folder.path, 'data')
  await mkdir(dataDir, { recursive: true })
  const context = { dataDir, logger: silent, signal: new AbortController().signal }
  await using registry = await embedded.openRegistry(embedded.config.parse({}), context)
  const saved = Object.entries(facts).map(
    ([product, state]) => [`checkpoint/shop/${product}`, { $fence: 3, state }] as const,
  )
  for (const [name, value] of [...saved, ...Object.entries(entries)])
    await registry.compareAndSet(name, 0, Buffer.from(JSON.stringify(value)))
  return folder
}

/** What a product is known by that was watched for ten days. */
const watched = (perDay: number): Facts => ({
  observed: { polledAt: NOW - DAY, fresh: 10 * perDay, exposureMs: 10 * DAY, calls: 1, shown: 10, doubt: 0 },
  polledAt: NOW - DAY,
  yielded: { calls: 200, fresh: 10 * perDay },
})

describe('a process that polls', () => {
  test('tells in /health/sources and in the metrics what it asked and found, and how old that is', async () => {
    await using provider = await openProvider(() => ({
      body: `[${review('R1')},${review('R2')}]`,
      headers: { 'content-type': 'application/json' },
    }))
    await using folder = await temporaryFolder()
    const poll = `type: http-poll, url: "${provider.url}/{product}", products: [A, B], every: 1h`
    await writeConfig(folder.path, `  - { name: shop, ${poll} }`)
    const { process, admin } = await startUp(folder.path)
    await using _ = process
    const polling = await eventually(async () => {
      const sources = (await (await fetch(`${admin}/health/sources`)).json()) as Told[]
      assert.equal(sources.find(({ name }) => name === 'hook')?.polling, undefined)
      const found = sources.find(({ name }) => name === 'shop')?.polling
      return found?.fetched === 4 ? found : undefined
    }, 'the end of both polls')
    const { stalenessMs, ...counts } = polling
    assert.deepEqual(counts, { calls: 2, fresh: 4, products: 2, held: 2, fetched: 4 })
    assert.ok(stalenessMs !== undefined && stalenessMs.p95 < DAY)
    const metrics = await metricsOf(admin)
    for (const line of [
      'headwater_source_calls_total{source="shop"} 2',
      'headwater_source_new_reviews_total{source="shop"} 4',
      'headwater_source_products_held{source="shop"} 2',
    ])
      assert.ok(metrics.includes(line), metrics)
    assert.doesNotMatch(metrics, /^headwater_source_(reviews_told.*|calls.*"hook".*)\d$/m)
  })
})

describe('headwater sources list', () => {
  test('tells what is configured, and what is saved of it', async () => {
    await using folder = await openShop({
      products: ['A', 'B'],
      facts: {
        A: { ...watched(1), found: { at: NOW - 3 * DAY, afterMs: DAY / 4 } },
        B: { told: 3 },
      },
      entries: {
        'pause/shop': { until: NOW + DAY },
        'checkpoint/shopping/A': {},
        'checkpoint/shop/OLD': { polledAt: NOW - 2 * DAY },
      },
    })
    const [shop, partner] = await lines<Record<string, unknown>>(['sources', 'list'], folder.path)
    const { measured, ...rest } = shop ?? assert.fail('there are two')
    assert.deepEqual(rest, {
      name: 'shop',
      type: 'http-poll',
      preset: 'rainforest',
      enabled: true,
      paused: false,
      checkpoints: 3,
      polledAt: new Date(NOW - DAY).toISOString(),
      pausedUntil: new Date(NOW + DAY).toISOString(),
    })
    const { stalenessMs, ...found } = measured as Measured
    assert.ok(
      stalenessMs && stalenessMs.p95 >= DAY && stalenessMs.p95 < 2 * DAY,
      'OLD is not polled any more',
    )
    const quarter = DAY / 4
    assert.deepEqual(found, {
      newPer100Calls: 5,
      discoveryMs: { p50: quarter, p95: quarter },
      neverPolled: 1,
    })
    assert.deepEqual([partner?.['checkpoints'], partner?.['measured']], [0, undefined])
    const { stdout } = await run(['sources', 'list'], { cwd: folder.path })
    assert.match(stdout, /^shop +http-poll +rainforest +yes +3 +(1 d|24 h)[^-]* ago +- +(1 d|24 h).* +5 +/m)
  })
})

describe('headwater sources plan', () => {
  const shop = {
    products: ['HOT', ...Array.from({ length: 60 }, (_, n) => `COLD${n}`), 'NEW'],
    budget: ', budget: { calls: 100, per: day }',
    facts: {
      HOT: watched(50),
      ...Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`COLD${n}`, watched(0.1)])),
    },
    entries: { [budgetName('shop')]: { day: { since: Math.floor(Date.now() / DAY) * DAY, spent: 30 } } },
  }

  test('spends the budget where new reviews appear, and says what it expects', async () => {
    await using folder = await openShop(shop)
    const plan = await json<Plan>(['sources', 'plan'], folder.path)
    assert.equal(plan.products, 62)
    assert.ok(plan.callsPerDay > 80 && plan.callsPerDay <= 100.1, `${plan.callsPerDay}`)
    const [hot, next] = plan.plan
    assert.ok(hot?.product === 'HOT' && next && hot.intervalMs < next.intervalMs / 4)
    assert.ok(Math.abs(hot.newPerDay - 50) < 5)
    assert.equal(plan.plan.length, 20)
    const of = (product: string) => json<Plan>(['sources', 'plan', '--product', product], folder.path)
    assert.equal((await of('NEW')).plan[0]?.polledAt, undefined)
    assert.equal((await of('COLD7')).plan.length, 1)
    const { newPer100Calls, stalenessMs, neverPolled } = plan.measured
    assert.equal(newPer100Calls, Number(((100 * 560) / (61 * 200)).toPrecision(4)))
    assert.equal(neverPolled, 1)
    assert.ok(stalenessMs && stalenessMs.p50 >= DAY && stalenessMs.p95 === stalenessMs.p50)
  })

  test('explains it to a person', async () => {
    await using folder = await openShop(shop)
    const { stdout, stderr, code } = await run(['sources', 'plan', '--limit', '2'], { cwd: folder.path })
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^shop: 62 products, each at most every 5 min and at least every 7 d$/m)
    assert.match(stdout, /budget: 100 calls each day, 30 of them spent; anew in /)
    assert.match(
      stdout,
      /planned: [\d.]+ calls a day that find [\d.]+ new reviews per 100; half of these are seen within /,
    )
    assert.match(
      stdout,
      /^ {2}measured: 4\.59 new reviews per 100 calls; half of the products were polled within \S+ \S+, 95 % within .*; 1 never$/m,
    )
    assert.match(stdout, /^HOT +\d/m)
    assert.match(stdout, /^and 60 more with [\d.]+ calls a day$/m)
  })

  test('is every product at its interval where there is no budget', async () => {
    await using folder = await openShop({ products: ['A', 'B'] })
    const plan = await json<Plan>(['sources', 'plan'], folder.path)
    assert.ok(Math.abs(plan.callsPerDay - 2 * 288) < 1)
    assert.deepEqual(plan.measured, { neverPolled: 2 })
    assert.deepEqual(
      plan.plan.map(({ intervalMs }) => intervalMs),
      [300_000, 300_000],
    )
  })

  test('of a source that does not poll is refused, with those that do', async () => {
    await using folder = await openShop({ products: ['A'] })
    const { code, stderr } = await run(['sources', 'plan', '--source', 'partner'], { cwd: folder.path })
    assert.equal(code, 1)
    assert.match(stderr, /expected a source of the type http-poll, found "partner"; .*shop \(http-poll\)/)
  })
})

describe('headwater sources coverage', () => {
  test('tells what the provider says, what was fetched, stored and rejected, and the gap', async () => {
    await using folder = await openShop({
      products: ['A', 'B', 'C'],
      facts: {
        A: {
          told: 12,
          fetched: 3,
          completeAt: NOW - DAY,
          polledAt: NOW - DAY / 2,
          yielded: { calls: 7, fresh: 2 },
          found: { at: NOW - 2 * DAY, afterMs: DAY / 12 },
        },
        B: { told: 2, fetched: 2, completeAt: NOW },
        GONE: { told: 1_000, fetched: 0 },
      },
    })
    const input = [
      review('R1', { product_id: 'A' }),
      review('R1', { product_id: 'A', review_text: 'edited' }),
      review('R2', { product_id: 'A' }),
      review('R3', { product_id: 'A', user_id: null }),
    ].join('\n')
    const imported = await run(['import', '-', '--source', 'shop'], { cwd: folder.path, input })
    assert.equal(imported.code, 0, imported.stderr)
    const [a, b, c, ...more] = await lines<Coverage>(['sources', 'coverage'], folder.path)
    const { stalenessMs, completeStalenessMs, ...ofA } = a ?? assert.fail('there are three')
    assert.ok(stalenessMs !== undefined && stalenessMs >= DAY / 2 && stalenessMs < DAY)
    assert.ok(completeStalenessMs !== undefined && completeStalenessMs >= DAY)
    assert.deepEqual(ofA, {
      source: 'shop',
      product: 'A',
      told: 12,
      fetched: 3,
      stored: 2,
      rejected: 1,
      gap: 9,
      newPer100Calls: 28.57,
      completeAt: new Date(NOW - DAY).toISOString(),
      polledAt: new Date(NOW - DAY / 2).toISOString(),
      foundAt: new Date(NOW - 2 * DAY).toISOString(),
      discoveryMs: DAY / 12,
    })
    const { completeStalenessMs: _, ...ofB } = b ?? assert.fail('there are three')
    assert.deepEqual(ofB, {
      source: 'shop',
      product: 'B',
      told: 2,
      fetched: 2,
      stored: 0,
      rejected: 0,
      gap: 0,
      completeAt: new Date(NOW).toISOString(),
    })
    assert.deepEqual(c, { source: 'shop', product: 'C', stored: 0, rejected: 0 })
    assert.equal(more.length, 0)
    const { stdout } = await run(['sources', 'coverage'], { cwd: folder.path })
    assert.match(stdout, /^shop: 1 of 3 products polled to the end; the provider says 14, fetched 5, gap 9$/m)
    assert.match(
      stdout,
      /^ {2}measured: 28\.6 new reviews per 100 calls; half .* within 12 h(?: \d+ min)?, .*; 2 never; the latest new reviews were found within 2 h of the poll before for half of them, within 2 h for 95 %$/m,
    )
    assert.match(stdout, /^A +12 +3 +2 +1 +9 +28\.6 +2 h +\S+ \S+ ago +12 h ago/m)
  })

  test('counts more than 100 products in the store only when it is asked to', async () => {
    const products = Array.from({ length: 150 }, (_, n) => `P${n}`)
    await using folder = await openShop({ products, facts: { P149: { told: 5, fetched: 1 } } })
    const many = ['sources', 'coverage', '--limit', '150']
    const all = await lines<{ product: string; stored?: number }>(many, folder.path)
    assert.deepEqual([all.length, all[0]?.product, all[0]?.stored], [150, 'P149', undefined])
    const counted = await lines<{ stored?: number }>([...many, '--count'], folder.path)
    assert.ok(counted.every(({ stored }) => stored === 0))
    const first = await lines<{ stored?: number }>(['sources', 'coverage', '--limit', '3'], folder.path)
    assert.deepEqual(
      first.map(({ stored }) => stored),
      [0, 0, 0],
    )
  })
})

interface Told {
  readonly name: string
  readonly polling?: Polling
}

interface Coverage {
  readonly stalenessMs?: number
  readonly completeStalenessMs?: number
}

interface Plan {
  readonly products: number
  readonly measured: Measured
  readonly callsPerDay: number
  readonly plan: readonly {
    readonly product: string
    readonly intervalMs: number
    readonly newPerDay: number
    readonly polledAt?: string
  }[]
}
