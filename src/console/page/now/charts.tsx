import { type Look, rateOf } from '../rates.ts'
import { counted, rated } from '../words.ts'
import { Chart, type Series } from './chart.tsx'

/** Each point is the mean of so many milliseconds before it. */
const SMOOTH_MS = 6_000

/** The last minutes, as far as this page has been open. */
export function Charts({ looks }: { readonly looks: readonly Look[] }) {
  const times = looks.map(({ atMs }) => atMs / 1000)
  const rates = looks.map((_, index) => rateOf(looks.slice(Math.max(0, index - 5), index + 1), SMOOTH_MS))
  const flow: readonly Series[] = [
    { name: 'received', tone: 'first', values: rates.map((rate) => rate?.received) },
    { name: 'stored', tone: 'second', values: rates.map((rate) => rate?.stored) },
    { name: 'rejected', tone: 'third', values: rates.map((rate) => rate?.rejected) },
  ]
  const waiting: readonly Series[] = [
    { name: 'messages', tone: 'first', values: looks.map(({ backlog }) => backlog) },
  ]
  return (
    <div class="charts">
      <Chart title="Flow, per second" times={times} series={flow} written={(n) => `${rated(n)}/s`} />
      <Chart title="Waiting to be stored" times={times} series={waiting} written={counted} isWhole />
    </div>
  )
}
