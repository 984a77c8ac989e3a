import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Arrival } from '../src/review/record.ts'
import type { Store } from '../src/stores/store.ts'
import { type Bare, BATCH, type Database, type StartDatabase } from './databases/database.ts'
import { median, type Question, type Row } from './question.ts'
import { arrivalsFrom } from './records.ts'

const DATABASES: Readonly<Record<string, () => Promise<StartDatabase>>> = {
  'MongoDB (stand-in)': async () => (await import('./databases/mongodb.ts')).startMongodb,
  Cassandra: async () => (await import('./databases/cassandra.ts')).startCassandra,
  'DynamoDB Local': async () => (await import('./databases/dynamodb.ts')).startDynamodb,
}
/** So many rows are put at first, which is not measured, and read. */
const MOST_READ = 10_000
/** And read so many times. */
const SCANS = 5

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as (how: { readonly type: 'minor' }) => void
const sweep = (): void => collect({ type: 'minor' })

/** What work on so many rows took, for each of them. */
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
    'The client is given rows that were laid out beforehand, and its rows are left as it gives them; Headwater is given events as ' +
    'bytes, and gives out records. What JSON.parse alone takes for the same events stands beside. CPU is that of the client. Every ' +
    'turn begins with a young heap that was swept, and sweeps it at its end; figures are those of the median batch of a put, and of ' +
    'the median scan, since the old heap is collected in a few turns of either side, by chance. ' +
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
  const most = Math.min(count, database.most)
  const read = Math.min(MOST_READ, most)
  await using bare = await database.bare('bare')
  await using ours = adapter(await database.open('ours'))
  const sides = { bare, ours }
  await put(sides, 0, read)
  await scan(sides, read)
  const scans: Sides<Cost>[] = []
  for (let n = 0; n < SCANS; n++) scans.push(await scan(sides, read))
  const puts = await put(sides, read, read + most)
  const parsing = puts.parsing.cpuMicros
  const ratio = puts.ours.cpuMicros / (puts.bare.cpuMicros + parsing)
  return [
    {
      of: `${name}: put`,
      figures: {
        ...figuresOf(puts),
        'JSON.parse: CPU µs per row': parsing,
        'ratio to the client and JSON.parse': ratio,
      },
    },
    {
      of: `${name}: scan by time`,
      figures: figuresOf({
        bare: typical(scans.map(({ bare }) => bare)),
        ours: typical(scans.map(({ ours }) => ours)),
      }),
    },
  ]
}

function figuresOf({ bare, ours }: Sides<Cost>): Row['figures'] {
  return {
    'client alone: CPU µs per row': bare.cpuMicros,
    'Headwater: CPU µs per row': ours.cpuMicros,
    ratio: ours.cpuMicros / bare.cpuMicros,
    'client alone: rows/s': Math.round(1_000 / bare.ms),
    'Headwater: rows/s': Math.round(1_000 / ours.ms),
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

/** In turns, batch by batch, so that what slows down meanwhile does so for both. No batch is there before its turn. */
async function put(
  sides: Sides<Bare>,
  from: number,
  to: number,
): Promise<Sides<Cost> & { readonly parsing: Cost }> {
  const costs: Sides<Cost[]> = { bare: [], ours: [] }
  const parsing: Cost[] = []
  for (let at = from; at < to; at += BATCH) {
    const batch = arrivalsFrom(at, Math.min(BATCH, to - at))
    parsing.push(await timed(async () => batch.map(parse).length))
    for (const side of SIDES) {
      const putBatch = await sides[side].prepare(batch)
      costs[side].push(await timed(() => putBatch().then(() => batch.length)))
    }
  }
  return { bare: typical(costs.bare), ours: typical(costs.ours), parsing: typical(parsing) }
}

/** What anybody has to do who is brought events. */
const parse = ({ head }: Arrival): unknown => JSON.parse(`${head.toString()}null}}`)

/** One after the other, all of it: who holds many rows at a time pays for that. */
async function scan(sides: Sides<Bare>, count: number): Promise<Sides<Cost>> {
  const [bare, ours] = [await scanOne(sides.bare), await scanOne(sides.ours)]
  if (bare.rows !== count || ours.rows !== count)
    throw new Error(`scans found ${bare.rows} and ${ours.rows} rows of ${count}`)
  return { bare, ours }
}

function scanOne(side: Bare): Promise<Cost> {
  return timed(async () => {
    let rows = 0
    for await (const page of side.scan()) rows += page.length
    return rows
  })
}

/** `work` resolves to the number of its rows. It begins without the garbage of others, and sweeps up its own. */
async function timed(work: () => Promise<number>): Promise<Cost> {
  sweep()
  const before = process.cpuUsage()
  const startedAt = performance.now()
  const rows = await work()
  sweep()
  const ms = performance.now() - startedAt
  const { user, system } = process.cpuUsage(before)
  return { rows, cpuMicros: (user + system) / rows, ms: ms / rows }
}

function typical(costs: readonly Cost[]): Cost {
  const of = (what: keyof Cost): number => median(costs.map((cost) => cost[what]))
  return { rows: of('rows'), cpuMicros: of('cpuMicros'), ms: of('ms') }
}
