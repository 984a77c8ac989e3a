import type { SettingsDetails } from '../../api/settings.ts'
import { dated, plural, sized } from '../words.ts'

/** The guarantees, with the tests that show each, and when they were proven last. */
export function Promises({ settings: { guarantees, proof } }: { readonly settings: SettingsDetails }) {
  return (
    <section class="card">
      <h2>What is promised</h2>
      <p class={proof?.ok === false ? undefined : 'muted'}>
        {proof === undefined ? 'Nothing was proven of what is stored yet: ' : `${found(proof)} `}
        <code>headwater audit</code> proves it{proof === undefined ? '.' : ' anew.'}
      </p>
      <ol class="promises">
        {guarantees.map(({ number, promise, tests }) => (
          <li key={number}>
            <details>
              <summary>
                <strong>{number}.</strong> {promise}{' '}
                <span class="muted">· shown by {plural(tests.length, 'test')}</span>
              </summary>
              <ul class="tests">
                {tests.map((test) => (
                  <li key={test}>{test}</li>
                ))}
              </ul>
            </details>
          </li>
        ))}
      </ol>
    </section>
  )
}

function found({ at, ok, records, bytes, problems }: NonNullable<SettingsDetails['proof']>): string {
  if (!ok) return `The audit of ${dated(at)} found ${plural(problems, 'problem')}.`
  return `Proven ${dated(at)}: ${plural(records, 'record')}, ${sized(bytes)} of raw, all as received.`
}
