/**
 * Text that somebody else wrote, such as a review or a provider's error. It is only ever a text node; it can't turn the
 * direction of what is around it, leave its box or widen the page.
 */
export function Foreign({ children }: { readonly children: string | undefined }) {
  return (
    <bdi class="foreign" dir="auto">
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
