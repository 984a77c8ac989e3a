import type { Arrival } from '../src/review/record.ts'
import type { Store } from '../src/stores/store.ts'
import { type Bare, BATCH, type Database, type StartDatabase } from './databases/database.ts'
import type { Question, Row } from './question.ts'
import { arrivalsFrom } from './records.ts'

const DATABASES: Readonly<Record<string, () => Promise<StartDatabase>>> = {
  'MongoDB (stand-in)': async () => (await import('./databases/mongodb.ts')).startMongodb,
  Cassandra: async () => (await import('./databases/cassandra.ts')).startCassandra,
  'DynamoDB Local': async () => (await import('./databases/dynamodb.ts')).startDynamodb,
}
const WARM_UP = 5_000
/** All rows are read so many times. */
const SCANS = 3

/** What work on so many rows took. */
interface Cost {
  readonly rows: number
  readonly cpuMicros: number
  readonly ms: number
}

/** The client library alone, and Headwater. */
interface Sides<T> {
  readonly bare: T
  readonly ours: T
}
const SIDES = ['bare', 'ours'] as const

/** Each database's adapter beside its bare client, in this process, in turns. */
export const databases: Question = {
  name: 'databases',
  asks:
    `What does each database's adapter cost, as against its client library alone doing the same as safely, in batches of ${BATCH}? ` +
    'The client is given rows that were laid out beforehand, and its rows are left as it gives them. CPU is that of the client. ' +
    'Aimed at: a ratio of 1.3. A database that could not be started is missing.',
  async ask({ count }) {
    const rows: Row[] = []
    for (const [name, load] of Object.entries(DATABASES)) {
      const database = await (await load())()
      if (typeof database === 'string') process.stderr.write(`${name}: ${database}\n`)
      else rows.push(...(await askDatabase(name, database, count)))
    }
    return rows
  },
}

async function askDatabase(name: string, database: Database, count: number): Promise<readonly Row[]> {
  await using _ = database
  const warmUp = Math.min(WARM_UP, database.most / 2)
  const arrivals = arrivalsFrom(0, warmUp + Math.min(count, database.most))
  await using bare = await database.bare('bare')
  await using ours = adapter(await database.open('ours'))
  const sides = { bare, ours }
  await put(sides, arrivals.slice(0, warmUp))
  await scan(sides, warmUp)
  const puts = await put(sides, arrivals.slice(warmUp))
  const scans: Sides<Cost>[] = []
  for (let n = 0; n < SCANS; n++) scans.push(await scan(sides, arrivals.length))
  return [
    { of: `${name}: put`, figures: figuresOf(puts) },
    { of: `${name}: scan by time`, figures: figuresOf(total(scans)) },
  ]
}

const total = (all: readonly Sides<Cost>[]): Sides<Cost> => ({
  bare: sum(all.map(({ bare }) => bare)),
  ours: sum(all.map(({ ours }) => ours)),
})

function figuresOf({ bare, ours }: Sides<Cost>): Row['figures'] {
  return {
    'client alone: CPU µs per row': bare.cpuMicros / bare.rows,
    'Headwater: CPU µs per row': ours.cpuMicros / ours.rows,
    ratio: ours.cpuMicros / bare.cpuMicros,
    'client alone: rows/s': Math.round((bare.rows / bare.ms) * 1_000),
    'Headwater: rows/s': Math.round((ours.rows / ours.ms) * 1_000),
  }
}

/** The adapter, used as the bare client is. */
function adapter(store: Store): Bare {
  return {
    prepare: async (arrivals) => async () => {
      const outcomes = await store.put(arrivals)
      const others = outcomes.filter((outcome) => outcome !== 'stored')
      if (others.length > 0) throw new Error(`${others.length} rows were not stored`)
    },
    async *scan() {
      for await (const { records } of store.scan({ by: 'time', pageSize: BATCH })) yield records
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}

/** In turns, batch by batch, so that what slows down meanwhile does so for both. */
async function put(sides: Sides<Bare>, arrivals: readonly Arrival[]): Promise<Sides<Cost>> {
  const costs: Sides<Cost[]> = { bare: [], ours: [] }
  for (let at = 0; at < arrivals.length; at += BATCH) {
    const batch = arrivals.slice(at, at + BATCH)
    for (const side of SIDES) {
      const putBatch = await sides[side].prepare(batch)
      costs[side].push(await timed(() => putBatch().then(() => batch.length)))
    }
  }
  return { bare: sum(costs.bare), ours: sum(costs.ours) }
}

/** In turns, page by page. */
async function scan(sides: Sides<Bare>, count: number): Promise<Sides<Cost>> {
  const costs: Sides<Cost[]> = { bare: [], ours: [] }
  const pages: Sides<AsyncIterator<readonly unknown[]>> = {
    bare: sides.bare.scan()[Symbol.asyncIterator](),
    ours: sides.ours.scan()[Symbol.asyncIterator](),
  }
  for (const left = new Set(SIDES); left.size > 0; ) {
    for (const side of left) {
      const cost = await timed(async () => {
        const { done = false, value } = await pages[side].next()
        if (done) left.delete(side)
        return done ? 0 : (value as readonly unknown[]).length
      })
      costs[side].push(cost)
    }
  }
  const [bare, ours] = [sum(costs.bare), sum(costs.ours)]
  if (bare.rows !== count || ours.rows !== count)
    throw new Error(`scans found ${bare.rows} and ${ours.rows} rows of ${count}`)
  return { bare, ours }
}

/** `work` resolves to the number of its rows. */
async function timed(work: () => Promise<number>): Promise<Cost> {
  const before = process.cpuUsage()
  const startedAt = performance.now()
  const rows = await work()
  const ms = performance.now() - startedAt
  const { user, system } = process.cpuUsage(before)
  return { rows, cpuMicros: user + system, ms }
}

function sum(costs: readonly Cost[]): Cost {
  const added = (of: keyof Cost): number => costs.reduce((so, cost) => so + cost[of], 0)
  return { rows: added('rows'), cpuMicros: added('cpuMicros'), ms: added('ms') }
}
