import type { PassportDetails, Timings } from './records.ts'
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
          ['Record key', <code>{key}</code>],
          ['Revision', String(revision)],
          ['Hash of raw', <code>{rawHash}</code>],
          ['Settled', settled ? `as ${settled}` : 'not noted yet'],
        ]}
      />
      <h3>Timings</h3>
      <Facts
        facts={[
          ['Dated', timings.writtenAt && <Time at={timings.writtenAt} />],
          ['Received', <Time at={timings.receivedAt} />],
          ['Stored', <Stored timings={timings} />],
        ]}
      />
    </section>
  )
}

function Stored({ timings: { storedAt, storedAfterMs = 0 } }: { readonly timings: Timings }) {
  if (storedAt === undefined) return <span class="muted">not noted in the row</span>
  return (
    <>
      <Time at={storedAt} />, {lasted(storedAfterMs)} after it was received
    </>
  )
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
