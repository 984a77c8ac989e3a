import type { SettingsDetails } from './in-force.ts'
import { Value } from '../parts/facts.tsx'
import { plural } from '../words.ts'

/** The guarantees, with the tests that show each, and when they were proven last. */
export function Promises({ settings: { guarantees, proof } }: { readonly settings: SettingsDetails }) {
  return (
    <section class="card">
      <h2>What is promised</h2>
      {proof === undefined ? (
        <p class="muted">
          <code>headwater audit</code> proves it of what is stored.
        </p>
      ) : (
        <p>
          Proven last: <Value of={proof} />
        </p>
      )}
      <ol class="promises">
        {guarantees.map(({ number, promise, tests }) => (
          <li key={number}>
            <details>
              <summary>
                <strong>{number}.</strong> {promise}{' '}
                <span class="muted">shown by {plural(tests.length, 'test')}</span>
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
