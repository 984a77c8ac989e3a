import type { PassportDetails } from '../../api/reviews.ts'
import { Isolated } from '../parts/foreign.tsx'
import { difference } from './difference.ts'

type Changed = PassportDetails['versions'][number]['changed'][number]

/** What changed from one version to the next, field by field: gone words are struck out, new ones underlined. */
export function ChangedFields({ changed }: { readonly changed: readonly Changed[] }) {
  return (
    <dl class="facts">
      {changed.map(({ field, before, after }) => (
        <div key={field}>
          <dt>
            <code>{field}</code>
          </dt>
          <dd>
            <Difference before={written(before)} after={written(after)} />
          </dd>
        </div>
      ))}
    </dl>
  )
}

export function Difference({ before, after }: { readonly before: string; readonly after: string }) {
  return (
    <Isolated of={before + after}>
      {difference(before, after).map(({ kind, text }, index) => {
        if (kind === 'gone') return <del key={index}>{text}</del>
        if (kind === 'new') return <ins key={index}>{text}</ins>
        return <span key={index}>{text}</span>
      })}
    </Isolated>
  )
}

export function written(value: unknown): string {
  if (value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}
