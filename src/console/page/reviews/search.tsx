import { useState } from 'preact/hooks'
import { addressOf, go } from '../address.tsx'
import { useLive } from '../live.ts'
import { Input, Select } from '../parts/field.tsx'
import { isMoment, localOf, utcOf } from '../words.ts'

export const FILTERS = ['review', 'product', 'source', 'status', 'from', 'to'] as const
/** Times are UTC, so that an address means the same to everybody. */
export type Filters = Partial<Record<(typeof FILTERS)[number], string>>

const STATUSES = ['accepted', 'rejected', 'discarded', 'removed', 'returned']

/** What is looked for, to be changed; times are those of whoever looks. */
export function Search({ wanted }: { readonly wanted: Filters }) {
  const { from: wantedFrom = '', to: wantedTo = '' } = wanted
  const [filters, setFilters] = useState({ ...wanted, from: localOf(wantedFrom), to: localOf(wantedTo) })
  const { review = '', product = '', source = '', status = '', from, to } = filters
  const put = (name: keyof Filters) => (value: string) => setFilters({ ...filters, [name]: value })
  const running = (useLive().now?.sources ?? []).map(({ name }) => name)
  const sources = [...new Set([...running, ...(source ? [source] : [])])]
  return (
    <form
      class="card search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault()
        go(addressOf('/reviews', { ...filters, from: asked(from, wantedFrom), to: asked(to, wantedTo) }))
      }}
    >
      <Input label="Review id" name="review" value={review} onValue={put('review')} />
      <Input label="Product" name="product" value={product} onValue={put('product')} />
      <Select
        label="Source"
        name="source"
        value={source}
        options={[['', 'any'], ...sources]}
        onValue={put('source')}
      />
      <Select
        label="Status"
        name="status"
        value={status}
        options={[['', 'any'], ...STATUSES]}
        onValue={put('status')}
      />
      <Input
        label="Received from"
        name="from"
        type={inputFor(wantedFrom)}
        value={from}
        onValue={put('from')}
      />
      <Input label="Received before" name="to" type={inputFor(wantedTo)} value={to} onValue={put('to')} />
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

/** What nobody has changed is asked for as it was. */
const asked = (typed: string, wanted: string) => (typed === localOf(wanted) ? wanted : utcOf(typed))

/** An address may say how long ago, which an input for times can't show. */
const inputFor = (time: string) => (time === '' || isMoment(time) ? 'datetime-local' : 'text')
