import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { provision } from '../../src/app.ts'
import { load } from '../../src/config/load.ts'
import { apart, type Section, STORES } from '../support/backends.ts'
import { openOperators } from '../support/operators.ts'
import { eventually } from '../support/pipeline.ts'
import { silent } from '../support/queue-context.ts'
import { FIVE, review } from '../support/reviews.ts'
import { temporaryFolder } from '../support/temp.ts'

const stores: Readonly<Record<string, Section>> = STORES
const STEPS = [{ parse: 'rating', as: 'stars' }]

interface List {
  readonly records: readonly { readonly key: string; readonly reviewId?: string }[]
  readonly after?: string
}

describe('the console is the same on every store', () => {
  for (const name of Object.keys(stores).filter((each) => each !== 'embedded')) {
    test(`lists, shows and mends what is in ${name}`, async (t) => {
      const section = await stores[name]?.()
      if (typeof section !== 'object') return t.skip(section ?? 'there is none')
      await using folder = await temporaryFolder()
      const store = { ...section, ...apart(name) }
      const prepare = async (path: string): Promise<void> => {
        const config = await load({ path, env: {}, args: { data: folder.path } })
        await provision({ config, logger: silent, signal: new AbortController().signal })
      }
      await using operators = await openOperators(folder.path, { store, prepare })
      const before = Date.now()
      await operators.bring([
        ...FIVE,
        ...Array.from({ length: 7 }, (_, n) => review(`S${n}`, { rating: '4.0 out of 5 stars' })),
      ])
      const all = await eventually(async () => {
        const found = await operators.ask<List>('/api/reviews?limit=10')
        return found.records.length === 10 ? found : undefined
      }, 'the newest ten')
      const rest = await operators.ask<List>(`/api/reviews?limit=10&after=${all.after}`)
      assert.equal(new Set([...all.records, ...rest.records].map(({ key }) => key)).size, 12)
      const [found] = (await operators.ask<List>('/api/reviews?review=R1')).records
      assert.equal((await operators.ask<List>('/api/reviews?product=B00456')).records[0]?.reviewId, 'R2')
      const passport = await operators.ask<{
        raw: string
        settled: string
        timings: { storedAt: string }
      }>(`/api/reviews/${found?.key}`)
      assert.deepEqual([passport.raw, passport.settled], [FIVE[0], 'stored'])
      const storedAt = Date.parse(passport.timings.storedAt)
      assert.ok(before <= storedAt && storedAt <= Date.now(), passport.timings.storedAt)
      const stars = await eventually(async () => {
        const clusters = await operators.ask<{ cluster: string; count: number }[]>('/api/clusters')
        return clusters.find(({ count }) => count === 7)
      }, 'the cluster of seven')
      const body = { steps: STEPS }
      const path = `/api/clusters/${stars.cluster}`
      const preview = await operators.ask<{ pass: number }>(`${path}/preview`, { method: 'POST', body })
      assert.equal(preview.pass, 7)
      const { id } = await operators.ask<{ id: string }>(`${path}/redrive`, { method: 'POST', body })
      const job = await eventually(async () => {
        const now = await operators.ask<{ state: string; passed: number }>(`/api/jobs/${id}`)
        return now.state === 'running' ? undefined : now
      }, 'the redrive')
      assert.deepEqual([job.state, job.passed], ['done', 7])
      await operators.ask('/api/sources/hook/pause', { method: 'POST' })
      const { changes } = await operators.ask<{ changes: { what: string }[] }>('/api/changes')
      assert.ok(['redrive', 'pause source'].every((what) => changes.some((change) => change.what === what)))
    })
  }
})
