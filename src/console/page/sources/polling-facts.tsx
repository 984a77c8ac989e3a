import type { ComponentChild } from 'preact'
import type { SourceDetails } from '../../api/sources.ts'
import { Time, Until } from '../parts/time.tsx'
import { counted, lasted, plural, shared } from '../words.ts'

/** How a source that polls gets on with its provider; of another one nothing is said. */
export function pollingFacts(
  source: SourceDetails,
): readonly (readonly [string, ComponentChild | undefined])[] {
  const { breaker, quota, nextPoll, coverage, polling } = source
  return [
    ['Next poll', nextPoll && <NextPoll {...nextPoll} />],
    ['Breaker', breaker && (breaker === 'open' ? 'open: the provider fails and is left alone' : 'closed')],
    [
      'Quota',
      quota && (
        <>
          used up until <Time at={quota.until} />
        </>
      ),
    ],
    ['Coverage', coverage && covered(coverage)],
    [
      'Products',
      polling && `${counted(polling.held)} of ${counted(polling.products)} polled by this process`,
    ],
    ['Requests', polling && `${plural(polling.calls, 'request')}, ${plural(polling.fresh, 'new review')}`],
    [
      'Last polls',
      polling?.stalenessMs &&
        `half within ${lasted(polling.stalenessMs.p50)}, 95 % within ${lasted(polling.stalenessMs.p95)}`,
    ],
  ]
}

/** What is said beside the time. */
const WHY: Readonly<Record<string, string>> = {
  budget: ', when its budget allows',
  provider: '; its provider is left alone until then',
}

function NextPoll({ state, at }: NonNullable<SourceDetails['nextPoll']>) {
  if (at === undefined)
    return <>{state === 'paused' ? 'none while it is paused' : 'once its products are loaded'}</>
  return (
    <>
      <Until at={at} />
      {WHY[state]}
    </>
  )
}

function covered({ told, fetched, missing }: NonNullable<SourceDetails['coverage']>): string {
  if (told === undefined) return `${counted(fetched)} shown; the provider does not say how many there are`
  const share = told > 0 ? ` (${shared(fetched / told)})` : ''
  return `${counted(fetched)} of ${counted(told)} shown${share}, ${counted(missing ?? 0)} missing`
}
