import { useEffect, useRef, useState } from 'preact/hooks'
import { Link } from '../address.tsx'
import type { Preview } from '../../api/clusters.ts'
import type { Step } from './step-words.ts'
import { ask, Refused } from '../ask.ts'
import { spoken } from '../parts/facts.tsx'
import { Foreign } from '../parts/foreign.tsx'
import { Failure, Loading } from '../parts/states.tsx'
import { Difference, written } from '../reviews/changed.tsx'
import { Faults } from '../reviews/judged.tsx'
import { counted, plural, shared } from '../words.ts'

type Sample = Preview['samples'][number]

/** Waits so long for the next stroke of a key before it tries the steps. */
const PAUSE_MS = 400
/** So many letters are tried first, since a person waits: all of many take seconds. */
const AT_FIRST = 200

interface PreviewOfProps {
  readonly cluster: string
  readonly steps: readonly Step[]
}

/** What the steps would make of the letters; nothing is changed by looking. */
export function PreviewOf({ cluster, steps }: PreviewOfProps) {
  const { preview, error, isOld } = usePreview(cluster, steps)
  return (
    <section class={`card stack ${isOld ? 'stale' : ''}`} aria-label="Preview" aria-busy={isOld}>
      <h2>What that would do</h2>
      {error && <Failure error={error} />}
      {!preview && !error && <Loading what="the preview" />}
      {preview && <Outcome preview={preview} />}
      {preview?.samples.map((sample) => (
        <SampleOf key={sample.key} sample={sample} />
      ))}
    </section>
  )
}

interface Previewed {
  readonly preview?: Preview
  readonly error?: Refused
  readonly isOld: boolean
}

function usePreview(cluster: string, steps: readonly Step[]): Previewed {
  const [state, setState] = useState<Previewed>({ isOld: true })
  const wanted = JSON.stringify(steps)
  const isFirst = useRef(true)
  useEffect(() => {
    const ended = new AbortController()
    const { signal } = ended
    const look = (most?: number): Promise<Preview> => {
      const body = { steps: JSON.parse(wanted) as readonly Step[], most }
      return ask(`/api/clusters/${cluster}/preview`, { method: 'POST', body, signal })
    }
    const lookAtAll = async (): Promise<void> => {
      const some = await look(AT_FIRST)
      setState({ preview: some, isOld: some.isMore })
      if (some.isMore) setState({ preview: await look(), isOld: false })
    }
    setState((before) => ({ ...before, isOld: true }))
    const begin = (): void =>
      void lookAtAll().catch((error: Refused) => {
        if (!signal.aborted) setState({ error, isOld: false })
      })
    const timer = setTimeout(begin, isFirst.current ? 0 : PAUSE_MS)
    isFirst.current = false
    return () => {
      clearTimeout(timer)
      ended.abort()
    }
  }, [cluster, wanted])
  return state
}

function Outcome({ preview: { looked, pass, fail, isMore, reasons } }: { readonly preview: Preview }) {
  return (
    <div role="status">
      <progress class="meter" aria-label="Share that would pass" max={Math.max(1, looked)} value={pass} />
      <p class="lead">
        {counted(pass)} of {isMore ? `the first ${counted(looked)}` : counted(looked)} would pass
        {looked > 0 && ` (${shared(pass / looked)})`}
      </p>
      {fail > 0 && <p>{plural(fail, 'letter')} would not:</p>}
      <ul>
        {reasons.map(({ code, message, count }) => (
          <li key={`${code} ${message}`}>
            {counted(count)} · <code>{code}</code> <Foreign>{message}</Foreign>
          </li>
        ))}
      </ul>
    </div>
  )
}

function SampleOf({ sample: { key, before, after, errors } }: { readonly sample: Sample }) {
  const changed = after ? changedIn(before, after) : []
  return (
    <article class="sample">
      <p>
        <Link to={`/reviews/${key}`}>
          <code>{key.slice(0, 12)}…</code>
        </Link>{' '}
        {after ? 'would pass' : 'would not pass'}
      </p>
      {changed.map((name) => (
        <p key={name}>
          {spoken(name)}: <Difference before={written(before[name])} after={written(after?.[name])} />
        </p>
      ))}
      {errors && <Faults errors={errors} />}
    </article>
  )
}

const changedIn = (before: Sample['before'], after: Sample['before']): readonly string[] =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (name) => written(before[name]) !== written(after[name]),
  )
