import { formatBytes, formatCount, formatDuration } from '../../lib/units.ts'
import type { SourceState } from '../health.ts'
import type { Finding, Rule } from './alert.ts'

/** What the rules are told, in milliseconds and shares of 1. A rule that is `false` is left out. */
export interface RuleSettings {
  readonly silentSource: false | { readonly afterMs: number }
  readonly rejectShare: false | { readonly above: number; readonly overMs: number; readonly afterMs: number }
  readonly backlogAge: false | { readonly aboveMs: number; readonly afterMs: number }
  readonly diskSpace: false | { readonly below: number; readonly afterMs: number }
  readonly deadLetterSpace: false | { readonly above: number; readonly afterMs: number }
  readonly sourceFailing: false | { readonly afterMs: number }
  readonly driftedFields: false | { readonly afterMs: number }
  readonly notReady: false | { readonly afterMs: number }
}

/** A share of which one more is no accident. */
const ENOUGH_ITEMS = 20
/** How much of an error's words a message takes. */
const MAX_DETAIL = 300

/** The rules of deploy/prometheus/alerts.yaml, for those who run no Prometheus. A test keeps the two alike. */
export function createRules(settings: RuleSettings): readonly Rule[] {
  const rules = [
    settings.silentSource && silentSource(settings.silentSource),
    settings.rejectShare && rejectShare(settings.rejectShare),
    settings.backlogAge && backlogAge(settings.backlogAge),
    settings.diskSpace && diskSpace(settings.diskSpace),
    settings.deadLetterSpace && deadLetterSpace(settings.deadLetterSpace),
    settings.sourceFailing && sourceFailing(settings.sourceFailing),
    settings.driftedFields && driftedFields(settings.driftedFields),
    settings.notReady && notReady(settings.notReady),
  ]
  return rules.filter((rule) => rule !== false)
}

type Settings<Name extends keyof RuleSettings> = Exclude<RuleSettings[Name], false>

function silentSource({ afterMs }: Settings<'silentSource'>): Rule {
  return {
    name: 'silent_source',
    severity: 'warning',
    afterMs: 0, // the silence is measured, so that it needn't be watched
    overMs: 0,
    find({ sources }) {
      const speaks = (state: SourceState): boolean => state !== 'ended' && state !== 'paused'
      const silent = sources.filter(({ state, quietMs }) => speaks(state) && quietMs > afterMs)
      return silent.map(({ name, quietMs }) => ({
        subject: name,
        summary: `The source ${name} has handed over nothing for ${formatDuration(quietMs)}.`,
        advice:
          'See /health/sources, then ask the provider: is the webhook still set up, the key valid, the quota left, the product list right? ' +
          'If so much quiet is normal, raise alerts.rules.silent_source.after.',
      }))
    },
  }
}

function rejectShare({ above, overMs, afterMs }: Settings<'rejectShare'>): Rule {
  return {
    name: 'reject_share',
    severity: 'warning',
    afterMs,
    overMs,
    find(now, then) {
      return now.sources.flatMap(({ name, received, rejected }): Finding[] => {
        const before = then?.sources.find((source) => source.name === name) ?? { received: 0, rejected: 0 }
        const items = received - before.received
        const share = (rejected - before.rejected) / items
        if (items < ENOUGH_ITEMS || share <= above) return []
        return [
          {
            subject: name,
            summary:
              `${percent(share)} of what the source ${name} handed over in the last ` +
              `${formatDuration(overMs)} became dead letters.`,
            advice:
              '`headwater dlq clusters` shows what they have in common. If the provider has changed its format, correct the preset ' +
              'and redrive them with `headwater dlq redrive`; nothing is lost meanwhile. ' +
              'If so many are normal, raise alerts.rules.reject_share.above.',
          },
        ]
      })
    },
  }
}

function backlogAge({ aboveMs, afterMs }: Settings<'backlogAge'>): Rule {
  return {
    name: 'backlog_age',
    severity: 'critical',
    afterMs,
    overMs: 0,
    find: ({ topics }) =>
      topics.flatMap(({ topic, backlog, oldestAgeMs = 0 }) => {
        if (oldestAgeMs <= aboveMs) return []
        const count = backlog === undefined ? '' : ` (${formatCount(backlog)} in all)`
        return {
          subject: topic,
          summary: `Messages of ${topic} wait to be stored, the oldest for ${formatDuration(oldestAgeMs)}${count}.`,
          advice:
            'See whether a storage process runs (`headwater store` or `up`) and whether its log tells of trouble with the store. ' +
            'If it runs well and the backlog still grows, start another one.',
        }
      }),
  }
}

function diskSpace({ below, afterMs }: Settings<'diskSpace'>): Rule {
  return {
    name: 'disk_space',
    severity: 'critical',
    afterMs,
    overMs: 0,
    find({ disk }) {
      // Of some file systems the size is 0, and so there is no share.
      if (!disk || !(disk.freeBytes / disk.sizeBytes < below)) return []
      const { freeBytes, sizeBytes, dataBytes } = disk
      const own = dataBytes === undefined ? '' : `; the data folder takes ${formatBytes(dataBytes)}`
      return [
        {
          subject: 'data folder',
          summary: `The disk of the data folder has ${formatBytes(freeBytes)} left of ${formatBytes(sizeBytes)}${own}.`,
          advice:
            'Make room or enlarge the disk before it is full: then intake stops until there is room. Nothing that was taken is lost.',
        },
      ]
    },
  }
}

function deadLetterSpace({ above, afterMs }: Settings<'deadLetterSpace'>): Rule {
  return {
    name: 'dead_letter_space',
    severity: 'critical',
    afterMs,
    overMs: 0,
    find({ deadLetters }) {
      if (!deadLetters || !(deadLetters.bytes / deadLetters.maxBytes > above)) return []
      const { bytes, maxBytes } = deadLetters
      return [
        {
          subject: 'dead letters',
          summary: `Dead letters take ${formatBytes(bytes)} of the ${formatBytes(maxBytes)} that they may.`,
          advice:
            '`headwater dlq clusters` shows what they have in common: mend that and redrive them, or discard and purge them, or raise ' +
            'dead_letters.max_bytes. At the limit those that follow wait, and their sources with them; nothing is lost.',
        },
      ]
    },
  }
}

function sourceFailing({ afterMs }: Settings<'sourceFailing'>): Rule {
  return {
    name: 'source_failing',
    severity: 'warning',
    afterMs,
    overMs: 0,
    find: ({ sources }) =>
      sources
        .filter(({ state }) => state === 'failing')
        .map(({ name, detail }) => ({
          subject: name,
          summary: `The source ${name} fails${detail === undefined ? '' : `: ${inOneLine(detail)}`}`,
          advice:
            'See /health/sources and the log for the error and its code, and docs/errors.md for what to do about that. ' +
            'The other sources go on; a source that has stopped needs a restart of the process.',
        })),
  }
}

function driftedFields({ afterMs }: Settings<'driftedFields'>): Rule {
  return {
    name: 'drifted_fields',
    severity: 'warning',
    afterMs,
    overMs: 0,
    find: ({ sources }) =>
      sources.flatMap(({ name, drifted = [] }): Finding[] => {
        // A field more breaks nothing.
        const [first, ...rest] = drifted.filter(({ kind }) => kind !== 'new')
        if (first === undefined) return []
        const more = rest.length > 0 ? ` (and ${formatCount(rest.length, 'field')} more)` : ''
        return [
          {
            subject: name,
            summary: `What the source ${name} sends has changed: ${inOneLine(first.message)}${more}.`,
            advice:
              'See `headwater sources drift`, and `headwater dlq clusters` for what is rejected already. Where the provider has changed its ' +
              'format, correct the preset, and try it with `headwater schema try`. Where all is well as it is now: ' +
              '`headwater sources drift NAME --accept`.',
          },
        ]
      }),
  }
}

function notReady({ afterMs }: Settings<'notReady'>): Rule {
  return {
    name: 'not_ready',
    severity: 'critical',
    afterMs,
    overMs: 0,
    find({ unready, stuck }) {
      const why = [...unready, ...stuck.map((loop) => `${loop} does not turn`)]
      if (why.length === 0) return []
      return [
        {
          subject: 'process',
          summary: `The process can not work: ${inOneLine(why.join('; '))}`,
          advice:
            'See /health/ready and /health/live. Where the queue does not answer, look after the queue: the process goes on by itself. ' +
            'Where a loop does not turn, keep the log and restart the process.',
        },
      ]
    },
  }
}

/** What strangers wrote may be long, and must not look like lines of the message. */
function inOneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length > MAX_DETAIL ? `${line.slice(0, MAX_DETAIL)}…` : line
}

const percent = (share: number): string => `${Math.round(share * 100)} %`
