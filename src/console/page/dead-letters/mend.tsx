import { useState } from 'preact/hooks'
import type { ClusterDetails } from '../../api/clusters.ts'
import type { Step } from './step-words.ts'
import { useCanChange } from '../session.tsx'
import { PreviewOf } from './preview.tsx'
import { Redrive } from './redrive.tsx'
import { Steps } from './steps.tsx'
import { Suggestions } from './suggestions.tsx'

interface MendProps {
  readonly cluster: ClusterDetails
  /** Looks at the letters again, once they were redriven. */
  readonly again: () => void
}

/** A repair is put together, tried on all letters at once while it is written, and then carried out. */
export function Mend({ cluster, again }: MendProps) {
  const [steps, setSteps] = useState<readonly Step[]>(cluster.suggestions[0]?.steps ?? [])
  const canChange = useCanChange()
  return (
    <>
      <section class="card stack">
        <h2>Mend the fault</h2>
        <Suggestions suggestions={cluster.suggestions} chosen={steps} choose={setSteps} />
        <Steps steps={steps} change={setSteps} field={cluster.pointer.slice(1)} />
      </section>
      <PreviewOf cluster={cluster.cluster} steps={steps} />
      {canChange && <Redrive cluster={cluster} steps={steps} again={again} />}
    </>
  )
}
