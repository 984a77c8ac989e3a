import { isDeepStrictEqual } from 'node:util'
import { clusterOf } from './cluster.ts'
import type { ReviewRecord } from './record.ts'
import type { Rejected, Verdict } from './verdict.ts'

/**
 * Whether a verdict was made by newer rules than another: a newer schema, or a newer version of the same preset. One that
 * a person repaired by hand gives way only to one that knows that repair.
 */
export function isNewer(arriving: Verdict, known: Verdict): boolean {
  if (known.by.patch !== undefined && !isDeepStrictEqual(known.by.patch, arriving.by.patch)) return false
  const schema = versionOf(arriving.by.schema) - versionOf(known.by.schema)
  if (schema !== 0) return schema > 0
  const isSamePreset = nameOf(arriving.by.preset) === nameOf(known.by.preset)
  return isSamePreset && versionOf(arriving.by.preset) > versionOf(known.by.preset)
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

const nameOf = (version: string): string => version.slice(0, version.lastIndexOf('@'))
const versionOf = (version: string): number => Number(version.slice(version.lastIndexOf('@') + 1))
