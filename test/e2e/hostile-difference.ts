import { digestOf, type TrueReview } from '../../src/sources/simulator/hostile/truth.ts'
import { type ShapeName, shapes } from '../../src/sources/simulator/shapes/index.ts'
import type { Row } from '../support/pipeline.ts'

/** What is wrong with what was stored: whose, each in words to look for. */
export interface Difference {
  /** Versions that are owed and are not there as accepted reviews. */
  readonly lost: readonly string[]
  /** Accepted reviews that were never sent. */
  readonly invented: readonly string[]
  /** Versions that are there more than once. */
  readonly doubled: readonly string[]
  /** True reviews that became dead letters. */
  readonly condemned: readonly string[]
  /** Reviews that are said to be removed, and were there all the time. */
  readonly buried: readonly string[]
}

export const NOTHING_WRONG: Difference = { lost: [], invented: [], doubled: [], condemned: [], buried: [] }

/** A version that must be stored. */
export interface Owed {
  readonly reviewId: string
  readonly digest: string
}

/** Versions that were sent on a page without fault; where `onlyCurrent`, those that can still be read. */
export const owedOf = (truth: readonly TrueReview[], onlyCurrent = false): Owed[] =>
  truth.flatMap(({ review_id: reviewId, versions }) =>
    versions
      .filter(({ isValid, seenClean, isCurrent }) => isValid && seenClean > 0 && (isCurrent || !onlyCurrent))
      .map(({ digest }) => ({ reviewId, digest })),
  )

/** Compares what a store has with what the provider sent and what is owed of it. */
export function compare(
  stored: readonly Row[],
  truth: readonly TrueReview[],
  owed: readonly Owed[],
  shape: ShapeName,
): Difference {
  const valid = new Set(
    truth.flatMap(({ versions }) => versions.flatMap((one) => (one.isValid ? one.digest : []))),
  )
  const always = new Set(truth.flatMap((review) => (review.wasDeleted ? [] : review.review_id)))
  const judged = stored.map((row) => ({
    row: told(row),
    status: row.verdict.status,
    digest: digestOf(shapes[shape], parsed(row)),
  }))
  const accepted = Map.groupBy(
    judged.filter(({ status }) => status === 'accepted'),
    ({ digest }) => digest,
  )
  return {
    lost: owed.filter(({ digest }) => !accepted.has(digest)).map(({ reviewId }) => reviewId),
    invented: judged
      .filter(({ status, digest }) => status === 'accepted' && !valid.has(digest))
      .map(({ row }) => row),
    doubled: [...accepted.values()]
      .filter(({ length }) => length > 1)
      .flatMap((same) => same.map(({ row }) => row)),
    condemned: judged
      .filter(({ status, digest }) => status === 'rejected' && valid.has(digest))
      .map(({ row }) => row),
    buried: stored.flatMap(({ verdict }) => {
      const { status, review_id: id = '' }: News = verdict
      return status === 'removed' && always.has(id) ? id : []
    }),
  }
}

/** What a verdict says that is about a review and holds none. */
type News = Row['verdict'] & { readonly review_id?: string }

const told = ({ key, verdict, raw = '' }: Row): string =>
  `${key} ${verdict.code ?? 'accepted'} ${raw.slice(0, 200)}`

function parsed({ raw = '' }: Row): unknown {
  try {
    return JSON.parse(raw)
  } catch {
    return undefined
  }
}
