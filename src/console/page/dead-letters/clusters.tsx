import { addressOf, Link, useAddress } from '../address.tsx'
import type { ClusterSummary } from '../../api/clusters.ts'
import { useAnswer } from '../ask.ts'
import { Badge } from '../parts/badge.tsx'
import { Foreign } from '../parts/foreign.tsx'
import { Answered, Empty } from '../parts/states.tsx'
import { Table } from '../parts/table.tsx'
import { Ago } from '../parts/time.tsx'
import { counted } from '../words.ts'
import { Jobs } from './jobs.tsx'

/** The server counts them anew after five seconds. */
const LOOK_EVERY_MS = 10_000

/** `500`, or `10,000+` where the count stopped. */
const countOf = ({ count, isMore }: Pick<ClusterSummary, 'count' | 'isMore'>): string =>
  `${counted(count)}${isMore ? '+' : ''}`

/** `1 letter`, `500 letters`, or `10,000+ letters`. */
export const letters = (cluster: Pick<ClusterSummary, 'count' | 'isMore'>): string =>
  `${countOf(cluster)} ${cluster.count === 1 && !cluster.isMore ? 'letter' : 'letters'}`

/** Dead letters by their fault: each is mended once. */
export function Clusters() {
  const isMuted = useAddress().query.get('muted') === 'true'
  const answer = useAnswer<readonly ClusterSummary[]>(
    addressOf('/api/clusters', { muted: isMuted ? 'true' : undefined }),
    LOOK_EVERY_MS,
  )
  return (
    <>
      <div class="spread">
        <h1>Dead letters</h1>
        <Link to={isMuted ? '/dead-letters' : '/dead-letters?muted=true'} class="button small">
          {isMuted ? 'Without the muted ones' : 'With the muted ones'}
        </Link>
      </div>
      <p class="muted">
        Those with the same fault are one line. Mend the fault once, and all of them are stored.
      </p>
      <Answered answer={answer} what="the dead letters">
        {(clusters) => (clusters.length === 0 ? <None isMuted={isMuted} /> : <List clusters={clusters} />)}
      </Answered>
      <Jobs kinds={['redrive', 'discard']} />
    </>
  )
}

function None({ isMuted }: { readonly isMuted: boolean }) {
  return (
    <Empty>
      {isMuted
        ? 'No dead letters wait to be mended.'
        : 'No dead letters wait to be mended, or their faults are muted. What is rejected next is here.'}
    </Empty>
  )
}

function List({ clusters }: { readonly clusters: readonly ClusterSummary[] }) {
  return (
    <Table
      label="Dead letters by their fault"
      columns={['Fault', 'Letters', 'Source', 'Value', 'First', 'Last']}
      numeric={[1]}
      rows={clusters.map((cluster) => ({
        id: cluster.cluster,
        cells: [
          <>
            <Link to={`/dead-letters/${cluster.cluster}`}>
              <Foreign isBrief>{cluster.error}</Foreign>
            </Link>{' '}
            {cluster.muted && <Badge kind="plain">muted</Badge>}
          </>,
          countOf(cluster),
          <Foreign>{cluster.source}</Foreign>,
          <code>
            <Foreign>{cluster.shape ?? '–'}</Foreign>
          </code>,
          <Ago at={cluster.firstAt} />,
          <Ago at={cluster.lastAt} />,
        ],
      }))}
    />
  )
}
