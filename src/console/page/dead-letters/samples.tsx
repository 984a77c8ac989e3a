import { Link } from '../address.tsx'
import type { ClusterDetails } from '../../api/clusters.ts'
import { Foreign } from '../parts/foreign.tsx'
import { Time } from '../parts/time.tsx'
import { Faults } from '../reviews/judged.tsx'

const EXCERPT = 600

/** A few letters as they came. */
export function Samples({ letters }: { readonly letters: ClusterDetails['samples'] }) {
  return (
    <section class="card">
      <h2>Some of them</h2>
      <ul class="versions">
        {letters.map(({ key, receivedAt, verdict, raw, rawBase64 }) => (
          <li key={key}>
            <div class="spread">
              <Link to={`/reviews/${key}`}>
                <code>{key}</code>
              </Link>
              <Time at={receivedAt} />
            </div>
            {verdict.status === 'rejected' && <Faults errors={verdict.errors} />}
            <code class="excerpt">
              <Foreign>{(raw ?? rawBase64 ?? '').slice(0, EXCERPT)}</Foreign>
            </code>
          </li>
        ))}
      </ul>
    </section>
  )
}
