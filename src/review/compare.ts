import { isDeepStrictEqual } from 'node:util'
import { clusterOf } from './cluster.ts'
import type { ReviewRecord } from './record.ts'
import type { Rejected, Verdict } from './verdict.ts'

/**
 * Whether a verdict was made by newer rules than another: a newer schema, a newer version of the same preset, or one more
 * repair. One that a person repaired gives way only to one that knows that repair.
 */
export function isNewer(arriving: Verdict, known: Verdict): boolean {
  if (known.by.patch !== undefined && !isDeepStrictEqual(known.by.patch, arriving.by.patch)) return false
  const [has, had] = [repairsOf(arriving), repairsOf(known)]
  if (!had.isSubsetOf(has)) return false
  const schema = versionOf(arriving.by.schema) - versionOf(known.by.schema)
  if (schema !== 0) return schema > 0
  const isSamePreset = nameOf(arriving.by.preset) === nameOf(known.by.preset)
  const preset = versionOf(arriving.by.preset) - versionOf(known.by.preset)
  return isSamePreset && (preset > 0 || (preset === 0 && has.size > had.size))
}

/** Whether two verdicts say the same, whoever made them. */
export function sameVerdict(a: Verdict, b: Verdict): boolean {
  const said = ({ by: _, unpublished: __, ...rest }: Verdict): unknown => rest
  return isDeepStrictEqual(said(a), said(b))
}

/** A verdict for a record that no rule rejects, but that can't go where it should. */
export function newRejected({ received, verdict }: ReviewRecord, code: string, message: string): Rejected {
  const fault = { pointer: '', keyword: code, message }
  const cluster = clusterOf({
    origin: received.origin,
    preset: verdict.by.preset,
    code,
    fault,
    candidate: undefined,
  })
  const product = verdict.status === 'accepted' ? verdict.review.product_id : verdict.product
  const rejected = { status: 'rejected', code, errors: [fault], cluster, by: verdict.by } as const
  return product === undefined ? rejected : { ...rejected, product }
}

const repairsOf = ({ by }: Verdict): Set<string> => new Set(by.repairs?.map(({ id }) => id))
const nameOf = (version: string): string => version.slice(0, version.lastIndexOf('@'))
const versionOf = (version: string): number => Number(version.slice(version.lastIndexOf('@') + 1))
