import { useState } from 'preact/hooks'
import { announce } from '../announce.tsx'
import type { ClusterDetails } from '../../api/clusters.ts'
import { ask, useAct } from '../ask.ts'
import { Input } from '../parts/field.tsx'
import { Failure } from '../parts/states.tsx'
import { useCanChange } from '../session.tsx'

interface PutAwayProps {
  readonly cluster: ClusterDetails
  readonly again: () => void
}

/** For a fault that needn't be mended: it is expected, or its letters are worth nothing. */
export function PutAway({ cluster: { cluster, muted }, again }: PutAwayProps) {
  const [reason, setReason] = useState('')
  const { isBusy, error, act } = useAct()
  if (!useCanChange()) return null
  const tell = (what: 'mute' | 'unmute' | 'discard', done: string): void =>
    void act(async () => {
      await ask(`/api/clusters/${cluster}/${what}`, {
        method: 'POST',
        body: what === 'unmute' ? {} : { reason },
      })
      announce(done)
      setReason('')
      again()
    })
  return (
    <section class="card">
      <h2>Or put them away</h2>
      <p class="muted">
        The letters of a muted fault are kept and out of the list. Discarded ones stay in the store and wait
        no more.
      </p>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault()
          const { value } = event.submitter as HTMLButtonElement
          if (value === 'mute') tell('mute', 'Muted')
          else tell('discard', 'The letters are being discarded')
        }}
      >
        <Input label="Reason" name="reason" value={reason} onValue={setReason} isRequired />
        {error && <Failure error={error} />}
        <div class="row">
          {muted ? (
            <button
              type="button"
              class="button"
              aria-disabled={isBusy}
              onClick={() => tell('unmute', 'No longer muted')}
            >
              Unmute
            </button>
          ) : (
            <button type="submit" value="mute" class="button" aria-disabled={isBusy}>
              Mute the fault
            </button>
          )}
          <button type="submit" value="discard" class="button danger" aria-disabled={isBusy}>
            Discard all of them
          </button>
        </div>
      </form>
    </section>
  )
}
