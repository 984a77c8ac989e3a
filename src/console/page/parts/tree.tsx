import { useState } from 'preact/hooks'
import { ExactNumber } from './exact-json.ts'
import { Foreign } from './foreign.tsx'

interface TreeProps {
  readonly value: unknown
  readonly name?: string
  /** So many levels are open at first. */
  readonly open?: number
}

/** JSON as a tree that opens level by level. */
export function Tree({ value, name, open = 1 }: TreeProps) {
  const [isOpen, setIsOpen] = useState(open > 0)
  const title = name === undefined ? undefined : <Foreign isBrief>{name}</Foreign>
  if (value === null || typeof value !== 'object' || value instanceof ExactNumber) {
    return (
      <div class="leaf">
        {title && <span class="name">{title}</span>} <Leaf value={value} />
      </div>
    )
  }
  const entries = Object.entries(value)
  const size = Array.isArray(value) ? `[ ${entries.length} ]` : `{ ${entries.length} }`
  return (
    <details class="tree" open={isOpen} onToggle={({ currentTarget }) => setIsOpen(currentTarget.open)}>
      <summary>
        {title && <span class="name">{title}</span>} <span class="muted">{size}</span>{' '}
        <NameOf value={value} />
      </summary>
      {isOpen && <Branches entries={entries} open={open - 1} />}
    </details>
  )
}

/** What an object calls itself says more than its number in a list. */
function NameOf({ value }: { readonly value: object }) {
  const name = 'name' in value ? value.name : undefined
  return typeof name === 'string' ? <Foreign isBrief>{name}</Foreign> : null
}

const AT_ONCE = 100

function Branches({
  entries,
  open,
}: {
  readonly entries: readonly [string, unknown][]
  readonly open: number
}) {
  const [shown, setShown] = useState(AT_ONCE)
  return (
    <div class="branches">
      {entries.slice(0, shown).map(([name, value]) => (
        <Tree key={name} name={name} value={value} open={open} />
      ))}
      {entries.length > shown && (
        <button type="button" class="button small" onClick={() => setShown(shown + AT_ONCE)}>
          Show more of {entries.length}
        </button>
      )}
    </div>
  )
}

function Leaf({ value }: { readonly value: unknown }) {
  if (value instanceof ExactNumber) return <code class="scalar">{value.text}</code>
  if (typeof value === 'string') return <Foreign>{value === '' ? '""' : value}</Foreign>
  return <code class="scalar">{String(value)}</code>
}
