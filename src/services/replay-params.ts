import type { Scan, Stored } from '../stores/store.ts'

/** What a replay is about. */
export interface ReplayParams {
  /** RFC 3339: what was received from then on. */
  readonly from?: string
  /** RFC 3339: what was received before then. There is always an end, or a replay would follow what comes meanwhile. */
  readonly to: string
  readonly source?: string
  readonly product?: string
  /** The preset to judge by, where the config no longer has the source. */
  readonly preset?: string
  /** Where it is published; without one it is only counted. */
  readonly target?: ReplayTarget
}

export type ReplayTarget =
  | { readonly to: 'group' | 'topic'; readonly name: string }
  /** Every consumer of the reviews. */
  | { readonly to: 'all' }

/** The records that are replayed. */
export function selectOf({ from, to, source, product }: ReplayParams): Scan {
  const by = product === undefined ? ({ by: 'time' } as const) : ({ by: 'product', product } as const)
  return {
    ...by,
    ...(from !== undefined && { from: Date.parse(from) }),
    to: Date.parse(to),
    ...(source !== undefined && { where: (row: Stored) => row.received.context.source === source }),
  }
}

/** `to the topic again`, as a person is told. */
export const placeOf = (target: ReplayTarget): string =>
  target.to === 'all' ? 'to everyone' : `to the ${target.to} ${target.name}`
