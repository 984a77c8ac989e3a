import { useEffect, useRef } from 'preact/hooks'
import { Link, useAddress } from './address.tsx'
import { Announcer, announce } from './announce.tsx'
import { useFocusKept } from './focus.ts'
import { listen, useLive } from './live.ts'
import { Empty, Notice } from './parts/states.tsx'
import { PLACES, placeAt } from './places.tsx'
import { signOut, useSession } from './session.tsx'
import { ThemeSwitch } from './theme.tsx'

/** What is around every page: the way to the others, and how the connection is. */
export function Shell() {
  const { path } = useAddress()
  const found = placeAt(path)
  const main = useRef<HTMLElement>(null)
  const isFirst = useRef(true)
  useEffect(listen, [])
  useFocusKept(main)
  useEffect(() => {
    document.title = `${found ? found.place.title : 'Not found'} · Headwater`
    // The first page has the focus that the browser gives it; every further one is gone to.
    if (!isFirst.current) main.current?.focus()
    isFirst.current = false
    scrollTo(0, 0)
  }, [path])
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Header at={found?.place.path} />
      <Connection />
      <main id="main" ref={main} tabIndex={-1}>
        <ReadOnly />
        {found ? found.place.show(found.rest) : <NotFound path={path} />}
      </main>
      <Announcer />
    </>
  )
}

function Header({ at }: { readonly at: string | undefined }) {
  const session = useSession()
  return (
    <header class="top">
      <Link to="/" class="brand">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path d="M5 12c3.7-3.5 7.3-3.5 11 0s7.3 3.5 11 0M5 20c3.7-3.5 7.3-3.5 11 0s7.3 3.5 11 0" />
        </svg>
        Headwater
      </Link>
      <nav aria-label="Pages">
        <ul>
          {PLACES.map(({ path, title }) => (
            <li key={path}>
              <Link to={path} isCurrent={at === path}>
                {title}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <div class="who">
        <span class="muted" title={`run ${session?.run ?? ''}`}>
          {session?.host} · {session?.version}
        </span>
        <ThemeSwitch />
        {session?.needsToken && (
          <button type="button" class="button small" onClick={() => void signOut()}>
            Sign out
          </button>
        )}
      </div>
    </header>
  )
}

/** Says when the server has gone, and when it is back. */
function Connection() {
  const { state, now } = useLive()
  const was = useRef(state)
  useEffect(() => {
    if (was.current === 'lost' && state === 'live') announce('Connected again')
    was.current = state
  }, [state])
  if (state !== 'lost') return null
  return (
    <div class="connection" role="alert">
      <strong>Headwater does not answer.</strong>{' '}
      {now ? 'What you see is the last that it told.' : 'Nothing has been told yet.'} Trying again …
    </div>
  )
}

function ReadOnly() {
  if (useSession()?.role !== 'reader') return null
  return <Notice kind="calm">You are signed in as a reader: you see everything and change nothing.</Notice>
}

function NotFound({ path }: { readonly path: string }) {
  return (
    <>
      <h1>Not found</h1>
      <Empty>
        There is no page at <code>{path}</code>. <Link to="/">Now</Link> shows how things are.
      </Empty>
    </>
  )
}
