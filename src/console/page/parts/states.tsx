import type { ComponentChildren } from 'preact'
import type { Answer, Refused } from '../ask.ts'

type Kind = 'calm' | 'good' | 'warning' | 'critical'

/** A box that says something; its colour is never all that does. */
export function Notice({ kind, children }: { readonly kind: Kind; readonly children: ComponentChildren }) {
  return <div class={`notice ${kind}`}>{children}</div>
}

export function Loading({ what }: { readonly what: string }) {
  return (
    <p class="loading" role="status">
      Loading {what} …
    </p>
  )
}

/** Nothing is there, and what would bring something. */
export function Empty({ children }: { readonly children: ComponentChildren }) {
  return <div class="empty">{children}</div>
}

/** What went wrong, in the server's words, and a way to try again where there is one. */
export function Failure({ error, again }: { readonly error: Refused; readonly again?: () => void }) {
  return (
    <div class="notice critical" role="alert">
      <p>{error.message}</p>
      {again && (
        <button type="button" class="button small" onClick={again}>
          Try again
        </button>
      )}
    </div>
  )
}

interface AnsweredProps<T> {
  readonly answer: Answer<T>
  readonly what: string
  /** The heading while there is nothing to show. */
  readonly title?: string
  readonly children: (data: T) => ComponentChildren
}

/** The same question gets the same answer. */
const MISASKED = 400

/** Shows an answer once it is there; until then that it is loading, or why it isn't. What came before stays in sight. */
export function Answered<T>({ answer, what, title, children }: AnsweredProps<T>) {
  const { data, error, again } = answer
  return (
    <>
      {title && data === undefined && <h1>{title}</h1>}
      {error && <Failure error={error} {...(error.status !== MISASKED && { again })} />}
      {data !== undefined ? children(data) : !error && <Loading what={what} />}
    </>
  )
}
