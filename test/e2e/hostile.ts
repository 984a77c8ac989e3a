import { malices } from '../../src/sources/simulator/hostile/malices.ts'
import { createHostileProvider, type State } from '../../src/sources/simulator/hostile/provider.ts'
import type { Violation } from '../../src/sources/simulator/hostile/watch.ts'
import type { ShapeName } from '../../src/sources/simulator/shapes/index.ts'
import { REQUESTS_PER_WINDOW, WINDOW_MS } from '../../src/sources/simulator/hostile/hostility.ts'
import { backlogOf, eventually, type Row, rows, startUp, type Up, writeConfig } from '../support/pipeline.ts'
import { temporaryFolder } from '../support/temp.ts'
import { compare, type Difference, owedOf } from './hostile-difference.ts'
import { PAGE_SIZE, sourceFor, writePreset } from './hostile-source.ts'

export interface HostileRun {
  readonly seed: number
  readonly shape: ShapeName
  readonly products?: number
  readonly reviews?: number
  readonly malice?: number
  /** After so many requests the provider turns kind. */
  readonly kindAfter?: number
  /** Until then a poller is killed, and started again, at every so manieth request. */
  readonly killEvery?: number
  /** How many pollers share the products. One that is never killed does all the rest too. */
  readonly replicas?: number
  /** How long it may take to turn kind, and again how long everything may take to be read from then on. */
  readonly limitMs?: number
}

export interface Outcome extends Difference {
  readonly violations: readonly Violation[]
  readonly state: State
  /** How many versions the pollers owe. */
  readonly owed: number
  readonly accepted: number
  readonly rejected: number
  readonly kills: number
  readonly seconds: number
  /** What all processes said. */
  readonly stderr: string
}

/** Windows of a second, and waits of one or two. */
const PACE = 0.1
/**
 * After a few refusals for a quota a poller lets minutes pass, as it should: one kind has to do here. By a clock of its own it
 * meets them all, in test/unit/sources/http-poll-hostile.test.ts.
 */
const SPARED = Object.keys(malices).filter(
  (name) => /^(429|402)/.test(name) && name !== '429, Retry-After in seconds',
)
/** Reading the store takes a second; it is looked at until nothing is missing, or this long. */
const SETTLED_MS = 20_000

/** Polls a hostile provider until it has turned kind and was read whole, and compares what was stored with what it sent. */
export async function runHostile(run: HostileRun): Promise<Outcome> {
  const { seed, shape, products = 20, reviews = 5_000, malice = 0.2, kindAfter = 250 } = run
  const { killEvery = Infinity, replicas = 1, limitMs = 240_000 } = run
  const startedAt = Date.now()
  await using folder = await temporaryFolder()
  await using provider = createHostileProvider({
    seed,
    shape,
    products,
    reviews,
    malice,
    kindAfter,
    pageSize: PAGE_SIZE,
    pace: PACE,
    requestsAtOnce: replicas,
    spared: SPARED,
  })
  const url = await provider.listen({ host: '127.0.0.1', port: 0 })
  const names = provider.state().products.map(({ product_id: product }) => product)
  await writePreset(folder.path)
  // Each replica knows what it was told; how much all of them may ask together is for whoever runs them to say.
  const rate = { requests: Math.floor(REQUESTS_PER_WINDOW / replicas), per: `${WINDOW_MS * PACE}ms` }
  const source = { ...sourceFor(shape, url, names), ...(replicas > 1 && { rate }) }
  await writeConfig(folder.path, `  - ${JSON.stringify(source)}`)
  await using processes = new AsyncDisposableStack()
  const ups: Up[] = []
  const open = async (command: string): Promise<Up> => {
    const up = await startUp(folder.path, command)
    processes.use(up.process)
    ups.push(up)
    return up
  }
  const isAlone = replicas === 1 && killEvery === Infinity
  if (!isAlone) await open('store')
  const command = isAlone ? 'up' : 'ingest'
  const pollers = await Promise.all(Array.from({ length: replicas }, () => open(command)))

  let kills = 0
  const isKind = eventually(
    async () => {
      const { requests, isKind: isOver } = provider.state()
      if (!isOver && requests >= (kills + 1) * killEvery) {
        await pollers[kills % replicas]?.process.kill()
        provider.forgive()
        pollers[kills++ % replicas] = await open(command)
      }
      return isOver || undefined
    },
    'it to turn kind',
    limitMs,
  )
  await isKind.catch(() => provider.turnKind())
  // How far an old listing is read once more is the poller's business: it may know better.
  const isRead = async () =>
    provider.state().products.every(({ isAsked, isShown }) => isAsked && isShown) || undefined
  await eventually(isRead, 'all of it to be read', limitMs).catch(() => {})
  const isDrained = async () => (await backlogOf(ups[0]?.admin ?? '')) === 0 || undefined
  await eventually(isDrained, 'the queue to be empty', limitMs).catch(() => {})
  let stored: Row[] = []
  // Whoever is killed has lost what it was about to keep, and what has changed since can't be read again.
  const owed = () => owedOf(provider.truth(), kills > 0)
  const isStored = async () => {
    stored = await rows(folder.path)
    return compare(stored, provider.truth(), owed(), shape).lost.length === 0 || undefined
  }
  await eventually(isStored, 'all of it to be stored', SETTLED_MS).catch(() => {})
  const exits = await Promise.all(ups.map(({ process }) => process.stop('SIGINT')))
  const accepted = stored.filter(({ verdict }) => verdict.status === 'accepted').length
  return {
    ...compare(stored, provider.truth(), owed(), shape),
    violations: provider.violations(),
    state: provider.state(),
    owed: owed().length,
    accepted,
    rejected: stored.length - accepted,
    kills,
    seconds: Math.round((Date.now() - startedAt) / 1_000),
    stderr: exits.map(({ stderr }) => stderr).join('\n'),
  }
}
