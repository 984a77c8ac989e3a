import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { REVIEW_FIELDS } from '../../src/review/fields.ts'
import {
  createHostileProvider,
  type HostileProvider,
  type State,
} from '../../src/sources/simulator/hostile/provider.ts'
import { digestOf, type TrueReview } from '../../src/sources/simulator/hostile/truth.ts'
import type { Violation } from '../../src/sources/simulator/hostile/watch.ts'
import { type ShapeName, shapes } from '../../src/sources/simulator/shapes/index.ts'
import { eventually, type Row, rows, startUp, writeConfig } from '../support/pipeline.ts'
import { temporaryFolder } from '../support/temp.ts'

export interface HostileRun {
  readonly seed: number
  readonly shape: ShapeName
  readonly products?: number
  readonly reviews?: number
  readonly malice?: number
  /** After so many requests the provider turns kind. */
  readonly kindAfter?: number
  /** How long it may take from then on until everything is stored. */
  readonly limitMs?: number
}

/** What is wrong with what was stored: the ids of the reviews, each with what happened to it. */
export interface Difference {
  /** Versions that were sent on a page without fault and are not there as accepted reviews. */
  readonly lost: readonly string[]
  /** Accepted reviews that were never sent. */
  readonly invented: readonly string[]
  /** Versions that are there more than once. */
  readonly doubled: readonly string[]
  /** True reviews that became dead letters. */
  readonly condemned: readonly string[]
}

export interface Outcome extends Difference {
  readonly violations: readonly Violation[]
  readonly state: State
  /** How many versions were sent on a page without fault. */
  readonly owed: number
  readonly accepted: number
  readonly rejected: number
  readonly seconds: number
  readonly stderr: string
}

export const NOTHING_WRONG: Difference = { lost: [], invented: [], doubled: [], condemned: [] }

const KEY = 'key-of-the-hostile-provider-0123456789'
process.env['HOSTILE_TEST_KEY'] = KEY
const PAGE_SIZE = 50
/** Windows of a second, and waits of one or two. */
const PACE = 0.1
/** Reading the store takes a second; it is looked at until nothing is missing, or this long. */
const SETTLED_MS = 20_000

/** Runs everything against a hostile provider until it has turned kind and was read whole, and compares the store with it. */
export async function runHostile({
  seed,
  shape,
  products = 20,
  reviews = 5_000,
  malice = 0.3,
  kindAfter = 250,
  limitMs = 240_000,
}: HostileRun): Promise<Outcome> {
  const startedAt = Date.now()
  await using folder = await temporaryFolder()
  const hostility = { seed, shape, products, reviews, malice, kindAfter, pageSize: PAGE_SIZE, pace: PACE }
  await using provider = createHostileProvider(hostility)
  const url = await provider.listen({ host: '127.0.0.1', port: 0 })
  await writePreset(folder.path)
  await writeConfig(folder.path, `  - ${JSON.stringify(sourceFor(shape, url, provider))}`)
  const { process } = await startUp(folder.path)
  await using _ = process
  const isTurned = eventually(async () => provider.state().isKind || undefined, 'it to be kind', limitMs)
  await isTurned.catch(() => provider.turnKind())
  const isRead = eventually(
    async () => provider.state().isComplete || undefined,
    'all of it to be read',
    limitMs,
  )
  await isRead.catch(() => {})
  let stored: Row[] = []
  const isStored = eventually(
    async () => {
      stored = await rows(folder.path)
      return compare(stored, provider.truth(), shape).lost.length === 0 || undefined
    },
    'everything to be stored',
    SETTLED_MS,
  )
  await isStored.catch(() => {})
  const { stderr } = await process.stop('SIGINT')
  const truth = provider.truth()
  const accepted = stored.filter(isAccepted).length
  return {
    ...compare(stored, truth, shape),
    violations: provider.violations(),
    state: provider.state(),
    owed: owedOf(truth).length,
    accepted,
    rejected: stored.length - accepted,
    seconds: Math.round((Date.now() - startedAt) / 1_000),
    stderr,
  }
}

/** How the provider is polled, as a user would write it. */
function sourceFor(shape: ShapeName, url: string, provider: HostileProvider): object {
  const params = { api_key: '${HOSTILE_TEST_KEY}' }
  const each = {
    name: 'poll',
    type: 'http-poll',
    headers: { 'X-Api-Key': '${HOSTILE_TEST_KEY}' },
    every: '2s',
    timeout: '3s',
    products: provider.state().products.map(({ product_id: product }) => product),
  }
  switch (shape) {
    case 'rainforest':
      return {
        ...each,
        preset: 'rainforest',
        url: `${url}/request`,
        params: { ...params, asin: '{product}' },
        paging: { kind: 'page', param: 'page', total_pages: '/pagination/total_pages' },
      }
    case 'canonical':
      return {
        ...each,
        preset: './served.yaml',
        url: `${url}/reviews`,
        params: { ...params, product: '{product}' },
        paging: { kind: 'cursor', param: 'cursor', next: '/next_cursor' },
      }
    case 'bazaarvoice':
      return {
        ...each,
        preset: 'bazaarvoice',
        url: `${url}/data/reviews.json?Filter=ProductId:{product}`,
        params,
        paging: { kind: 'offset', param: 'Offset', size_param: 'Limit', size: PAGE_SIZE },
      }
  }
}

/** The shape `canonical` has its reviews in a list. */
async function writePreset(folder: string): Promise<void> {
  const fields = Object.fromEntries(REVIEW_FIELDS.map((name) => [name, { from: `/${name}` }]))
  const preset = { name: 'served', version: 1, coverage: 'full', items: ['/reviews/*'], fields }
  await writeFile(join(folder, 'served.yaml'), JSON.stringify(preset))
}

/** What a store has, beside what the provider sent. */
export function compare(stored: readonly Row[], truth: readonly TrueReview[], shape: ShapeName): Difference {
  const sent = new Map(
    truth.flatMap(({ review_id, versions }) =>
      versions.map(({ digest, isValid }) => [digest, { review_id, isValid }] as const),
    ),
  )
  const accepted = new Map<string, number>()
  const invented: string[] = []
  const condemned: string[] = []
  for (const row of stored) {
    const digest = digestOf(shapes[shape], parsed(row))
    const version = sent.get(digest)
    if (isAccepted(row)) {
      accepted.set(digest, (accepted.get(digest) ?? 0) + 1)
      if (version?.isValid !== true) invented.push(told(row))
    } else if (version?.isValid === true) condemned.push(told(row))
  }
  return {
    lost: owedOf(truth)
      .filter(({ digest }) => !accepted.has(digest))
      .map(({ review_id }) => review_id),
    invented,
    doubled: [...accepted]
      .filter(([, times]) => times > 1)
      .map(([digest]) => sent.get(digest)?.review_id ?? digest),
    condemned,
  }
}

/** One page without fault is enough. */
const owedOf = (truth: readonly TrueReview[]) =>
  truth.flatMap(({ review_id, versions }) =>
    versions
      .filter(({ isValid, seenClean }) => isValid && seenClean > 0)
      .map(({ digest }) => ({ review_id, digest })),
  )

const isAccepted = ({ verdict }: Row): boolean => verdict.status === 'accepted'

const told = ({ key, verdict, raw = '' }: Row): string => `${key} ${verdict.code ?? ''} ${raw.slice(0, 200)}`

function parsed({ raw = '' }: Row): unknown {
  try {
    return JSON.parse(raw)
  } catch {
    return undefined
  }
}
