import { useEffect, useState } from 'preact/hooks'
import { dated, type Instant, msOf, relative } from '../words.ts'

/** A moment, in the time zone of whoever looks; its title has the exact one. */
export function Time({ at }: { readonly at: Instant | undefined }) {
  if (at === undefined) return <span class="muted">–</span>
  return (
    <time dateTime={exact(at)} title={exact(at)}>
      {dated(at)}
    </time>
  )
}

/** How long ago it was, or how long it takes until then. */
export function Ago({ at }: { readonly at: Instant | undefined }) {
  const [, setTurn] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => setTurn((n) => n + 1), 1_000)
    return () => clearInterval(timer)
  }, [])
  if (at === undefined) return <span class="muted">–</span>
  return (
    <time dateTime={exact(at)} title={exact(at)}>
      {relative(at)}
    </time>
  )
}

const exact = (at: Instant): string =>
  Number.isNaN(msOf(at)) ? String(at) : new Date(msOf(at)).toISOString()
