import type { RefObject } from 'preact'
import { useEffect } from 'preact/hooks'

/** Where what had the focus goes from the page, such as a button that has done its work, the page itself has it. */
export function useFocusKept(page: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const { current } = page
    if (!current) return
    let last: EventTarget | null = null
    const note = ({ target }: FocusEvent): void => {
      last = target
    }
    const changes = new MutationObserver(() => {
      const isGone = last instanceof Node && !last.isConnected
      if (isGone && document.activeElement === document.body) current.focus({ preventScroll: true })
    })
    current.addEventListener('focusin', note)
    changes.observe(current, { childList: true, subtree: true })
    return () => {
      current.removeEventListener('focusin', note)
      changes.disconnect()
    }
  }, [])
}
