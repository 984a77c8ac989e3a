import { Link } from '../address.tsx'
import type { PassportDetails } from '../../api/reviews.ts'
import { useAnswer } from '../ask.ts'
import { Badge } from '../parts/badge.tsx'
import { Foreign } from '../parts/foreign.tsx'
import { Answered } from '../parts/states.tsx'
import { ByHand } from './by-hand.tsx'
import { Journey } from './journey.tsx'
import { Judged } from './judged.tsx'
import { Raw } from './raw.tsx'
import { Stars } from './stars.tsx'
import { Versions } from './versions.tsx'

/** All that is known of one record: what was received, what it is taken to be, and which way it went. */
export function Passport({ id }: { readonly id: string }) {
  const answer = useAnswer<PassportDetails>(`/api/reviews/${encodeURIComponent(id)}`)
  return (
    <>
      <p>
        <Link to="/reviews">Reviews</Link>
      </p>
      <Answered answer={answer} what="the passport" title="Passport">
        {(passport) => (
          <>
            <Title passport={passport} />
            <div class="columns">
              <div class="stack">
                <Judged passport={passport} />
                {passport.verdict.status === 'rejected' && (
                  <ByHand passport={passport} again={answer.again} />
                )}
                <Versions passport={passport} />
              </div>
              <div class="stack">
                <Journey passport={passport} />
                <Raw passport={passport} />
              </div>
            </div>
          </>
        )}
      </Answered>
    </>
  )
}

function Title({ passport: { key, verdict } }: { readonly passport: PassportDetails }) {
  const review = verdict.status === 'accepted' ? verdict.review : undefined
  const isDiscarded = verdict.status === 'rejected' && verdict.discarded !== undefined
  const title = [review?.['title'], review?.review_id].find((one) => typeof one === 'string' && one !== '')
  return (
    <div class="spread">
      <h1>
        <Foreign isBrief>{typeof title === 'string' ? title : `Record ${key}`}</Foreign>
      </h1>
      <span class="row">
        {review && <Stars rating={review.rating} />}
        <Badge
          kind={verdict.status === 'accepted' ? 'good' : verdict.status === 'rejected' ? 'bad' : 'plain'}
        >
          {isDiscarded ? 'discarded' : verdict.status}
        </Badge>
      </span>
    </div>
  )
}
