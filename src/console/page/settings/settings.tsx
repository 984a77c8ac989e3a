import type { SettingsDetails } from '../answers.ts'
import { useAnswer } from '../ask.ts'
import { Value } from '../parts/facts.tsx'
import { Answered } from '../parts/states.tsx'
import { Tree } from '../parts/tree.tsx'
import { plural } from '../words.ts'
import { ChangeLog } from './change-log.tsx'
import { KeptRepairs } from './kept-repairs.tsx'

/** What is in force, what is promised, and who changed what. */
export function Settings() {
  const answer = useAnswer<SettingsDetails>('/api/settings')
  return (
    <>
      <h1>Settings</h1>
      <div class="columns">
        <div class="stack">
          <Answered answer={answer} what="the settings">
            {({ config, guarantees, proof }) => (
              <>
                <section class="card">
                  <h2>The config in force</h2>
                  <p class="muted">Read when this process was started. Secrets are hidden.</p>
                  <div class="foreign-block" role="region" aria-label="Config" tabIndex={0}>
                    <Tree value={config} open={2} />
                  </div>
                </section>
                <section class="card">
                  <h2>What is promised</h2>
                  <p>
                    Last proof:{' '}
                    {proof === undefined || proof === null ? (
                      'none yet; headwater audit makes one'
                    ) : (
                      <Value of={proof} />
                    )}
                  </p>
                  <ol class="versions">
                    {guarantees.map(({ number, promise, tests }) => (
                      <li key={number}>
                        <p>
                          <strong>{number}.</strong> {promise}
                        </p>
                        <details>
                          <summary class="muted">shown by {plural(tests.length, 'test')}</summary>
                          <ul>
                            {tests.map((test) => (
                              <li key={test}>
                                <code>{test}</code>
                              </li>
                            ))}
                          </ul>
                        </details>
                      </li>
                    ))}
                  </ol>
                </section>
              </>
            )}
          </Answered>
        </div>
        <div class="stack">
          <KeptRepairs />
          <ChangeLog />
        </div>
      </div>
    </>
  )
}
