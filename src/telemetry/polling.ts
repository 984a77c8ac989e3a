import { Counter, Gauge, type Registry } from 'prom-client'
import type { Polling } from '../sources/source.ts'

/** What polls say of themselves, by source. What they can't tell is not shown. */
export interface PollingMetrics {
  observe(source: string, polling: Polling): void
}

/** Registers them all. */
export function createPollingMetrics(registry: Registry): PollingMetrics {
  const registers = [registry]
  const labelNames = ['source'] as const

  /** The source counts; what is shown is what it has counted by now. */
  function counter(name: string, help: string): (source: string, count: number) => void {
    const shown = new Counter({ name: `headwater_source_${name}_total`, help, labelNames, registers })
    const before = new Map<string, number>()
    return (source, count) => {
      shown.inc({ source }, count - (before.get(source) ?? 0))
      before.set(source, count)
    }
  }

  function gauge(name: string, help: string): (source: string, value: number | undefined) => void {
    const shown = new Gauge({ name: `headwater_source_${name}`, help, labelNames, registers })
    return (source, value) => {
      if (value === undefined) shown.remove({ source })
      else shown.set({ source }, value)
    }
  }

  const calls = counter('calls', 'Requests for pages that polls made.')
  const fresh = counter('new_reviews', 'Versions of reviews that these were the first to show.')
  const products = gauge('products', 'Products of the source, whichever process polls them.')
  const held = gauge('products_held', 'Those of them that this process polls.')
  const told = gauge('reviews_told', 'Reviews that there are of these products, as the provider says.')
  const fetched = gauge('reviews_fetched', 'Those that the last poll of each of these products showed.')
  const missing = gauge('reviews_missing', 'Those that there are, as the provider says, and it did not show.')
  const p50 = gauge('staleness_p50_seconds', 'Within how long half of these products were polled to the end.')
  const p95 = gauge('staleness_p95_seconds', 'Within how long 95 % of these products were polled to the end.')
  const d50 = gauge(
    'discovery_p50_seconds',
    'How long after the poll before the latest new reviews of half of these products were found, at most.',
  )
  const d95 = gauge(
    'discovery_p95_seconds',
    'How long after the poll before the latest new reviews of 95 % of these products were found, at most.',
  )

  return {
    observe(source, polling) {
      calls(source, polling.calls)
      fresh(source, polling.fresh)
      products(source, polling.products)
      held(source, polling.held)
      told(source, polling.told)
      fetched(source, polling.fetched)
      missing(source, polling.missing)
      p50(source, polling.stalenessMs && polling.stalenessMs.p50 / 1000)
      p95(source, polling.stalenessMs && polling.stalenessMs.p95 / 1000)
      d50(source, polling.discoveryMs && polling.discoveryMs.p50 / 1000)
      d95(source, polling.discoveryMs && polling.discoveryMs.p95 / 1000)
    },
  }
}
