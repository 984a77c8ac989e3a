import { Link } from '../address.tsx'
import type { ClusterDetails } from '../../api/clusters.ts'
import { useAnswer } from '../ask.ts'
import { Facts } from '../parts/facts.tsx'
import { Foreign } from '../parts/foreign.tsx'
import { Answered, Empty, Notice } from '../parts/states.tsx'
import { Time } from '../parts/time.tsx'
import { letters } from './clusters.tsx'
import { Jobs } from './jobs.tsx'
import { PutAway } from './put-away.tsx'
import { Mend } from './mend.tsx'
import { Samples } from './samples.tsx'

/** One fault: the letters that have it, how it can be mended, and what was done about it. */
export function Cluster({ id }: { readonly id: string }) {
  const answer = useAnswer<ClusterDetails>(`/api/clusters/${encodeURIComponent(id)}`)
  return (
    <>
      <p>
        <Link to="/dead-letters">Dead letters</Link>
      </p>
      {answer.error?.status === 404 ? (
        <Mended />
      ) : (
        <Answered answer={answer} what="the dead letters" title="Dead letters">
          {(cluster) => (
            <>
              <h1>
                <Foreign isBrief>{cluster.error}</Foreign>
              </h1>
              {cluster.muted && (
                <Notice kind="calm">
                  <p>
                    Muted by <Foreign>{cluster.muted.by}</Foreign>: <Foreign>{cluster.muted.reason}</Foreign>
                  </p>
                </Notice>
              )}
              <div class="columns">
                <div class="stack">
                  <Mend cluster={cluster} again={answer.again} />
                </div>
                <div class="stack">
                  <About cluster={cluster} />
                  <Samples letters={cluster.samples} />
                  <PutAway cluster={cluster} again={answer.again} />
                </div>
              </div>
            </>
          )}
        </Answered>
      )}
      <Jobs kinds={['redrive', 'discard']} cluster={id} />
    </>
  )
}

function Mended() {
  return (
    <>
      <h1>None of these waits any more</h1>
      <Empty>
        No dead letter with this fault waits to be mended. The jobs below say what became of those there were.
      </Empty>
    </>
  )
}

function About({ cluster }: { readonly cluster: ClusterDetails }) {
  const { code, pointer, keyword, shape, source, preset, firstAt, lastAt } = cluster
  return (
    <section class="card">
      <h2>{letters(cluster)}</h2>
      <Facts
        facts={[
          ['Source', <Foreign>{source}</Foreign>],
          ['Preset', <Foreign>{preset}</Foreign>],
          ['Reason', <code>{code}</code>],
          ['Field', pointer ? <code>{pointer}</code> : 'all of it'],
          ['Rule', <code>{keyword}</code>],
          [
            'Shape of the value',
            <code>
              <Foreign>{shape ?? 'not known'}</Foreign>
            </code>,
          ],
          ['First', <Time at={firstAt} />],
          ['Last', <Time at={lastAt} />],
        ]}
      />
    </section>
  )
}
