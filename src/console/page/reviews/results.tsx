import { Link } from '../address.tsx'
import type { Summary } from '../../api/reviews.ts'
import { Badge } from '../parts/badge.tsx'
import { Foreign } from '../parts/foreign.tsx'
import { Time } from '../parts/time.tsx'
import { Stars } from './stars.tsx'

/** Records as a list, each with the way to its passport. */
export function Results({ records }: { readonly records: readonly Summary[] }) {
  return (
    <ul class="results">
      {records.map((record) => (
        <li key={record.key} class="card">
          <Result record={record} />
        </li>
      ))}
    </ul>
  )
}

function Result({ record }: { readonly record: Summary }) {
  const { key, source, receivedAt, status, reviewId, product, rating, title, text, error } = record
  return (
    <>
      <div class="spread">
        <Link to={`/reviews/${key}`} class="result-title">
          <Foreign isBrief>{title || reviewId || key}</Foreign>
        </Link>
        <span class="row">
          {rating !== undefined && <Stars rating={rating} />}
          <Badge kind={status === 'accepted' ? 'good' : status === 'rejected' ? 'bad' : 'plain'}>
            {status}
          </Badge>
        </span>
      </div>
      {error && (
        <p class="result-error">
          <Foreign isBrief>{error}</Foreign>
        </p>
      )}
      {text && (
        <p class="result-text">
          <Foreign>{text}</Foreign>
        </p>
      )}
      <p class="muted result-facts">
        <Foreign isBrief>{reviewId ?? 'no review id'}</Foreign>
        {product && (
          <>
            {' · '}product <Foreign isBrief>{product}</Foreign>
          </>
        )}
        {' · '}
        <Foreign>{source}</Foreign>
        {' · '}
        <Time at={receivedAt} />
      </p>
    </>
  )
}
