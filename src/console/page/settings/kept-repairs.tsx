import { announce } from '../announce.tsx'
import type { KeptRepair } from '../../api/repairs.ts'
import { ask, useAct, useAnswer } from '../ask.ts'
import { stepSentence } from '../dead-letters/step-words.ts'
import { Foreign } from '../parts/foreign.tsx'
import { Answered, Empty, Failure } from '../parts/states.tsx'
import { useCanChange } from '../session.tsx'

/** Repairs that sources keep as rules: what comes with their fault is mended on arrival. */
export function KeptRepairs() {
  const answer = useAnswer<readonly KeptRepair[]>('/api/repairs')
  return (
    <section class="card">
      <h2>Repairs that are kept</h2>
      <Answered answer={answer} what="the repairs">
        {(repairs) =>
          repairs.length === 0 ? (
            <Empty>None. A redrive of dead letters can keep its repair as a rule of the source.</Empty>
          ) : (
            <ul class="versions">
              {repairs.map((repair) => (
                <li key={`${repair.source} ${repair.id}`}>
                  <Kept repair={repair} again={answer.again} />
                </li>
              ))}
            </ul>
          )
        }
      </Answered>
    </section>
  )
}

function Kept({ repair, again }: { readonly repair: KeptRepair; readonly again: () => void }) {
  const { source, id, mends, steps } = repair
  const canChange = useCanChange()
  const { isBusy, error, act } = useAct()
  const drop = (): void =>
    void act(async () => {
      await ask(`/api/repairs/${encodeURIComponent(source)}/${id}`, { method: 'DELETE' })
      announce('The repair is no longer kept')
      again()
    })
  return (
    <div class="spread">
      <div>
        <p>
          <Foreign>{source}</Foreign>: {steps.map(stepSentence).join('; ')}
        </p>
        <p class="muted">
          where <code>{mends.pointer || '/'}</code> breaks <code>{mends.keyword}</code>
        </p>
      </div>
      {canChange && (
        <button
          type="button"
          class="button small"
          aria-disabled={isBusy}
          onClick={drop}
          aria-label={`Drop the repair ${id}`}
        >
          Drop
        </button>
      )}
      {error && <Failure error={error} />}
    </div>
  )
}
