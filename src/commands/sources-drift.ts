import type { Environment } from '../app.ts'
import { type KeptDrift, readDrift, writeDrift } from '../drift-state.ts'
import { HeadwaterError } from '../errors.ts'
import { formatCount } from '../lib/units.ts'
import type { Registry } from '../stores/registry.ts'
import { KINDS } from '../telemetry/drift/fields.ts'
import { accepted, type DriftState } from '../telemetry/drift/observer.ts'
import { type Field, fieldIn, filledShare, kindShare, type Profile } from '../telemetry/drift/profile.ts'
import { percent, sentenceOf } from '../telemetry/drift/words.ts'
import type { Io } from './command.ts'
import { makeChange } from './noted.ts'
import { openRegistry } from './open.ts'
import { excerpt, table, write, writeJson } from './output.ts'

/** What each source sends, field by field, and what of it has drifted. With `accept` that becomes what is usual. */
export async function tellDrift(
  name: string | undefined,
  { accept = false }: { readonly accept?: boolean },
  env: Environment & { readonly json: boolean },
  io: Io,
): Promise<void> {
  const names = env.config.sources.map((source) => source.name).filter((one) => (name ?? one) === one)
  if (names.length === 0) {
    const known = env.config.sources.map((source) => source.name).join(', ') || 'none'
    throw new HeadwaterError(
      'USAGE',
      `expected a source of the config (${known})${name === undefined ? '' : `, found "${name}"`}`,
    )
  }
  if (accept && name === undefined)
    throw new HeadwaterError('USAGE', '--accept: expected the name of one source')
  await using registry = await openRegistry(env)
  for (const source of names) {
    const kept = accept
      ? await acceptDrift(source, registry, io)
      : await readDrift(registry, source, io.signal)
    if (env.json) await writeJson(io, documentOf(source, kept?.state))
    else await write(io, kept ? textOf(source, kept.state) : `${excerpt(source, 40)}: nothing is known yet\n`)
  }
}

/** The process that watches the source sees it within seconds. */
async function acceptDrift(
  source: string,
  registry: Registry,
  { signal }: Io,
): Promise<KeptDrift | undefined> {
  for (;;) {
    const kept = await readDrift(registry, source, signal)
    if (kept === undefined || kept.state.drifts.length === 0) return kept
    const next = { ...kept, state: accepted(kept.state, Date.now()) }
    const details = { accepted: kept.state.drifts.map(({ kind, field }) => ({ kind, field })) }
    const change = { what: 'accept drift', about: `source ${source}`, details }
    const isWritten = await makeChange(
      registry,
      change,
      () => writeDrift(registry, source, next, signal),
      (isWritten) => (isWritten ? undefined : { failed: 'CONFLICT' }),
    )
    if (isWritten) return next
  }
}

function textOf(source: string, state: DriftState): string {
  const { at, known, day, drifts, isMore } = state
  const time = new Date(at).toISOString().slice(0, 16).replace('T', ' ')
  const head = `${excerpt(source, 40)}, ${time} UTC: ${formatCount(known.samples, 'item')} looked at to learn what is usual, ${formatCount(day.samples)} in the last day\n`
  const news = drifts.map((drift) => `  ${excerpt(sentenceOf(drift, drift.since), 400)}\n`)
  const rows = pointersOf(state).map((pointer) => {
    const drift = drifts.find(({ field }) => field === pointer)
    return [
      excerpt(pointer, 60),
      kindsIn(fieldIn(known, pointer)),
      missingIn(fieldIn(known, pointer)),
      kindsIn(fieldIn(day, pointer)),
      missingIn(fieldIn(day, pointer)),
      timeOf(state.firstSeen[pointer]),
      drift?.kind ?? '',
    ]
  })
  const more = isMore ? 'there are more fields; only the first 300 are watched\n' : ''
  return `${head}${news.join('')}\n${table([HEAD, ...rows])}${more}\n`
}

const HEAD = ['field', 'usual', 'missing or null', 'last day', 'missing or null', 'first seen', 'drift']

function kindsIn(field: Field): string {
  const found = KINDS.filter((kind) => kind !== 'null' && kindShare(field, kind) > 0)
  if (found.length <= 1) return found[0] ?? '-'
  return found.map((kind) => `${kind} ${percent(kindShare(field, kind))}`).join(', ')
}

const missingIn = (field: Field): string => (field.of === 0 ? '-' : percent(1 - filledShare(field)))

const timeOf = (at: number | undefined): string =>
  at === undefined ? '-' : new Date(at).toISOString().slice(0, 16).replace('T', ' ')

const pointersOf = ({ known, day }: DriftState): readonly string[] =>
  [...new Set([...Object.keys(known.fields), ...Object.keys(day.fields)])].toSorted()

function documentOf(source: string, state: DriftState | undefined) {
  if (state === undefined) return { source, items: 0, drifted: [], fields: [] }
  const { at, known, hour, day, drifts, firstSeen, isMore } = state
  return {
    source,
    at: new Date(at).toISOString(),
    items: known.samples,
    drifted: drifts.map((drift) => ({
      kind: drift.kind,
      field: drift.field,
      since: new Date(drift.since).toISOString(),
      message: sentenceOf(drift, drift.since),
    })),
    fields: pointersOf(state).map((pointer) => ({
      field: pointer,
      firstSeen: firstSeen[pointer] === undefined ? undefined : new Date(firstSeen[pointer]).toISOString(),
      usual: sharesIn(known, pointer),
      hour: sharesIn(hour, pointer),
      day: sharesIn(day, pointer),
    })),
    isMore,
  }
}

/** Shares of 1: of what was there, by type; and of all, what was missing or null. */
function sharesIn(profile: Profile, pointer: string) {
  const field = fieldIn(profile, pointer)
  const found = KINDS.filter((kind) => kind !== 'null' && kindShare(field, kind) > 0)
  return {
    types: Object.fromEntries(found.map((kind) => [kind, rounded(kindShare(field, kind))])),
    missing: field.of === 0 ? undefined : rounded(1 - filledShare(field)),
  }
}

const rounded = (share: number): number => Math.round(share * 10_000) / 10_000
