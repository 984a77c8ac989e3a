import type { SettingsDetails } from '../../api/settings.ts'
import { useAnswer } from '../ask.ts'
import { Answered } from '../parts/states.tsx'
import { Tree } from '../parts/tree.tsx'
import { ChangeLog } from './change-log.tsx'
import { KeptRepairs } from './kept-repairs.tsx'
import { Promises } from './promises.tsx'

/** What is in force, what is promised, and who changed what. */
export function Settings() {
  const answer = useAnswer<SettingsDetails>('/api/settings')
  return (
    <>
      <h1>Settings</h1>
      <div class="columns">
        <div class="stack">
          <Answered answer={answer} what="the settings">
            {(settings) => (
              <>
                <section class="card">
                  <h2>The config in force</h2>
                  <p class="muted">Read when this process was started. Secrets are hidden.</p>
                  <div class="foreign-block" role="region" aria-label="Config" tabIndex={0}>
                    <Tree value={settings.config} open={2} />
                  </div>
                </section>
                <Promises settings={settings} />
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
