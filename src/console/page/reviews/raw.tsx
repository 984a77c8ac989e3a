import { useMemo, useState } from 'preact/hooks'
import type { PassportDetails } from '../../api/reviews.ts'
import { ForeignBlock } from '../parts/foreign.tsx'
import { parseExactly } from '../parts/exact-json.ts'
import { Tree } from '../parts/tree.tsx'

/** A longer text has no tree: reading it would hold up the page. */
const MAX_TREE = 2_000_000

/** The bytes as they came, as text and, where they are JSON, as a tree. */
export function Raw({ passport: { key, raw, rawBase64 } }: { readonly passport: PassportDetails }) {
  const [view, setView] = useState<'text' | 'tree'>('text')
  const tree = useMemo(
    () => (raw === undefined || raw.length > MAX_TREE ? undefined : parseExactly(raw)),
    [raw],
  )
  const text = raw ?? rawBase64
  return (
    <section class="card">
      <div class="spread">
        <h2>As received</h2>
        <div class="row">
          {tree !== undefined && (
            <div class="row" role="group" aria-label="Show as">
              {(['text', 'tree'] as const).map((name) => (
                <button
                  key={name}
                  type="button"
                  class="button small"
                  aria-pressed={view === name}
                  onClick={() => setView(name)}
                >
                  {name}
                </button>
              ))}
            </div>
          )}
          <a class="button small" href={`/api/reviews/${key}/raw`} download={`${key}.raw`}>
            Download
          </a>
        </div>
      </div>
      {raw === undefined && (
        <p class="muted">
          {rawBase64 ? 'These bytes are no text; this is their base64.' : 'Too large to be shown.'}
        </p>
      )}
      {text !== undefined && (view === 'text' || tree === undefined) && (
        <ForeignBlock text={text} label="Raw as text" />
      )}
      {view === 'tree' && tree !== undefined && (
        <div class="foreign-block" role="region" aria-label="Raw as a tree" tabIndex={0}>
          <Tree value={tree} open={2} />
        </div>
      )}
    </section>
  )
}
