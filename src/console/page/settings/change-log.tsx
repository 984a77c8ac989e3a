import { useState } from 'preact/hooks'
import type { Changes } from './in-force.ts'
import { ask, useAct, useAnswer } from '../ask.ts'
import { Value } from '../parts/facts.tsx'
import { Foreign } from '../parts/foreign.tsx'
import { Answered, Empty, Failure } from '../parts/states.tsx'
import { Time } from '../parts/time.tsx'

const PATH = '/api/changes?limit=20'

/** Who changed what, here and on the command line, newest first. */
export function ChangeLog() {
  const answer = useAnswer<Changes>(PATH)
  const [older, setOlder] = useState<readonly Changes[]>([])
  const { isBusy, error, act } = useAct()
  return (
    <section class="card">
      <h2>Changes</h2>
      <Answered answer={answer} what="the changes">
        {(newest) => {
          const pages = [newest, ...older]
          const changes = pages.flatMap((page) => page.changes)
          const after = pages.at(-1)?.after
          const more = (): void =>
            void act(async () => {
              const next = await ask<Changes>(`${PATH}&after=${encodeURIComponent(after ?? '')}`)
              setOlder([...older, next])
            })
          return (
            <>
              {changes.length === 0 && <Empty>Nobody has changed anything yet.</Empty>}
              <ol class="versions">
                {changes.map(({ id, at, who, what, about, details }) => (
                  <li key={id}>
                    <p>
                      <strong>{what}</strong> <Foreign>{about}</Foreign>
                    </p>
                    <p class="muted">
                      <Time at={at} /> by <Foreign>{who}</Foreign>
                    </p>
                    {details !== undefined && <Value of={details} />}
                  </li>
                ))}
              </ol>
              {error && <Failure error={error} />}
              {after !== undefined && (
                <div>
                  <button type="button" class="button" disabled={isBusy} onClick={more}>
                    Older ones
                  </button>
                </div>
              )}
            </>
          )
        }}
      </Answered>
    </section>
  )
}
