import { HeadwaterError } from '../errors.ts'
import { sentenceOf } from '../event.ts'
import { createGetter } from '../lib/pointer.ts'
import { shapeOf } from '../review/cluster.ts'
import { candidateOf, type Rules } from '../review/interpret.ts'
import { sanitise } from '../review/sanitise.ts'
import type { Fault } from '../review/verdict.ts'
import { type Cluster, MOST_COUNTED, type Store, type Stored } from '../stores/store.ts'

/** What a person is told of a cluster: the fault that its letters share, how many there are, and since when. */
export interface ClusterSummary {
  readonly cluster: string
  readonly count: number
  /** There are more than were counted. */
  readonly isMore: boolean
  readonly origin: string
  readonly source: string
  readonly preset: string
  readonly code: string
  /** Where the fault is in the review, and the keyword of the schema; of what is no review, both are empty or the code. */
  readonly pointer: string
  readonly keyword: string
  /** What kind of value is there: `"9.9 a a 9 a"`, `number`, `nothing`; undefined where no field is at fault. */
  readonly shape: string | undefined
  /** The first letter's fault, as a sentence. */
  readonly error: string
  /** RFC 3339, about: when the first and the last of them were received. */
  readonly firstAt: string
  readonly lastAt: string
}

/**
 * `rules`: those of its first letter; without them, the shape is not known. Undefined where that was mended since the store
 * was asked.
 */
export function aboutCluster(
  { cluster, count, first, last }: Cluster,
  rules: Rules | undefined,
): ClusterSummary | undefined {
  const { verdict, received } = first
  if (verdict.status !== 'rejected') return undefined
  const { pointer = '', keyword = '' } = verdict.errors[0] ?? {}
  return {
    cluster,
    count,
    isMore: count === MOST_COUNTED,
    origin: received.origin,
    source: received.context.source,
    preset: verdict.by.preset,
    code: verdict.code,
    pointer,
    keyword,
    shape: pointer === '' || rules === undefined ? undefined : shapeAt(pointer, first, rules),
    error: sentenceOf(verdict),
    firstAt: timeOf(first),
    lastAt: timeOf(last),
  }
}

/** What a repair of these letters mends. Throws USAGE where no repair can: they are no reviews, or no rule rejects them. */
export function faultOf({ verdict }: Stored): Fault {
  const [fault] = verdict.status === 'rejected' ? verdict.errors : []
  if (fault !== undefined && fault.pointer !== '') return fault
  const what = verdict.status === 'rejected' ? `${verdict.code}: ${sentenceOf(verdict)}` : verdict.status
  throw new HeadwaterError(
    'USAGE',
    `a repair mends a field of a review, and these have no such fault (${what})`,
  )
}

export interface Few {
  readonly most: number
  readonly signal: AbortSignal
}

/** Large letters are as good as small ones, and cost more. */
const MAX_SAMPLE_BYTES = 4 * 2 ** 20

/** The first letters of a cluster, few enough to be held in memory; at least one. Throws NOT_FOUND. */
export async function lettersOf(
  store: Pick<Store, 'scan'>,
  cluster: string,
  { most, signal }: Few,
): Promise<readonly [Stored, ...Stored[]]> {
  const letters: Stored[] = []
  let bytes = 0
  for await (const { records } of store.scan({ by: 'cluster', cluster, pageSize: most, signal })) {
    for (const record of records) {
      bytes += record.received.raw.length
      if (letters.length === most || (letters.length > 0 && bytes > MAX_SAMPLE_BYTES)) break
      letters.push(record)
    }
    if (letters.length === most || bytes > MAX_SAMPLE_BYTES) break
  }
  const [first, ...more] = letters
  if (first !== undefined) return [first, ...more]
  throw new HeadwaterError(
    'NOT_FOUND',
    `no dead letter of the cluster ${cluster} waits to be mended: \`headwater dlq clusters\` lists them`,
  )
}

function shapeAt(pointer: string, letter: Stored, rules: Rules): string | undefined {
  const candidate = candidateOf(letter, rules)
  if (candidate === undefined) return undefined
  const value = createGetter(pointer)(sanitise(candidate).clean)
  return value === undefined ? 'nothing' : shapeOf(value)
}

const timeOf = ({ received }: Stored): string => new Date(received.receivedAt).toISOString()
