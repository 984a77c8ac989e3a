import { formatDuration } from '../../lib/units.ts'
import { type Alert, type WrittenAlert, written } from './alert.ts'

/** What one message says: all that has changed since the message before. */
export interface Message {
  /** The machine that says it. */
  readonly from: string
  /** In milliseconds since 1970. */
  readonly at: number
  readonly firing: readonly Alert[]
  readonly resolved: readonly Alert[]
}

export type ChannelType = 'webhook' | 'slack'

/** A person reads so many at once; the others are at /health/alerts. */
const SHOWN = 20

/** The body of a message, as JSON. */
export function bodyOf(type: ChannelType, message: Message): string {
  return JSON.stringify(type === 'slack' ? { text: slackText(message) } : document(message))
}

interface Document {
  readonly version: 1
  readonly from: string
  readonly at: string
  readonly alerts: readonly (WrittenAlert & { readonly status: 'firing' | 'resolved' })[]
}

function document({ from, at, firing, resolved }: Message): Document {
  return {
    version: 1,
    from,
    at: new Date(at).toISOString(),
    alerts: [
      ...firing.map((alert) => ({ status: 'firing' as const, ...written(alert) })),
      ...resolved.map((alert) => ({ status: 'resolved' as const, ...written(alert) })),
    ],
  }
}

function slackText({ from, at, firing, resolved }: Message): string {
  const lines = [
    ...firing.map(({ severity, rule, summary, advice }) => {
      return `${severity === 'critical' ? '🔴' : '🟠'} *${rule}* ${escape(summary)}\n${escape(advice)}`
    }),
    ...resolved.map(({ rule, subject, since }) => {
      return `🟢 *${rule}* ${escape(subject)}: resolved after ${formatDuration(at - since)}`
    }),
  ]
  const more = lines.length > SHOWN ? [`and ${lines.length - SHOWN} more; see /health/alerts`] : []
  return [`*Headwater* on ${escape(from)}`, ...lines.slice(0, SHOWN), ...more].join('\n')
}

/** Slack takes these three for markup. */
const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
