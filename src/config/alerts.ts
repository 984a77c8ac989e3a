import { z } from 'zod'
import { duration, secret } from '../lib/fields.ts'
import { writeDuration } from '../lib/units.ts'

/** A rule is a mapping of what can be set, or `false`. */
function rule<Fields extends z.ZodObject>(fields: Fields) {
  return z.union([z.literal(false), fields]).meta({ expected: 'false or a mapping' })
}

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

function between(leastMs: number, mostMs: number) {
  const expected = `expected from ${writeDuration(leastMs)} to ${writeDuration(mostMs)}`
  return duration().refine((ms) => ms >= leastMs && ms <= mostMs, expected)
}

const told = (what: string) => ({ description: `${what} \`false\` turns this alert off.` })

function after(fallback: string, description = 'For how long it must be so before it is told.') {
  return duration().prefault(fallback).meta({ description })
}

function share(fallback: number, description: string) {
  return z.number().min(0).max(1).default(fallback).meta({ description })
}

const silentSource = z.strictObject({
  afterMs: after('24h', 'For how long. Counted from the start of the process at the earliest.'),
})

const rejectShare = z.strictObject({
  above: share(0.1, 'The share up to which nobody is told.'),
  overMs: duration().prefault('15m').meta({ description: 'The time of which the share is taken.' }),
  afterMs: after('5m'),
})

const backlogAge = z.strictObject({
  aboveMs: duration().prefault('10m').meta({ description: 'How long the oldest message may wait.' }),
  afterMs: after('5m'),
})

const diskSpace = z.strictObject({
  below: share(0.1, 'The share of the disk that is to stay free.'),
  afterMs: after('5m'),
})

const deadLetterSpace = z.strictObject({
  above: share(0.8, 'The share of `dead_letters.max_bytes` that they may take.'),
  afterMs: after('5m'),
})

const rules = z.strictObject({
  silentSource: rule(silentSource).prefault({}).meta(told('A source hands over nothing.')),
  rejectShare: rule(rejectShare)
    .prefault({})
    .meta(told('Too large a share of what a source hands over becomes dead letters.')),
  backlogAge: rule(backlogAge).prefault({}).meta(told('What is in the queue is not stored.')),
  diskSpace: rule(diskSpace).prefault({}).meta(told('The disk of the data folder fills.')),
  deadLetterSpace: rule(deadLetterSpace).prefault({}).meta(told('Dead letters come near their limit.')),
  sourceFailing: rule(z.strictObject({ afterMs: after('5m') }))
    .prefault({})
    .meta(told('A source fails.')),
  driftedFields: rule(z.strictObject({ afterMs: after('10m') }))
    .prefault({})
    .meta(told('A field that a source sends is gone, often missing, or of another type than it was.')),
  notReady: rule(z.strictObject({ afterMs: after('2m') }))
    .prefault({})
    .meta(told('The process can not accept work, or one of its loops does not turn.')),
})

/** The section `alerts:`. */
export const alertsFields = z.strictObject({
  notify: z
    .array(
      z.strictObject({
        type: z
          .enum(['webhook', 'slack'])
          .meta({ description: 'The form of the message: a JSON document, or one for Slack.' }),
        url: secret()
          .refine(isPostable, 'expected a URL of http or https, without a user in it')
          .meta({ description: 'Where messages are posted to.' }),
      }),
    )
    .default([])
    .meta({ description: 'Who is told when an alert fires, and when it ends.' }),
  everyMs: between(100, HOUR_MS).prefault('15s').meta({ description: 'How often the rules are evaluated.' }),
  pauseMs: duration()
    .prefault('1m')
    .meta({ description: 'The least time between two messages to one receiver.' }),
  repeatMs: between(MINUTE_MS, 8_760 * HOUR_MS)
    .prefault('4h')
    .meta({ description: 'What still fires is told again after so long.' }),
  rules: rules.prefault({}),
})

function isPostable(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
}
