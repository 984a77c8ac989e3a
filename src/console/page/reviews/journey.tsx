import type { PassportDetails } from '../../api/reviews.ts'
import { Facts, spoken, Value } from '../parts/facts.tsx'
import { Foreign } from '../parts/foreign.tsx'
import { Time } from '../parts/time.tsx'
import { lasted } from '../words.ts'

/** Where it came from, how it was published, where it is kept, and how long that took. */
export function Journey({ passport }: { readonly passport: PassportDetails }) {
  const { key, revision, origin, receivedAt, context, ledger, rawHash, event, signature, timings, settled } =
    passport
  return (
    <section class="card">
      <h2>Where it has been</h2>
      <h3>Received</h3>
      <Facts
        facts={[
          ['At', <Time at={receivedAt} />],
          ['Written', timings.writtenAt && <WrittenAt at={timings.writtenAt} />],
          ['Origin', <Foreign>{origin}</Foreign>],
          ...Object.entries(context).map(
            ([name, value]) => [capital(spoken(name)), <Value of={value} />] as const,
          ),
          ['Signature', <Foreign>{signature}</Foreign>],
        ]}
      />
      <h3>Published</h3>
      {!event && <p class="muted">It never went through the queue.</p>}
      <Facts
        facts={[
          ['Topic', event?.topic],
          ['Event id', event && <code>{event.id}</code>],
          ['Ledger', ledger && `number ${ledger.seq} of run ${ledger.run}`],
        ]}
      />
      <h3>Stored</h3>
      <Facts
        facts={[
          ['At', <Stored {...timings} />],
          ['Record key', <code>{key}</code>],
          ['Revision', String(revision)],
          ['Hash of raw', <code>{rawHash}</code>],
          ['Settled', settled ? `as ${settled}` : 'not noted yet'],
        ]}
      />
    </section>
  )
}

function Stored({ storedAt, storedAfterMs = 0 }: PassportDetails['timings']) {
  if (storedAt === undefined) return <span class="muted">not noted in the row</span>
  return (
    <>
      <Time at={storedAt} />, {lasted(storedAfterMs)} after it was received
    </>
  )
}

/** The date is the review's own word, and long before the rest of it. */
const WrittenAt = ({ at }: { readonly at: string }) => (
  <>
    <Time at={at} /> by its author
  </>
)

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
