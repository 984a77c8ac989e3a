import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'

/** Where the page is: its address is all of its state that can be shared. */
export interface Address {
  readonly path: string
  readonly query: URLSearchParams
}

const MOVED = 'headwater-moved'

const here = (): Address => ({ path: location.pathname, query: new URLSearchParams(location.search) })

/** The address, again whenever it changes. */
export function useAddress(): Address {
  const [address, setAddress] = useState(here)
  useEffect(() => {
    const moved = () => setAddress(here())
    addEventListener('popstate', moved)
    addEventListener(MOVED, moved)
    return () => {
      removeEventListener('popstate', moved)
      removeEventListener(MOVED, moved)
    }
  }, [])
  return address
}

/** Goes there as a link would, within the page. */
export function go(to: string): void {
  if (to === location.pathname + location.search) return
  history.pushState(null, '', to)
  dispatchEvent(new Event(MOVED))
}

/** An address with those parameters that say something. */
export function addressOf(path: string, params: Readonly<Record<string, string | undefined>> = {}): string {
  const given = Object.entries(params).filter((entry): entry is [string, string] => Boolean(entry[1]))
  const query = new URLSearchParams(given).toString()
  return query ? `${path}?${query}` : path
}

interface LinkProps {
  readonly to: string
  readonly class?: string
  /** It leads to the page that is shown. */
  readonly isCurrent?: boolean
  readonly children: ComponentChildren
}

/** A real link: it can be opened in another tab, copied and reached by keyboard. */
export function Link({ to, class: className, isCurrent, children }: LinkProps) {
  const follow = (event: MouseEvent): void => {
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey
    if (!isPlain) return
    event.preventDefault()
    go(to)
  }
  return (
    <a href={to} onClick={follow} class={className} aria-current={isCurrent ? 'page' : undefined}>
      {children}
    </a>
  )
}
