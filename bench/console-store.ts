import { arrivalOf } from '../src/arrival.ts'
import { load } from '../src/config/load.ts'
import { openStore } from '../src/app.ts'
import { openPipeline } from '../src/pipeline.ts'
import { loadPreset } from '../src/presets/index.ts'
import { compileRules } from '../src/presets/rules.ts'
import { judge } from '../src/review/interpret.ts'
import type { Arrival } from '../src/review/record.ts'
import { silent } from '../test/support/queue-context.ts'
import { temporaryFolder } from '../test/support/temp.ts'
import { reviewAt } from './reviews.ts'

const BATCH = 5_000
/** Of so many records one is a dead letter, besides those that the invented reviews have. */
const LETTER_EVERY = 20
const APART_MS = 2_000

/** The console over an embedded store of so many records, of which one in ten is a dead letter, at the address `admin`. */
export async function openConsole(count: number): Promise<{ readonly admin: string } & AsyncDisposable> {
  await using opened = new AsyncDisposableStack()
  const folder = opened.use(await temporaryFolder())
  const config = await load({ env: {}, folder: folder.path, args: { data: folder.path } })
  const env = {
    config: { ...config, admin: { listen: { host: '127.0.0.1', port: 0 } } },
    logger: silent,
    signal: new AbortController().signal,
  }
  await fill(env, count)
  const pipeline = opened.use(
    await openPipeline(env, {
      ingestion: false,
      storage: false,
      listen: true,
      remember: false,
      clock: Date.now,
    }),
  )
  const all = opened.move()
  return { admin: pipeline.addresses.admin ?? '', [Symbol.asyncDispose]: () => all.disposeAsync() }
}

async function fill(env: Parameters<typeof openStore>[0], count: number): Promise<void> {
  await using store = await openStore(env)
  const rules = compileRules(await loadPreset('canonical'))
  const first = Date.now() - count * APART_MS
  for (let n = 0; n < count; n += BATCH) {
    const size = Math.min(BATCH, count - n)
    await store.put(Array.from({ length: size }, (_, m) => arrivalAt(n + m, first, rules)))
  }
}

function arrivalAt(n: number, first: number, rules: Parameters<typeof judge>[1]): Arrival {
  const raw = reviewAt(n)
  const isLetter = n % LETTER_EVERY === 0
  const received = {
    origin: 'webhook',
    receivedAt: first + n * APART_MS,
    raw: isLetter
      ? Buffer.from(raw.toString().replace(/"rating":\s*\d/, '"rating":"4.0 out of 5 stars"'))
      : raw,
    context: { source: 'webhook', kind: 'webhook', from: '/hooks/webhook', position: (n % 100) + 1 },
  }
  return arrivalOf(judge(received, rules))
}
