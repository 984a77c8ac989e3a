import { type Live, useLive } from '../live.ts'
import { Loading } from '../parts/states.tsx'
import { Charts } from './charts.tsx'
import { FlowTable } from './flow-table.tsx'
import { Figures } from './figures.tsx'
import { Verdict } from './verdict.tsx'

/** How it goes at this moment, and what to do where it does not. */
export function NowPage() {
  const live = useLive()
  return (
    <>
      <h1>Now</h1>
      {live.now ? <Flow {...live} now={live.now} /> : <Loading what="the figures" />}
    </>
  )
}

function Flow({ state, now, looks }: Live & { readonly now: NonNullable<Live['now']> }) {
  return (
    <div class={state === 'lost' ? 'stack stale' : 'stack'}>
      <Verdict now={now} isLost={state === 'lost'} />
      <Figures now={now} looks={looks} />
      <Charts looks={looks} />
      <FlowTable sources={now.sources} looks={looks} />
    </div>
  )
}
