import { useState } from 'preact/hooks'
import { announce } from '../announce.tsx'
import type { PassportDetails } from '../../api/reviews.ts'
import type { Redriven } from '../../api/records.ts'
import { ask, Refused, useAct } from '../ask.ts'
import { Field, Input } from '../parts/field.tsx'
import { Failure, Notice } from '../parts/states.tsx'
import { useCanChange } from '../session.tsx'
import { Faults } from './judged.tsx'

interface ByHandProps {
  readonly passport: PassportDetails
  readonly again: () => void
}

/** One dead letter is judged again, as it is or as somebody writes it; or needn't be. What was received stays. */
export function ByHand({ passport: { key, candidate }, again }: ByHandProps) {
  const [text, setText] = useState(() => JSON.stringify(candidate ?? {}, null, 2))
  const [reason, setReason] = useState('')
  const [still, setStill] = useState<Redriven['verdict']>()
  const { isBusy, error, act } = useAct()
  if (!useCanChange()) return null

  const redrive = (review?: unknown) => async () => {
    const done = await ask<Redriven>(`/api/records/${key}/redrive`, {
      method: 'POST',
      body: review === undefined ? {} : { review },
    })
    setStill(done.status === 'rejected' ? done.verdict : undefined)
    announce(done.status === 'rejected' ? 'It is still rejected' : 'It is accepted and published')
    if (done.status !== 'rejected') again()
  }
  const discard = async () => {
    await ask(`/api/records/${key}/discard`, { method: 'POST', body: { reason } })
    announce('Discarded')
    again()
  }
  return (
    <section class="card">
      <h2>Mend this one by hand</h2>
      <Field label="The review as it should be, as JSON">
        {(id) => (
          <textarea
            id={id}
            rows={10}
            spellcheck={false}
            dir="auto"
            value={text}
            onInput={({ currentTarget }) => setText(currentTarget.value)}
          />
        )}
      </Field>
      {error && <Failure error={error} />}
      {still?.status === 'rejected' && (
        <Notice kind="warning">
          <p class="lead">It would still be rejected; nothing was changed.</p>
          <Faults errors={still.errors} />
        </Notice>
      )}
      <div class="row">
        <button
          type="button"
          class="button primary"
          aria-disabled={isBusy}
          onClick={() => void act(async () => redrive(parsed(text))())}
        >
          Redrive as written
        </button>
        <button type="button" class="button" aria-disabled={isBusy} onClick={() => void act(redrive())}>
          Redrive as it is
        </button>
      </div>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault()
          void act(discard)
        }}
      >
        <Input
          label="Or a reason to discard it"
          name="reason"
          value={reason}
          onValue={setReason}
          isRequired
        />
        <button type="submit" class="button danger" aria-disabled={isBusy}>
          Discard
        </button>
      </form>
    </section>
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Refused(`This is no JSON: ${error instanceof Error ? error.message : String(error)}`, 0)
  }
}
