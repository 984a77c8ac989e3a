import { useEffect, useRef } from 'preact/hooks'
import { Link } from '../address.tsx'
import { announce } from '../announce.tsx'
import type { Alert, Now } from '../../api/now.ts'
import { Foreign } from '../parts/foreign.tsx'
import { Ago } from '../parts/time.tsx'
import { plural } from '../words.ts'

/** In words: whether anything is wrong, what, and what to do about it. */
export function Verdict({ now, isLost }: { readonly now: Now; readonly isLost: boolean }) {
  const failing = now.sources.filter(
    ({ name, state }) => state === 'failing' && !now.alerts.some(({ source }) => source === name),
  )
  const paused = now.sources.filter((source) => source.paused)
  const wrong = now.ready.problems.length + now.alerts.length + failing.length
  useChangeAnnounced(isLost ? 'Headwater does not answer' : sentenceOf(wrong))

  if (isLost) return null
  return (
    <section aria-label="What is wrong" class="verdict">
      {wrong === 0 && (
        <div class="notice good">
          <p class="lead">All is well.</p>
          <p>
            {now.sources.length > 0
              ? 'Every source that should bring reviews does, and what it brings is stored.'
              : 'This process does what it should. It runs no source: those that do tell how theirs are.'}
          </p>
        </div>
      )}
      {now.ready.problems.map((problem) => (
        <div key={problem} class="notice critical">
          <p class="lead">This process can't accept work</p>
          <p>
            <Foreign>{problem}</Foreign>
          </p>
        </div>
      ))}
      {now.alerts.map((alert) => (
        <AlertBox key={`${alert.name} ${alert.summary}`} alert={alert} />
      ))}
      {failing.map(({ name, problem }) => (
        <div key={name} class="notice warning">
          <p class="lead">
            <Foreign>{name}</Foreign> fails
          </p>
          <p>
            <Foreign>{problem ?? 'It tells no reason.'}</Foreign>
          </p>
          <p class="todo">
            It tries again by itself. <Link to="/sources">Sources</Link> says when.
          </p>
        </div>
      ))}
      {paused.length > 0 && (
        <div class="notice calm">
          <p>
            {plural(paused.length, 'source is', 'sources are')} paused:{' '}
            {paused.map(({ name }, index) => (
              <span key={name}>
                {index > 0 && ', '}
                <Foreign>{name}</Foreign>
              </span>
            ))}
            . <Link to="/sources">Resume</Link>
          </p>
        </div>
      )}
    </section>
  )
}

function AlertBox({ alert }: { readonly alert: Alert }) {
  return (
    <div class={`notice ${alert.severity}`}>
      <p class="lead">
        {alert.severity === 'critical' ? 'Critical: ' : 'Warning: '}
        <Foreign>{alert.summary}</Foreign>
      </p>
      <p class="todo">
        <Foreign>{alert.todo}</Foreign>
      </p>
      <p class="muted">
        <code>{alert.name}</code>, first seen <Ago at={alert.since} />
        {alert.name === 'reject_share' && (
          <>
            {' · '}
            <Link to="/dead-letters">dead letters</Link>
          </>
        )}
      </p>
    </div>
  )
}

const sentenceOf = (wrong: number): string =>
  wrong === 0 ? 'All is well' : `${plural(wrong, 'thing needs', 'things need')} a look`

function useChangeAnnounced(sentence: string): void {
  const before = useRef(sentence)
  useEffect(() => {
    if (before.current !== sentence) announce(sentence)
    before.current = sentence
  }, [sentence])
}
