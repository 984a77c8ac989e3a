import type { Logger } from '../../adapter.ts'
import type { Config, SourceConfig } from '../../config/schema.ts'
import type { Browser } from '../../services/browse.ts'
import type { ClusterList } from '../../services/cluster-list.ts'
import type { Changes } from '../../services/changes.ts'
import type { Control } from '../../services/control.ts'
import type { Mutes } from '../../services/mutes.ts'
import type { KeptRepairs } from '../../services/repairs.ts'
import type { Queue } from '../../queues/queue.ts'
import type { Rules } from '../../review/interpret.ts'
import type { LedgerEntry } from '../../review/record.ts'
import type { NextPoll, Polling, Throttled } from '../../sources/source.ts'
import type { Registry } from '../../stores/registry.ts'
import type { Store, Stored } from '../../stores/store.ts'
import type { Alerts } from '../../telemetry/alerts/alert.ts'
import type { Health } from '../../telemetry/health.ts'
import type { Metrics } from '../../telemetry/metrics.ts'
import type { Vitals } from '../../telemetry/vitals.ts'
import type { Access } from '../access.ts'
import type { Jobs } from '../jobs.ts'
import type { Summary } from './reviews.ts'

/** All that the routes speak for. */
export interface ApiParts {
  readonly config: Config
  readonly store: Store
  readonly registry: Registry
  readonly browse: Browser<Summary>
  readonly control: Control
  readonly health: Health
  readonly metrics: Metrics
  readonly look: () => Promise<Vitals>
  readonly alerts: Pick<Alerts, 'firing'>
  /** How a source keeps up with its provider; undefined where it does not poll. */
  readonly polling: (source: string) => Polling | undefined
  readonly access: Access
  /** How a provider is left alone; undefined for a source that asks none. */
  readonly throttle: (source: SourceConfig) => Promise<Throttled | undefined>
  /**
   * When a source asks its provider next, which is left alone until then; undefined for one that asks none, or that nobody
   * runs.
   */
  readonly nextPoll: (
    source: SourceConfig,
    providerUntil: number | undefined,
  ) => Promise<NextPoll | undefined>
  readonly clusters: ClusterList
  /** The rules of today, some seconds old at most. */
  readonly openRules: () => Promise<(record: Stored) => Promise<Rules>>
  readonly reviews: Queue
  readonly jobs: Jobs
  readonly changes: Changes
  readonly mutes: Mutes
  readonly kept: KeptRepairs
  /** Numbers what the console publishes, under a run of its own for each call. */
  readonly newNumber: () => () => LedgerEntry
  /** The number of this start. */
  readonly run: string
  /** Milliseconds since 1970. */
  readonly clock: () => number
  /** Aborts when the process is told to stop. */
  readonly stopping: AbortSignal
  readonly logger: Logger
}
