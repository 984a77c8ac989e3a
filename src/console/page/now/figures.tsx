import type { ComponentChildren } from 'preact'
import type { Now } from '../../api/now.ts'
import { type Look, rateOf } from '../rates.ts'
import { counted, lasted, rated, shared, sized } from '../words.ts'

const WINDOW_MS = 30_000
const MINUTES_MS = 10 * 60_000

/** The few figures that say how it goes, large. */
export function Figures({ now, looks }: { readonly now: Now; readonly looks: readonly Look[] }) {
  const rate = rateOf(looks, WINDOW_MS)
  const longer = rateOf(looks, MINUTES_MS)
  const rejects = longer && longer.received > 0 ? longer.rejected / longer.received : undefined
  const last = looks.at(-1)
  return (
    <dl class="figures">
      <Figure name="In" note="received, over 30 s">
        {rate ? <PerSecond n={rate.received} /> : <Unknown />}
      </Figure>
      <Figure
        name="Out"
        note={rate ? `stored, and ${rated(rate.unchanged)}/s unchanged` : 'stored, over 30 s'}
      >
        {rate ? <PerSecond n={rate.stored} /> : <Unknown />}
      </Figure>
      <Figure name="Rejected" note="of what came in, since this page is open">
        {rejects === undefined ? <Unknown /> : shared(rejects)}
      </Figure>
      <Figure
        name="Lag"
        note={
          last?.oldestAgeMs
            ? `the oldest waits ${lasted(last.oldestAgeMs)}`
            : 'messages that wait to be stored'
        }
      >
        {last?.backlog === undefined ? <Unknown /> : counted(last.backlog)}
      </Figure>
      <Figure
        name="Freshness"
        note={now.freshness ? `half within ${lasted(now.freshness.p50Ms)}` : 'received to stored'}
      >
        {now.freshness ? lasted(now.freshness.p95Ms) : <Unknown />}
      </Figure>
      {now.disk && (
        <Figure name="Disk free" note={`of ${sized(now.disk.totalBytes)}`}>
          {sized(now.disk.freeBytes)}
        </Figure>
      )}
    </dl>
  )
}

interface FigureProps {
  readonly name: string
  readonly note: string
  readonly children: ComponentChildren
}

function Figure({ name, note, children }: FigureProps) {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd>
        <span class="value">{children}</span>
        <span class="note">{note}</span>
      </dd>
    </div>
  )
}

const PerSecond = ({ n }: { readonly n: number }) => (
  <>
    {rated(n)}
    <span class="unit">/s</span>
  </>
)

const Unknown = () => <span class="muted">–</span>
