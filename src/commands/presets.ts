import { type Command, Option } from 'commander'
import { Document, visit } from 'yaml'
import { formatCount } from '../lib/units.ts'
import { loadPreset, presets } from '../presets/index.ts'
import type { Preset } from '../presets/preset.ts'
import { compileRules, type RuleOptions } from '../presets/rules.ts'
import { createSplit } from '../presets/split.ts'
import { candidateOf, judge, type Rules } from '../review/interpret.ts'
import type { Received } from '../review/received.ts'
import type { ReviewRecord } from '../review/record.ts'
import { sources } from '../sources/index.ts'
import type { SourceContext } from '../sources/source.ts'
import type { Registry } from '../stores/registry.ts'
import type { AddCommand, Globals, Io } from './command.ts'
import { formatOption } from './import.ts'
import { excerpt, table, write, writeJson } from './output.ts'
import { example } from './up.ts'

interface TryOptions extends RuleOptions {
  readonly format?: string
}

/** Shows presets, and what they make of a captured response. */
export const addPresets: AddCommand = (program, io) => {
  const family = program
    .command('presets')
    .description("how providers' responses become reviews: show presets, and try them")

  family
    .command('list')
    .description('list the presets that come along')
    .addHelpText('after', example('headwater presets list'))
    .action(async (_, command: Command) => list(isJson(command), io))

  family
    .command('show')
    .description('show a preset as YAML, to read or to start your own from')
    .argument('<preset>', 'its name, or the path of one in YAML')
    .addHelpText('after', example('headwater presets show rainforest > mine.yaml'))
    .action(async (name: string, _, command: Command) => {
      const preset = await loadPreset(name)
      await (isJson(command) ? writeJson(io, preset) : write(io, yamlOf(preset)))
    })

  family
    .command('try')
    .description('show what a preset makes of a captured response; nothing is stored')
    .argument('<preset>', 'its name, or the path of one in YAML')
    .argument('<file>', 'a JSON, NDJSON, CSV or TSV file, also compressed')
    .addOption(formatOption())
    .addOption(orDerive('--missing-review-id <what>', 'reviews without an id of their own'))
    .addOption(orDerive('--missing-user-id <what>', 'reviews without a user id'))
    .addHelpText(
      'after',
      example(
        'headwater presets try rainforest page-1.json',
        'headwater presets try ./mine.yaml reviews.csv',
      ),
    )
    .action(async (name: string, file: string, options: TryOptions, command: Command) => {
      const preset = await loadPreset(name)
      const rules = compileRules(preset, options)
      const items = readItems(file, preset, options, io.signal)
      await (isJson(command) ? printVerdicts(items, rules, io) : printTable(items, rules, io))
    })
}

const isJson = (command: Command): boolean => command.optsWithGlobals<Globals>().json === true

const orDerive = (flags: string, which: string): Option =>
  new Option(flags, `what becomes of ${which}`).choices(['reject', 'derive']).default('reject')

async function list(json: boolean, io: Io): Promise<void> {
  const all = await Promise.all(Object.keys(presets).map(loadPreset))
  const shown = all.map(({ name, version, coverage, about = '' }) => ({ name, version, coverage, about }))
  if (json) for (const preset of shown) await writeJson(io, preset)
  else {
    const rows = shown.map((preset) => Object.values(preset).map(String))
    await write(io, table([['name', 'version', 'coverage', 'about'], ...rows]))
  }
}

/** As a person writes it: one place is no list, and a field takes one line. */
function yamlOf(preset: Preset): string {
  const written = (key: unknown, value: unknown): unknown =>
    ['from', 'when', 'message'].includes(String(key)) && Array.isArray(value) && value.length === 1
      ? value[0]
      : value
  const document = new Document(preset, written)
  visit(document, {
    Collection(_, node, path) {
      if (path.length > 3) node.flow = true
    },
  })
  return document.toString({ lineWidth: 110 })
}

/** What an import of the file would receive, read by the same source. */
async function* readItems(
  file: string,
  preset: Preset,
  { format }: TryOptions,
  signal: AbortSignal,
): AsyncGenerator<Received> {
  const adapter = (await sources.file()).default
  const settings = adapter.config.parse({ files: [file], ...(format !== undefined && { format }) })
  const about = { name: 'try', origin: 'try', run: 'try', clock: Date.now, registry: FORGETFUL }
  // The file source looks at nothing else: it needs no folder and no listener.
  const context = { ...about, split: createSplit(preset) } as Partial<SourceContext> as SourceContext
  await using source = await adapter.open(settings, context)
  for await (const { items } of source.read({ signal })) yield* items
  signal.throwIfAborted()
}

/** Knows of no checkpoint, so that a file is always read from its beginning; nothing is acknowledged. */
const FORGETFUL: Registry = {
  get: async () => undefined,
  compareAndSet: async () => true,
  async *list() {},
  remove: async () => true,
  [Symbol.asyncDispose]: async () => {},
}

async function printVerdicts(items: AsyncIterable<Received>, rules: Rules, io: Io): Promise<void> {
  let n = 0
  for await (const received of items) {
    const { verdict } = judge(received, rules)
    await writeJson(io, { n: ++n, position: received.context.position, verdict })
  }
}

const HEADER = ['n', 'verdict', 'review', 'product', 'rating', 'date', 'text, or what is wrong']
/** So many rows are laid out together: a file may be larger than memory. */
const ROWS_TOGETHER = 500

async function printTable(items: AsyncIterable<Received>, rules: Rules, io: Io): Promise<void> {
  const counts = new Map<string, number>()
  let rows = [HEADER]
  let n = 0
  for await (const received of items) {
    const record = judge(received, rules)
    const reason = record.verdict.status === 'rejected' ? record.verdict.code : record.verdict.status
    counts.set(reason, (counts.get(reason) ?? 0) + 1)
    rows.push([String(++n), ...cellsOf(record, rules)])
    if (rows.length < ROWS_TOGETHER) continue
    await write(io, table(rows))
    rows = []
  }
  if (n === 0) await write(io, 'no reviews, and nothing that is wrong\n')
  else {
    const totals = [...counts].toSorted(([, a], [, b]) => b - a)
    const lines = [['in all', n] as const, ...totals].map(([what, count]) => [what, formatCount(count)])
    await write(io, `${table(rows)}\n${table(lines)}`)
  }
}

function cellsOf(record: ReviewRecord, rules: Rules): string[] {
  const { verdict } = record
  const isAccepted = verdict.status === 'accepted'
  const fields = isAccepted ? verdict.review : (candidateOf(record, rules) ?? {})
  const { review_id, product_id, rating, review_timestamp, review_text } = fields
  return [
    verdict.status,
    cell(review_id, 24),
    cell(product_id, 16),
    cell(rating, 20),
    cell(review_timestamp, 24).replace('T00:00:00.000Z', ''),
    verdict.status !== 'rejected'
      ? cell(review_text, 60)
      : excerpt(`${verdict.code}: ${verdict.errors.map(({ message }) => message).join('; ')}`, 120),
  ]
}

/** At most so many characters of a value; nothing where it is missing, and of lists and objects only what they are. */
function cell(value: unknown, length: number): string {
  if (value === undefined) return ''
  if (typeof value === 'object') return Array.isArray(value) ? '[…]' : '{…}'
  return excerpt(typeof value === 'string' ? value : JSON.stringify(value), length)
}
