import { useEffect, useState } from 'preact/hooks'
import { addressOf, useAddress } from '../address.tsx'
import type { Found } from '../../api/reviews.ts'
import { ask, useAct, useAnswer } from '../ask.ts'
import { Answered, Empty, Failure } from '../parts/states.tsx'
import { counted, plural } from '../words.ts'
import { Results } from './results.tsx'
import { FILTERS, type Filters, Search } from './search.tsx'

/** Finds reviews and dead letters; the address has what is looked for. */
export function Reviews() {
  const { query } = useAddress()
  const wanted: Filters = Object.fromEntries(FILTERS.map((name) => [name, query.get(name) ?? undefined]))
  const path = addressOf('/api/reviews', { ...wanted, limit: '50' })
  return (
    <>
      <h1>Reviews</h1>
      <Search key={path} wanted={wanted} />
      <List key={`list ${path}`} path={path} isFiltered={Object.values(wanted).some(Boolean)} />
    </>
  )
}

function List({ path, isFiltered }: { readonly path: string; readonly isFiltered: boolean }) {
  const answer = useAnswer<Found>(path)
  const [more, setMore] = useState<readonly Found[]>([])
  const { isBusy, error, act } = useAct()
  useEffect(() => setMore([]), [answer.data])
  return (
    <Answered answer={answer} what="reviews">
      {(first) => {
        const pages = [first, ...more]
        const records = pages.flatMap((page) => page.records)
        const looked = pages.reduce((sum, page) => sum + page.looked, 0)
        const last = pages.at(-1) ?? first
        const further = (): void =>
          void act(async () => {
            const next = await ask<Found>(`${path}&after=${encodeURIComponent(last.after ?? '')}`)
            setMore([...more, next])
          })
        return (
          <section aria-label="Found">
            <p role="status">
              {plural(records.length, 'record')}
              {records.length > 1 && ', newest first'}.{' '}
              {last.after === undefined
                ? records.length > 0 && 'These are all.'
                : `${counted(looked)} looked at so far; there may be more that are older.`}
            </p>
            {records.length > 0 ? (
              <Results records={records} />
            ) : (
              last.after === undefined && (
                <Empty>
                  {isFiltered
                    ? 'Nothing is stored that fits. A review id must be the whole id that the provider gave.'
                    : 'Nothing is stored yet. As soon as a source brings something, it is here.'}
                </Empty>
              )
            )}
            {error && <Failure error={error} />}
            {last.after !== undefined && (
              <div>
                <button type="button" class="button" aria-disabled={isBusy} onClick={further}>
                  Look further
                </button>
              </div>
            )}
          </section>
        )
      }}
    </Answered>
  )
}
