import { hash } from 'node:crypto'
import { arrivalOf } from '../../src/arrival.ts'
import { reviewHalf } from '../../src/review/key.ts'
import type { ReviewRecord } from '../../src/review/record.ts'
import type { Accepted, Rejected, Removal } from '../../src/review/verdict.ts'
import type { PutOutcome, Store } from '../../src/stores/store.ts'

export interface RecordOptions {
  readonly origin?: string
  readonly reviewId?: string
  readonly product?: string
  readonly receivedAt?: number
  readonly raw?: Buffer
}

/** When the first of the numbered records was received; the others follow, a second apart. */
export const START: number = Date.UTC(2026, 0, 1)

/** An invented accepted review. The same number is the same record, another number another review. */
export function accepted(number: number, options: RecordOptions = {}): ReviewRecord {
  const { reviewId = `R${number}`, product = `P${number % 7}` } = options
  return record(number, options, acceptedVerdict(reviewId, product))
}

/** An invented dead letter. */
export function rejected(number: number, cluster: string, options: RecordOptions = {}): ReviewRecord {
  return record(number, options, rejectedVerdict(cluster, options.product))
}

export function acceptedVerdict(reviewId: string, product: string): Accepted {
  const review = {
    review_id: reviewId,
    product_id: product,
    user_id: 'U1',
    review_text: `The lid of ${reviewId} fits, mostly.`,
    rating: 4,
    review_timestamp: '2026-01-01T00:00:00Z',
  }
  return { status: 'accepted', by: { preset: 'plain@1', schema: 'review@1' }, review }
}

export function rejectedVerdict(cluster: string, product?: string): Rejected {
  return {
    status: 'rejected',
    by: { preset: 'plain@1', schema: 'review@1' },
    code: 'missing_user_id',
    errors: [{ pointer: '/user_id', keyword: 'required', message: 'must be present and not null' }],
    cluster,
    ...(product !== undefined && { product }),
  }
}

/** An invented note that a review is gone, or back. */
export function noted(number: number, status: Removal['status'], options: RecordOptions = {}): ReviewRecord {
  const { reviewId = `R${number}`, product } = options
  return record(number, options, {
    status,
    by: { preset: 'plain@1', schema: 'review@1' },
    review_id: reviewId,
    last_seen: '2026-01-01T00:00:00.000Z',
    ...(product !== undefined && { product }),
  })
}

/** `count` accepted reviews with the numbers from `first` on. */
export function numbered(count: number, first = 0, options: RecordOptions = {}): ReviewRecord[] {
  return Array.from({ length: count }, (_, n) => accepted(first + n, options))
}

function record(number: number, options: RecordOptions, verdict: ReviewRecord['verdict']): ReviewRecord {
  const { origin = 'shop', reviewId = `R${number}`, receivedAt = START + number * 1_000 } = options
  const raw =
    options.raw ?? Buffer.from(JSON.stringify({ id: reviewId, number, text: 'the lid fits, mostly' }))
  const content = hash('sha256', `${number}`, 'hex').slice(0, 16)
  return {
    key: reviewHalf(origin, JSON.stringify(reviewId)) + content,
    received: { origin, receivedAt, raw, context: { source: origin, kind: 'file', position: number + 1 } },
    verdict,
    ledger: { run: 'run-1', seq: number },
  }
}

/** Puts records into a store, as they come from ingestion. */
export function put(
  store: Pick<Store, 'put'>,
  records: readonly ReviewRecord[],
  options?: Parameters<Store['put']>[1],
): Promise<readonly PutOutcome[]> {
  return store.put(records.map(arrivalOf), options)
}

const A_PUT = 5_000

/** So many accepted records, in portions. */
export async function putMany(
  store: Pick<Store, 'put'>,
  count: number,
  first: number,
  options: RecordOptions,
): Promise<void> {
  for (let n = 0; n < count; n += A_PUT)
    await put(store, numbered(Math.min(A_PUT, count - n), first + n, options))
}
