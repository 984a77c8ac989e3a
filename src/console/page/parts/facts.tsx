import type { ComponentChild } from 'preact'
import { dated } from '../words.ts'
import { Foreign } from './foreign.tsx'

/** Names and what goes with them; what is undefined is left out. */
export function Facts({
  facts,
}: {
  readonly facts: readonly (readonly [string, ComponentChild | undefined])[]
}) {
  return (
    <dl class="facts">
      {facts.map(
        ([name, value]) =>
          value !== undefined && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  )
}

/** Any small value in one line, such as `remaining 120, limit 1000`. */
export function Value({ of }: { readonly of: unknown }) {
  return <Foreign>{inline(of)}</Foreign>
}

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/

function inline(value: unknown): string {
  if (typeof value === 'string') return MOMENT.test(value) ? dated(value) : value
  if (value === null || typeof value !== 'object') return String(value)
  const entries = Object.entries(value).map(([name, one]) => {
    const written = inline(one)
    return Array.isArray(value) ? written : `${spoken(name)} ${written}`
  })
  return entries.join(', ')
}

/** `stalenessMs` is `staleness ms`. */
export const spoken = (name: string): string =>
  name
    .replaceAll('_', ' ')
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
