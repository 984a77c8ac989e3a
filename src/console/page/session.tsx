import { type ComponentChildren, createContext } from 'preact'
import { useContext, useEffect, useState } from 'preact/hooks'
import type { Session } from '../api/session.ts'
import { ask, SIGNED_OUT, useAct, useAnswer } from './ask.ts'
import { Field } from './parts/field.tsx'
import { Failure, Loading } from './parts/states.tsx'

const SessionContext = createContext<Session | undefined>(undefined)

/** Who looks at the page, once that is known. */
export const useSession = (): Session | undefined => useContext(SessionContext)

/** Whether whoever looks at it may change anything. */
export const useCanChange = (): boolean => useSession()?.role === 'operator'

/** Shows the page to those who may see it, and a form for the token to others. */
export function SignedIn({ children }: { readonly children: ComponentChildren }) {
  const { data, error, again } = useAnswer<Session>('/api/session')
  const [isOut, setIsOut] = useState(false)
  useEffect(() => {
    const out = () => setIsOut(true)
    addEventListener(SIGNED_OUT, out)
    return () => removeEventListener(SIGNED_OUT, out)
  }, [])
  const signedIn = (): void => {
    setIsOut(false)
    again()
  }
  if (isOut || error?.status === 401) return <SignIn signedIn={signedIn} />
  if (data) return <SessionContext.Provider value={data}>{children}</SessionContext.Provider>
  return (
    <main class="alone">
      {error ? <Failure error={error} again={again} /> : <Loading what="the console" />}
    </main>
  )
}

function SignIn({ signedIn }: { readonly signedIn: () => void }) {
  const [token, setToken] = useState('')
  const { isBusy, error, act } = useAct()
  const submit = (event: Event): void => {
    event.preventDefault()
    void act(async () => {
      await ask('/api/session', { method: 'POST', body: { token } })
      signedIn()
    })
  }
  return (
    <main class="alone">
      <form class="card sign-in" onSubmit={submit}>
        <h1>Sign in to Headwater</h1>
        <p class="muted">The token is in the config, under admin.</p>
        <Field label="Token">
          {(id) => (
            <input
              id={id}
              type="password"
              autocomplete="current-password"
              required
              value={token}
              onInput={({ currentTarget }) => setToken(currentTarget.value)}
            />
          )}
        </Field>
        {error && <Failure error={error} />}
        <button type="submit" class="button primary" aria-disabled={isBusy}>
          Sign in
        </button>
      </form>
    </main>
  )
}

/** Ends the session; the page asks for the token again. */
export const signOut = (): Promise<void> =>
  ask<void>('/api/session', { method: 'DELETE' }).then(() => void dispatchEvent(new Event(SIGNED_OUT)))
