import { Link } from '../address.tsx'
import type { SourceFlow } from '../../api/now.ts'
import { Foreign } from '../parts/foreign.tsx'
import { SourceState } from '../parts/badge.tsx'
import { Empty } from '../parts/states.tsx'
import { Table } from '../parts/table.tsx'
import { Ago } from '../parts/time.tsx'
import { type Look, rateOf } from '../rates.ts'
import { counted, rated } from '../words.ts'

const WINDOW_MS = 30_000

interface FlowTableProps {
  readonly sources: readonly SourceFlow[]
  readonly looks: readonly Look[]
}

/** What each source brought. */
export function FlowTable({ sources, looks }: FlowTableProps) {
  return (
    <section>
      <h2>By source</h2>
      {sources.length === 0 ? (
        <Empty>
          This process runs no source. <Link to="/sources">Sources</Link> has those of the config.
        </Empty>
      ) : (
        <Table
          label="Flow by source"
          columns={[
            'Source',
            'State',
            'In /s',
            'Stored /s',
            'Received',
            'Stored',
            'Unchanged',
            'Rejected',
            'Last',
          ]}
          numeric={[2, 3, 4, 5, 6, 7]}
          rows={sources.map((source) => {
            const rate = rateOf(looks, WINDOW_MS, source.name)
            return {
              id: source.name,
              cells: [
                <Link to="/sources">
                  <Foreign>{source.name}</Foreign>
                </Link>,
                <SourceState state={source.state} paused={source.paused} />,
                rate ? rated(rate.received) : '–',
                rate ? rated(rate.stored) : '–',
                counted(source.received),
                source.stored === undefined ? '–' : counted(source.stored),
                counted(source.unchanged),
                counted(source.rejected),
                <Ago at={source.lastAt} />,
              ],
            }
          })}
        />
      )}
      <p class="muted">Counted since this process was started.</p>
    </section>
  )
}
