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

interface Cost {
  readonly cpuMicros: number
  readonly perSecond: number
}

/** Each database's adapter beside its bare client, in this process, one after the other. */
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
  for (const side of [bare, ours]) {
    await put(side, arrivals.slice(0, warmUp))
    await scan(side, warmUp)
  }
  const rest = arrivals.slice(warmUp)
  const measured = [
    { what: 'put', alone: await put(bare, rest), with: await put(ours, rest) },
    {
      what: 'scan by time',
      alone: await scan(bare, arrivals.length),
      with: await scan(ours, arrivals.length),
    },
  ]
  return measured.map(({ what, alone, with: headwater }) => ({
    of: `${name}: ${what}`,
    figures: {
      'client alone: CPU µs per row': alone.cpuMicros,
      'Headwater: CPU µs per row': headwater.cpuMicros,
      ratio: headwater.cpuMicros / alone.cpuMicros,
      'client alone: rows/s': alone.perSecond,
      'Headwater: rows/s': headwater.perSecond,
    },
  }))
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

async function put(side: Bare, arrivals: readonly Arrival[]): Promise<Cost> {
  const puts: (() => Promise<void>)[] = []
  for (let at = 0; at < arrivals.length; at += BATCH)
    puts.push(await side.prepare(arrivals.slice(at, at + BATCH)))
  return timed(arrivals.length, async () => {
    for (const putBatch of puts) await putBatch()
  })
}

function scan(side: Bare, count: number): Promise<Cost> {
  return timed(count, async () => {
    let found = 0
    for await (const page of side.scan()) found += page.length
    if (found !== count) throw new Error(`a scan found ${found} rows of ${count}`)
  })
}

async function timed(count: number, work: () => Promise<void>): Promise<Cost> {
  const before = process.cpuUsage()
  const startedAt = performance.now()
  await work()
  const seconds = (performance.now() - startedAt) / 1_000
  const { user, system } = process.cpuUsage(before)
  return { cpuMicros: (user + system) / count, perSecond: Math.round(count / seconds) }
}
