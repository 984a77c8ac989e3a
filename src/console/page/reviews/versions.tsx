import { Link } from '../address.tsx'
import type { PassportDetails } from '../../api/reviews.ts'
import { Badge } from '../parts/badge.tsx'
import { Time } from '../parts/time.tsx'
import { ChangedFields } from './changed.tsx'

/** Every version of the review, with what each changed. */
export function Versions({ passport: { versions } }: { readonly passport: PassportDetails }) {
  return (
    <section class="card">
      <h2>Versions</h2>
      <ol class="versions">
        {versions.map((version) => (
          <li key={version.key}>
            <div class="spread">
              <span>
                {version.current ? (
                  <strong>This one</strong>
                ) : (
                  <Link to={`/reviews/${version.key}`}>Another</Link>
                )}
                {', received '}
                <Time at={version.receivedAt} />
              </span>
              <span class="row">
                {version.status !== 'accepted' && <Badge kind="bad">{version.status}</Badge>}
              </span>
            </div>
            {version.changed.length > 0 && <ChangedFields changed={version.changed} />}
          </li>
        ))}
      </ol>
    </section>
  )
}
