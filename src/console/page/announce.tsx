import { useEffect, useState } from 'preact/hooks'

const ANNOUNCED = 'headwater-announced'

/** Has a screen reader say it, without taking the focus. */
export function announce(words: string): void {
  dispatchEvent(new CustomEvent(ANNOUNCED, { detail: words }))
}

/** Where announcements are put, for screen readers alone. One that is repeated is said again. */
export function Announcer() {
  const [said, say] = useState({ words: '', turn: 0 })
  useEffect(() => {
    const hear = (event: Event): void => {
      const words = (event as CustomEvent<string>).detail
      say(({ turn }) => ({ words, turn: turn + 1 }))
    }
    addEventListener(ANNOUNCED, hear)
    return () => removeEventListener(ANNOUNCED, hear)
  }, [])
  return (
    <div class="unseen" role="status" aria-live="polite">
      <span key={said.turn}>{said.words}</span>
    </div>
  )
}
