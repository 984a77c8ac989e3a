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
  useEverySecond()
  if (at === undefined) return <span class="muted">–</span>
  return (
    <time dateTime={exact(at)} title={exact(at)}>
      {relative(at)}
    </time>
  )
}

/** How long it takes until then: `now` from then on. */
export function Until({ at }: { readonly at: Instant }) {
  useEverySecond()
  return (
    <time dateTime={exact(at)} title={exact(at)}>
      {relative(Math.max(msOf(at), Date.now()))}
    </time>
  )
}

function useEverySecond(): void {
  const [, setTurn] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => setTurn((n) => n + 1), 1_000)
    return () => clearInterval(timer)
  }, [])
}

const exact = (at: Instant): string =>
  Number.isNaN(msOf(at)) ? String(at) : new Date(msOf(at)).toISOString()
