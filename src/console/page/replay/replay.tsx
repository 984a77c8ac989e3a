import { useState } from 'preact/hooks'
import { announce } from '../announce.tsx'
import type { JobDetails } from '../../api/jobs.ts'
import { ask, useAct } from '../ask.ts'
import { Jobs } from '../dead-letters/jobs.tsx'
import { Progress } from '../dead-letters/redrive.tsx'
import { Input, Select } from '../parts/field.tsx'
import { Failure, Notice } from '../parts/states.tsx'
import { useLive } from '../live.ts'
import { useCanChange } from '../session.tsx'
import { utcOf } from '../words.ts'

interface Wanted {
  readonly from: string
  readonly to: string
  readonly source: string
  readonly product: string
  readonly target: 'topic' | 'group' | 'all'
  readonly name: string
}

const FIRST: Wanted = { from: '', to: '', source: '', product: '', target: 'topic', name: '' }

/** Publishes again what is stored, to those who want it again. */
export function Replay() {
  const canChange = useCanChange()
  return (
    <>
      <h1>Replay</h1>
      <p class="muted">
        What is stored is interpreted again by the rules of today and published again: to a topic or a group
        of its own, or to everybody. Consumers know what they have seen by its record key.
      </p>
      {canChange && <Form />}
      <Jobs kinds={['replay']} />
    </>
  )
}

function Form() {
  const [wanted, setWanted] = useState(FIRST)
  const [estimate, setEstimate] = useState<{ readonly id: string; readonly of: string }>()
  const { isBusy, error, act } = useAct()
  const sources = (useLive().now?.sources ?? []).map(({ name }) => name)
  const put = (name: keyof Wanted) => (value: string) => setWanted({ ...wanted, [name]: value })
  const now = JSON.stringify(wanted)
  const start = (dryRun: boolean): void =>
    void act(async () => {
      const job = await ask<JobDetails>('/api/replays', {
        method: 'POST',
        body: { ...asked(wanted), dryRun },
      })
      if (dryRun) setEstimate({ id: job.id, of: now })
      announce(dryRun ? 'The estimate has begun' : 'The replay has begun')
    })
  return (
    <form
      class="card stack"
      onSubmit={(event) => {
        event.preventDefault()
        start((event.submitter as HTMLButtonElement).value === 'estimate')
      }}
    >
      <div class="search">
        <Input
          label="Received from"
          name="from"
          type="datetime-local"
          value={wanted.from}
          onValue={put('from')}
        />
        <Input
          label="Received before"
          name="to"
          type="datetime-local"
          value={wanted.to}
          onValue={put('to')}
        />
        <Select
          label="Source"
          name="source"
          value={wanted.source}
          options={[['', 'any'], ...sources]}
          onValue={put('source')}
        />
        <Input label="Product" name="product" value={wanted.product} onValue={put('product')} />
        <Select
          label="Publish to"
          name="target"
          value={wanted.target}
          options={[
            ['topic', 'a topic of its own'],
            ['group', 'one group'],
            ['all', 'everybody'],
          ]}
          onValue={put('target')}
        />
        {wanted.target !== 'all' && (
          <Input
            label={wanted.target === 'topic' ? 'Topic' : 'Group'}
            name="name"
            value={wanted.name}
            onValue={put('name')}
            isRequired
          />
        )}
      </div>
      {wanted.target === 'all' && (
        <Notice kind="warning">
          <p>Every consumer of raw-reviews reads these reviews again.</p>
        </Notice>
      )}
      {error && <Failure error={error} />}
      <div class="row">
        <button type="submit" value="estimate" class="button" aria-disabled={isBusy}>
          Estimate
        </button>
        <button
          type="submit"
          value="run"
          class="button primary"
          aria-disabled={isBusy}
          disabled={estimate?.of !== now}
        >
          Replay
        </button>
        {estimate?.of !== now && <span class="muted">Estimate first: it counts and publishes nothing.</span>}
      </div>
      {estimate?.of === now && <Progress id={estimate.id} />}
    </form>
  )
}

/** The times of the form are those of whoever looks. */
function asked({ from, to, source, product, target, name }: Wanted) {
  const targets = { topic: { toTopic: name }, group: { toGroup: name }, all: { toAll: true } }
  return {
    ...(from && { from: utcOf(from) }),
    ...(to && { to: utcOf(to) }),
    ...(source && { source }),
    ...(product && { product }),
    ...targets[target],
  }
}
