import { isDeepStrictEqual } from 'node:util'
import { clusterOf } from './cluster.ts'
import type { ReviewRecord } from './record.ts'
import { isDiscarded, type Rejected, type Verdict } from './verdict.ts'

/**
 * Whether a verdict was made by newer rules than another: a newer schema, a newer version of the same preset, or a repair that
 * the other does not know. What was accepted with a repair gives way only to what knows that repair, too; what a person wrote
 * only to the same writing, and what a person discarded only to what is no dead letter any more.
 */
export function isNewer(arriving: Verdict, known: Verdict): boolean {
  if (isDiscarded(known) && arriving.status === 'rejected') return false
  if (known.by.patch !== undefined && !isDeepStrictEqual(known.by.patch, arriving.by.patch)) return false
  const [has, had] = [mendingOf(arriving), mendingOf(known)]
  const isRescued = known.status === 'rejected' && arriving.status !== 'rejected'
  if (!isRescued && !had.isSubsetOf(has)) return false
  const schema = versionOf(arriving.by.schema) - versionOf(known.by.schema)
  if (schema !== 0) return schema > 0
  const isSamePreset = nameOf(arriving.by.preset) === nameOf(known.by.preset)
  const preset = versionOf(arriving.by.preset) - versionOf(known.by.preset)
  return isSamePreset && (preset > 0 || (preset === 0 && !has.isSubsetOf(had)))
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

/** The repairs that were applied, and the writing of a person. */
const mendingOf = ({ by: { repairs = [], patch } }: Verdict): Set<string> =>
  new Set([...repairs.map(({ id }) => id), ...(patch === undefined ? [] : ['patch'])])
const nameOf = (version: string): string => version.slice(0, version.lastIndexOf('@'))
const versionOf = (version: string): number => Number(version.slice(version.lastIndexOf('@') + 1))
