import type { ClusterDetails } from '../../api/clusters.ts'
import type { Step } from './step-words.ts'
import { Foreign } from '../parts/foreign.tsx'
import { useCanChange } from '../session.tsx'

interface SuggestionsProps {
  readonly suggestions: ClusterDetails['suggestions']
  readonly chosen: readonly Step[]
  readonly choose: (steps: readonly Step[]) => void
}

/** What is known to help, tried on the samples. */
export function Suggestions({ suggestions, chosen, choose }: SuggestionsProps) {
  const canChange = useCanChange()
  if (suggestions.length === 0) {
    return (
      <p class="muted">
        Nothing that is known helps here.{canChange && ' Put the steps together yourself, or let it be.'}
      </p>
    )
  }
  const now = JSON.stringify(chosen)
  return (
    <div class="row" role="group" aria-label="Suggestions">
      {suggestions.map(({ title, steps, passes, of }) => (
        <button
          key={title}
          type="button"
          class="button"
          aria-pressed={JSON.stringify(steps) === now}
          onClick={() => choose(steps)}
        >
          <span>
            <Foreign isBrief>{title}</Foreign> <span class="note">{`mends ${passes} of ${of} samples`}</span>
          </span>
        </button>
      ))}
    </div>
  )
}
