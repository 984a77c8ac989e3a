import type { ComponentChildren } from 'preact'

interface ForeignProps {
  readonly children: string | undefined
  /** Only its beginning, in one flow: for links and lists. */
  readonly isBrief?: boolean
}

const BRIEF = 200

/**
 * Text that somebody else wrote, such as a review or a provider's error. It is only ever a text node; it can't turn the
 * direction of what is around it, leave its box or widen the page.
 */
export function Foreign({ children = '', isBrief = false }: ForeignProps) {
  if (!isBrief) return <Isolated of={children}>{children}</Isolated>
  return (
    <bdi class="foreign brief" dir="auto">
      {children.length > BRIEF ? `${children.slice(0, BRIEF)}…` : children}
    </bdi>
  )
}

interface IsolatedProps {
  /** The text that the children show. */
  readonly of: string
  readonly children: ComponentChildren
}

/** Parts of such a text. A long one scrolls in a box, which is reached by keyboard. */
export function Isolated({ of: text, children }: IsolatedProps) {
  const isLong = text.length > 600 || text.split('\n', 13).length > 12
  return (
    <bdi class={isLong ? 'foreign long' : 'foreign'} dir="auto" tabIndex={isLong ? 0 : undefined}>
      {children}
    </bdi>
  )
}

/** So much of a text is shown; more would keep the browser busy. */
const SHOWN = 200_000

/** A longer text of others, with its own lines, in a box of its own that scrolls. */
export function ForeignBlock({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    <>
      <pre class="foreign-block" dir="auto" tabIndex={0} role="region" aria-label={label}>
        {text.slice(0, SHOWN)}
      </pre>
      {text.length > SHOWN && (
        <p class="muted">These are the first {SHOWN.toLocaleString('en')} characters.</p>
      )}
    </>
  )
}
