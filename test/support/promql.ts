import { createMetrics } from '../../src/telemetry/metrics.ts'
import { POLLING, source, vitals } from './vitals.ts'

export interface Names {
  readonly metrics: readonly string[]
  readonly labels: readonly string[]
}

const WORDS = new Set([
  'and',
  'or',
  'unless',
  'by',
  'on',
  'ignoring',
  'without',
  'bool',
  'offset',
  'group_left',
])

/** The metrics and labels that an expression of PromQL names, as far as it is written like ours. */
export function namesIn(expr: string): Names {
  const labels: string[] = []
  const take = (list: string): string => {
    labels.push(...(list.match(/[a-zA-Z_]\w*/g) ?? []))
    return ' '
  }
  const rest = expr
    .replaceAll(/"[^"]*"/g, ' ')
    .replaceAll(/\[[^\]]*\]/g, ' ')
    .replaceAll(/\{([^}]*)\}/g, (_, list: string) => take(list))
    .replaceAll(/\b(?:by|on|ignoring|without)\s*\(([^)]*)\)/g, (_, list: string) => take(list))
  const names = [...rest.matchAll(/[a-zA-Z_:][\w:]*(?!\s*\(|[\w:])/g)].map(([name]) => name)
  return { metrics: names.filter((name) => !WORDS.has(name)), labels }
}

/** What /metrics has in a process in which everything has happened once: every series, with its labels. */
export async function exposed(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const metrics = createMetrics()
  metrics.source('shop')
  metrics.freshness('shop', 1)
  metrics.batch('store', 1, 1)
  metrics.retry('store', 'DISK_FULL')
  metrics.observe(vitals(0, { sources: [source('shop', { polling: POLLING })] }))
  const text = await metrics.text()
  const found = new Map<string, Set<string>>()
  for (const [, name = '', type = ''] of text.matchAll(/^# TYPE (\w+) (\w+)$/gm)) {
    for (const part of type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''])
      found.set(name + part, new Set())
  }
  for (const [, name = '', labels = ''] of text.matchAll(/^([a-z_]\w*)\{(.*)\} \S+$/gm)) {
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) found.get(name)?.add(label)
  }
  return found
}

/** What Prometheus itself adds to each series that it scrapes, and to say whether it could. */
export const SCRAPED: readonly string[] = ['job', 'instance']

/** What is wrong with an expression: metrics that nobody exposes, and labels that none of its metrics has. */
export function strangersIn(
  expr: string,
  known: ReadonlyMap<string, ReadonlySet<string>>,
): readonly string[] {
  const { metrics, labels } = namesIn(expr)
  const all = new Map([...known, ['up', new Set<string>()] as const])
  const had = new Set([...SCRAPED, ...metrics.flatMap((metric) => [...(all.get(metric) ?? [])])])
  return [...metrics.filter((metric) => !all.has(metric)), ...labels.filter((label) => !had.has(label))]
}
