import { useEffect, useState } from 'preact/hooks'
import { addressOf, go, useAddress } from '../address.tsx'
import type { SourceFlow } from '../answers.ts'
import type { Found } from './records.ts'
import { ask, useAct, useAnswer } from '../ask.ts'
import { useLive } from '../live.ts'
import { Answered, Empty, Failure } from '../parts/states.tsx'
import { Input, Select } from '../parts/field.tsx'
import { counted, plural } from '../words.ts'
import { Results } from './results.tsx'

const FILTERS = ['review', 'product', 'source', 'status', 'from', 'to'] as const
type Filters = Partial<Record<(typeof FILTERS)[number], string>>

/** Finds reviews and dead letters; the address has what is looked for. */
export function Reviews() {
  const { query } = useAddress()
  const wanted: Filters = Object.fromEntries(FILTERS.map((name) => [name, query.get(name) ?? undefined]))
  const path = addressOf('/api/reviews', asked(wanted))
  return (
    <>
      <h1>Reviews</h1>
      <Search key={path} wanted={wanted} />
      <List key={`list ${path}`} path={path} isFiltered={Object.values(wanted).some(Boolean)} />
    </>
  )
}

/** The time of an input is that of whoever looks. */
const asked = ({ from, to, ...rest }: Filters) => ({
  ...rest,
  from: from && utc(from),
  to: to && utc(to),
  limit: '50',
})

/** What is no time is left for the server to refuse. */
const utc = (local: string): string =>
  Number.isNaN(Date.parse(local)) ? local : new Date(local).toISOString()

function Search({ wanted }: { readonly wanted: Filters }) {
  const [filters, setFilters] = useState(wanted)
  const sources: readonly SourceFlow[] = useLive().now?.sources ?? []
  const put = (name: keyof Filters) => (value: string) => setFilters({ ...filters, [name]: value })
  const names = [
    ...new Set([...sources.map(({ name }) => name), ...(filters.source ? [filters.source] : [])]),
  ]
  return (
    <form
      class="card search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault()
        go(addressOf('/reviews', filters))
      }}
    >
      <Input label="Review id" name="review" value={filters.review ?? ''} onValue={put('review')} />
      <Input label="Product" name="product" value={filters.product ?? ''} onValue={put('product')} />
      <Select
        label="Source"
        name="source"
        value={filters.source ?? ''}
        options={[['', 'any'], ...names]}
        onValue={put('source')}
      />
      <Select
        label="Status"
        name="status"
        value={filters.status ?? ''}
        options={[['', 'any'], 'accepted', 'rejected', 'removed', 'returned']}
        onValue={put('status')}
      />
      <Input
        label="Received from"
        name="from"
        type="datetime-local"
        value={filters.from ?? ''}
        onValue={put('from')}
      />
      <Input
        label="Received before"
        name="to"
        type="datetime-local"
        value={filters.to ?? ''}
        onValue={put('to')}
      />
      <div class="row">
        <button type="submit" class="button primary">
          Search
        </button>
        <button type="button" class="button" onClick={() => go('/reviews')}>
          Clear
        </button>
      </div>
    </form>
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
              {plural(records.length, 'record')}, newest first.{' '}
              {last.after === undefined
                ? 'These are all.'
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
                <button type="button" class="button" disabled={isBusy} onClick={further}>
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
