import { addressOf, Link } from '../address.tsx'
import { announce } from '../announce.tsx'
import type { SourceDetails } from '../answers.ts'
import { ask, useAct } from '../ask.ts'
import { SourceState } from '../parts/badge.tsx'
import { Facts, Value } from '../parts/facts.tsx'
import { Foreign } from '../parts/foreign.tsx'
import { Failure } from '../parts/states.tsx'
import { Ago, Time } from '../parts/time.tsx'
import { useCanChange } from '../session.tsx'

interface SourceCardProps {
  readonly source: SourceDetails
  readonly again: () => void
}

export function SourceCard({ source, again }: SourceCardProps) {
  const { name, type, preset, state, paused, detail, nextAt } = source
  const { breaker, quota, coverage, polling } = source
  return (
    <article class="card stack">
      <div class="spread">
        <h2>
          <Foreign>{name}</Foreign>
        </h2>
        <SourceState state={source.enabled ? state : 'off'} paused={paused} />
      </div>
      {detail && (
        <div class={`notice ${state === 'failing' ? 'warning' : ''}`}>
          <p>
            <Foreign>{detail}</Foreign>
          </p>
        </div>
      )}
      <Facts
        facts={[
          ['Kind', preset ? `${type}, preset ${preset}` : type],
          ['State', stateOf(source)],
          ['Next poll', nextAt && <Ago at={nextAt} />],
          ['Breaker', breaker !== undefined && <Value of={breaker} />],
          ['Quota', quota !== undefined && <Value of={quota} />],
          ['Coverage', coverage !== undefined && <Value of={coverage} />],
          ['Polling', polling !== undefined && <Value of={polling} />],
        ].map(([title, value]) => [title as string, value || undefined] as const)}
      />
      <div class="row">
        <Controls source={source} again={again} />
        <Link to={addressOf('/reviews', { source: name })}>Its reviews</Link>
      </div>
    </article>
  )
}

function stateOf({ state, since, paused, pausedBy }: SourceDetails) {
  if (paused) return pausedBy ? <Foreign>{`paused by ${pausedBy}`}</Foreign> : 'paused'
  return (
    <>
      {state} since <Time at={since} />
    </>
  )
}

function Controls({ source: { name, paused, polling, nextAt }, again }: SourceCardProps) {
  const canChange = useCanChange()
  const { isBusy, error, act } = useAct()
  if (!canChange) return null
  const tell = (what: 'pause' | 'resume' | 'poll', done: string) => () =>
    void act(async () => {
      await ask(`/api/sources/${encodeURIComponent(name)}/${what}`, { method: 'POST', body: {} })
      announce(`${name}: ${done}`)
      again()
    })
  return (
    <>
      {error && <Failure error={error} />}
      <button
        type="button"
        class="button"
        disabled={isBusy}
        aria-label={`${paused ? 'Resume' : 'Pause'} ${name}`}
        onClick={paused ? tell('resume', 'resumed') : tell('pause', 'paused')}
      >
        {paused ? 'Resume' : 'Pause'}
      </button>
      {!paused && (polling !== undefined || nextAt !== undefined) && (
        <button
          type="button"
          class="button"
          disabled={isBusy}
          aria-label={`Poll ${name} now`}
          onClick={tell('poll', 'polls now')}
        >
          Poll now
        </button>
      )}
    </>
  )
}
