import { Link } from '../address.tsx'
import type { PassportDetails } from '../../api/reviews.ts'
import type { Fault, Rejected } from '../../../review/verdict.ts'
import { Facts, spoken } from '../parts/facts.tsx'
import { Foreign } from '../parts/foreign.tsx'
import { Time } from '../parts/time.tsx'
import { stepSentence } from '../dead-letters/step-words.ts'
import { plural } from '../words.ts'
import { written } from './changed.tsx'

/** What it is taken to be, by which rules, and what was changed for that. */
export function Judged({ passport: { verdict } }: { readonly passport: PassportDetails }) {
  return (
    <section class="card">
      <h2>{HEADINGS[verdict.status]}</h2>
      {verdict.status === 'accepted' && (
        <Facts
          facts={Object.entries(verdict.review).map(([name, value]) => [
            spoken(name),
            <Foreign>{written(value)}</Foreign>,
          ])}
        />
      )}
      {verdict.status === 'rejected' && <Rejection verdict={verdict} />}
      {(verdict.status === 'removed' || verdict.status === 'returned') && (
        <Facts
          facts={[
            ['review id', <Foreign>{verdict.review_id}</Foreign>],
            ['product id', verdict.product && <Foreign>{verdict.product}</Foreign>],
            ['last seen', verdict.last_seen && <Time at={verdict.last_seen} />],
          ]}
        />
      )}
      <Rules verdict={verdict} />
    </section>
  )
}

const HEADINGS = {
  accepted: 'The review',
  rejected: 'Why it was rejected',
  removed: 'No longer shown by its provider',
  returned: 'Shown again by its provider',
} as const

function Rejection({ verdict: { errors, code, cluster, discarded } }: { readonly verdict: Rejected }) {
  return (
    <>
      <Faults errors={errors} />
      {discarded && (
        <p class="notice">
          <span>
            Discarded <Time at={discarded.at} />: <Foreign>{discarded.reason}</Foreign>
          </span>
        </p>
      )}
      <p>
        <code>{code}</code> · <Link to={`/dead-letters/${cluster}`}>all dead letters with this fault</Link>
      </p>
    </>
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
  readonly verdict: PassportDetails['verdict']
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
        ['By hand', by.patch?.length ? plural(by.patch.length, 'change') : undefined],
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
