import { formatCount } from '../lib/units.ts'
import type { Suggestion } from '../presets/suggest.ts'
import type { Repair } from '../review/repair.ts'
import type { Fault } from '../review/verdict.ts'
import type { Preview, Sample } from '../services/preview.ts'
import type { Io } from './command.ts'
import { excerpt, reasonLines, write, writeJson } from './output.ts'
import { optionsOf } from './steps.ts'

interface Suggested {
  readonly cluster: string
  readonly fault: Fault
  readonly suggestions: readonly Suggestion[]
}

/** Each suggestion with the command that shows what it would do. */
export async function tellSuggestions(
  { cluster, fault, suggestions }: Suggested,
  json: boolean,
  io: Io,
): Promise<void> {
  if (json) return writeJson(io, { cluster, fault, suggestions })
  await write(io, `${excerpt(fault.message, 200)}\n`)
  for (const { title, steps, mends, passes, of } of suggestions) {
    const also = passes < mends ? `, of which ${mends - passes} would still have another fault` : ''
    await write(
      io,
      `\n  ${excerpt(title, 200)}\n    mends ${mends} of the first ${of}${also}\n    headwater dlq repair ${cluster} ${typed(steps)}\n`,
    )
  }
  if (suggestions.length > 0) return
  const about =
    fault.keyword === 'required' && /^\/(?:user|review)_id$/.test(fault.pointer)
      ? `; \`missing${fault.pointer.replace('/', '_')}: derive\` makes the source derive one`
      : ''
  await write(
    io,
    `\nno suggestion: nothing that was received mends it by itself${about}. \`--set\`, \`--copy\` and the others take steps of your own\n`,
  )
}

/** One live line on a terminal. */
export function tellProgress({ looked, pass }: Pick<Preview, 'looked' | 'pass'>, { stderr }: Io): void {
  if (stderr.isTTY)
    stderr.write(`\r${formatCount(looked)} looked at, ${formatCount(pass)} would pass\u001b[K`)
}

interface Previewed extends Preview {
  readonly cluster: string
  readonly repair: Repair
  /** It is a rule of the sources now. */
  readonly kept: boolean
}

/** What would become of the letters, and what to do next. */
export async function tellPreview(
  previewed: Previewed,
  { json, keep }: { readonly json: boolean; readonly keep: boolean },
  io: Io,
): Promise<void> {
  if (json) return writeJson(io, previewed)
  const { looked, pass, fail, isMore, reasons, samples, kept, cluster, repair, sources } = previewed
  if (io.stderr.isTTY) io.stderr.write('\r\u001b[K')
  const more = isMore ? '; there are more' : ''
  const lines = [
    `${formatCount(looked, 'letter')} looked at: ${formatCount(pass)} would pass, ${formatCount(fail)} would not${more}`,
    ...reasonLines(reasons),
    ...samples.flatMap(linesOf),
    '',
  ]
  const options = typed(repair.steps)
  const names = excerpt(sources.join(', '), 200)
  if (pass === 0) lines.push(keep ? 'nothing would pass: the repair is not kept' : 'nothing would pass')
  else if (kept) {
    lines.push(`kept as ${repair.id}: what arrives from ${names} is mended from now on, within seconds`)
    lines.push(`to mend these letters:  headwater dlq redrive --cluster ${cluster}`)
  } else {
    lines.push(`to mend these letters:  headwater dlq redrive --cluster ${cluster} ${options}`)
    lines.push(`to mend what arrives:   headwater dlq repair ${cluster} ${options} --keep`)
  }
  await write(io, `${lines.join('\n')}\n`)
}

/** What a sample would change, field by field; of one that would not pass, the faults that are left. */
function linesOf({ key, before, after, errors }: Sample): string[] {
  if (after === undefined)
    return ['', `  ${key}  ✗`, ...(errors ?? []).map(({ message }) => `    ${excerpt(message, 100)}`)]
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  const changed = fields.filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]))
  return [
    '',
    `  ${key}  ✓`,
    ...changed.map((field) => `    ${field}: ${shown(before[field])} → ${shown(after[field])}`),
  ]
}

const shown = (value: unknown): string =>
  value === undefined ? '(nothing)' : excerpt(JSON.stringify(value), 60)

const typed = (steps: Repair['steps']): string => optionsOf(steps) ?? '--steps FILE'
