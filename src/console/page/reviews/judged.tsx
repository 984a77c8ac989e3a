import { Link } from '../address.tsx'
import type { Fault, PassportDetails, Verdict } from './records.ts'
import { Facts, spoken } from '../parts/facts.tsx'
import { Foreign } from '../parts/foreign.tsx'
import { Time } from '../parts/time.tsx'
import { stepSentence } from '../dead-letters/step-words.ts'
import { written } from './changed.tsx'

/** What it is taken to be, by which rules, and what was changed for that. */
export function Judged({ passport: { verdict } }: { readonly passport: PassportDetails }) {
  const { review, errors = [], code, cluster, discarded } = verdict
  return (
    <section class="card">
      <h2>{review ? 'The review' : 'Why it was rejected'}</h2>
      {review && (
        <Facts
          facts={Object.entries(review).map(([name, value]) => [
            spoken(name),
            <Foreign>{written(value)}</Foreign>,
          ])}
        />
      )}
      {errors.length > 0 && <Faults errors={errors} />}
      {discarded && (
        <p class="notice">
          <span>
            Discarded <Time at={discarded.at} />: <Foreign>{discarded.reason}</Foreign>
          </span>
        </p>
      )}
      {cluster && (
        <p>
          <code>{code}</code> · <Link to={`/dead-letters/${cluster}`}>all dead letters with this fault</Link>
        </p>
      )}
      <Rules verdict={verdict} />
    </section>
  )
}

export function Faults({ errors }: { readonly errors: readonly Fault[] }) {
  return (
    <ul class="faults">
      {errors.map(({ pointer, keyword, message }) => (
        <li key={`${pointer} ${keyword} ${message}`}>
          {pointer && <code>{pointer}</code>} <Foreign>{message}</Foreign>
        </li>
      ))}
    </ul>
  )
}

function Rules({
  verdict: { by, sanitised = [], derived = [], unpublished },
}: {
  readonly verdict: Verdict
}) {
  return (
    <Facts
      facts={[
        ['Rules', `preset ${by.preset}, schema ${by.schema}`],
        [
          'Repaired',
          by.repairs?.length
            ? by.repairs.map(({ id, steps, kept }) => (
                <p key={id}>
                  <code>{id}</code> {steps.map(stepSentence).join('; ')}
                  {kept && ' (a rule of the source)'}
                </p>
              ))
            : undefined,
        ],
        ['By hand', by.patch?.length ? `${by.patch.length} changes` : undefined],
        [
          'Sanitised',
          sanitised.length > 0
            ? sanitised.map(({ field, why }) => `${spoken(field)}: ${why}`).join('; ')
            : 'nothing',
        ],
        ['Derived', derived.length > 0 ? derived.join(', ') : undefined],
        ['Published', unpublished ? 'not known yet; a further redrive finishes it' : undefined],
      ]}
    />
  )
}
