import { addressOf, Link } from '../address.tsx'
import { announce } from '../announce.tsx'
import type { SourceDetails } from '../../api/sources.ts'
import { ask, useAct } from '../ask.ts'
import { SourceState } from '../parts/badge.tsx'
import { Facts } from '../parts/facts.tsx'
import { Foreign } from '../parts/foreign.tsx'
import { Failure } from '../parts/states.tsx'
import { Time } from '../parts/time.tsx'
import { useCanChange } from '../session.tsx'
import { pollingFacts } from './polling-facts.tsx'

interface SourceCardProps {
  readonly source: SourceDetails
  readonly again: () => void
}

export function SourceCard({ source, again }: SourceCardProps) {
  const { name, type, preset, state, paused, problem } = source
  return (
    <article class="card stack">
      <div class="spread">
        <h2>
          <Foreign>{name}</Foreign>
        </h2>
        <SourceState state={state} paused={paused} />
      </div>
      {problem && (
        <p class="notice warning">
          <Foreign>{problem}</Foreign>
        </p>
      )}
      <Facts
        facts={[
          ['Kind', type],
          ['Preset', preset],
          ['State', <StateOf source={source} />],
          ...pollingFacts(source),
        ]}
      />
      <div class="row">
        <Controls source={source} again={again} />
        <Link to={addressOf('/reviews', { source: name })}>Its reviews</Link>
      </div>
    </article>
  )
}

function StateOf({ source: { state, since, paused, pause } }: { readonly source: SourceDetails }) {
  if (paused) {
    return (
      <>
        paused{pause?.by && <Foreign>{` by ${pause.by}`}</Foreign>}
        {pause?.at && (
          <>
            , <Time at={pause.at} />
          </>
        )}
        {pause?.reason && (
          <>
            : <Foreign>{pause.reason}</Foreign>
          </>
        )}
      </>
    )
  }
  if (state === 'elsewhere') return <>another process runs it</>
  if (state === 'disabled') return <>the config says that it is off</>
  return (
    <>
      {state}
      {since && (
        <>
          {' since '}
          <Time at={since} />
        </>
      )}
    </>
  )
}

function Controls({ source: { name, paused, polling }, again }: SourceCardProps) {
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
        aria-disabled={isBusy}
        aria-label={`${paused ? 'Resume' : 'Pause'} ${name}`}
        onClick={paused ? tell('resume', 'resumed') : tell('pause', 'paused')}
      >
        {paused ? 'Resume' : 'Pause'}
      </button>
      {!paused && polling !== undefined && (
        <button
          type="button"
          class="button"
          aria-disabled={isBusy}
          aria-label={`Poll ${name} now`}
          onClick={tell('poll', 'polls now')}
        >
          Poll now
        </button>
      )}
    </>
  )
}
