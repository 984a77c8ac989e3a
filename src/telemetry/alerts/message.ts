import { formatDuration } from '../../lib/units.ts'
import { type Alert, type WrittenAlert, written } from './alert.ts'
import type { News } from './channel.ts'

/** What one message says. */
export interface Message extends News {
  /** The machine that says it. */
  readonly from: string
  /** In milliseconds since 1970. */
  readonly at: number
}

export type ChannelType = 'webhook' | 'slack'

/** A person reads so many at once; the others are at /health/alerts. */
const SHOWN = 20

/** The body of a message, as JSON. What is critical comes first. */
export function bodyOf(type: ChannelType, message: Message): string {
  return JSON.stringify(type === 'slack' ? { text: slackText(message) } : document(message))
}

interface Document {
  readonly version: 1
  readonly from: string
  readonly at: string
  readonly alerts: readonly (WrittenAlert & { readonly status: keyof News })[]
}

function document({ from, at, firing, resolved, unwatched }: Message): Document {
  const marked = (status: keyof News, alerts: readonly Alert[]) =>
    alerts.map((alert) => ({ status, ...written(alert) }))
  return {
    version: 1,
    from,
    at: new Date(at).toISOString(),
    alerts: [
      ...marked('firing', worstFirst(firing)),
      ...marked('resolved', resolved),
      ...marked('unwatched', unwatched),
    ],
  }
}

function slackText({ from, at, firing, resolved, unwatched }: Message): string {
  const lines = [
    ...worstFirst(firing).map(({ severity, rule, summary, advice }) => {
      return `${severity === 'critical' ? '🔴' : '🟠'} *${rule}* ${escape(summary)}\n${escape(advice)}`
    }),
    ...resolved.map(({ rule, subject, since }) => {
      return `🟢 *${rule}* ${escape(subject)}: resolved after ${formatDuration(Math.max(0, at - since))}`
    }),
    ...unwatched.map(({ rule, subject }) => {
      return `⚪ *${rule}* ${escape(subject)}: the process stops; told again by the next one if it is still so`
    }),
  ]
  const more = lines.length > SHOWN ? [`and ${lines.length - SHOWN} more; see /health/alerts`] : []
  return [`*Headwater* on ${escape(from)}`, ...lines.slice(0, SHOWN), ...more].join('\n')
}

function worstFirst(alerts: readonly Alert[]): readonly Alert[] {
  const rank = ({ severity }: Alert): number => (severity === 'critical' ? 0 : 1)
  return alerts.toSorted((a, b) => rank(a) - rank(b))
}

/** Slack takes these three for markup. */
const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
