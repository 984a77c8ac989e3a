import type { SourceDetails } from '../../api/sources.ts'
import { useAnswer } from '../ask.ts'
import { Answered, Empty } from '../parts/states.tsx'
import { SourceCard } from './source-card.tsx'

const LOOK_EVERY_MS = 5_000

/** How each source is, and what can be done to it. */
export function Sources() {
  const answer = useAnswer<readonly SourceDetails[]>('/api/sources', LOOK_EVERY_MS)
  return (
    <>
      <h1>Sources</h1>
      <Answered answer={answer} what="the sources">
        {(sources) =>
          sources.length === 0 ? (
            <Empty>
              The config names no source. Every kind there is stands in <code>docs/configuration.md</code>.
            </Empty>
          ) : (
            <div class="cards">
              {sources.map((source) => (
                <SourceCard key={source.name} source={source} again={answer.again} />
              ))}
            </div>
          )
        }
      </Answered>
    </>
  )
}
