import { hash } from 'node:crypto'
import { resolve } from 'node:path'
import { Option } from 'commander'
import type { Environment } from '../app.ts'
import type { SourceConfig } from '../config/schema.ts'
import { HeadwaterError } from '../errors.ts'
import { formatCount } from '../lib/units.ts'
import { keepYoungGenerationSmall } from '../lib/young-generation.ts'
import type { PipelineOptions } from '../pipeline.ts'
import { beginImport, type ImportRuns } from '../services/import-runs.ts'
import type { Counts } from '../services/ledger.ts'
import type { Format } from '../sources/file/framing.ts'
import { sources } from '../sources/index.ts'
import { prefixed } from '../stores/prefixed.ts'
import { type AddCommand, environment, type Io } from './command.ts'
import { writeJson } from './output.ts'
import { run, type Summary } from './run.ts'
import { conclude, example } from './up.ts'

interface ImportOptions {
  readonly preset: string
  readonly source: string
  readonly format?: string
}

/** Every format that a file source takes. */
export function formatOption(): Option {
  const formats: readonly Format[] = ['json', 'ndjson', 'csv', 'tsv']
  return new Option('--format <format>', 'what the file holds, where its name does not tell').choices(formats)
}

/** Files, and no other source, through the whole pipeline until everything is stored. */
export const addImport: AddCommand = (program, io) => {
  program
    .command('import')
    .description(
      'put files through the whole pipeline, until all is stored; doing it again goes on where it was cut off',
    )
    .argument('<file...>', 'JSON, NDJSON, CSV or TSV files, also compressed; - is the standard input')
    .option(
      '--preset <name>',
      'how responses become reviews: a preset, or the path of one in YAML',
      'canonical',
    )
    .option('--source <name>', 'who the reviews are from', 'import')
    .addOption(formatOption())
    .addHelpText(
      'after',
      example(
        'headwater import reviews.ndjson.gz',
        'headwater import page-*.json --preset rainforest --source rainforest-us',
        'ssh shop cat reviews.csv.gz | headwater import - --format csv',
      ),
    )
    .action(async (files: string[], options: ImportOptions, command) => {
      keepYoungGenerationSmall()
      const env = await environment(command, io)
      const source = await fileSource(files, options)
      const checkpointsIn = `import/${idOf(files, options)}/`
      let runs: ImportRuns | undefined
      const prepare: PipelineOptions['prepare'] = async ({ registry, run: number }) => {
        if (files.includes('-')) return // it is read from its beginning, each time
        runs = await beginImport(prefixed(registry, checkpointsIn), registry, number)
        if (runs.isResumed && !env.json) io.stdout.write('Going on with an import that was cut off.\n')
      }
      await run({ ...env, config: { ...env.config, sources: [source] } }, io, {
        pipeline: { ingestion: true, storage: true, listen: false, remember: false, checkpointsIn, prepare },
        untilDrained: true,
        tell: !env.json,
        async ended(pipeline, summary) {
          const earlier = runs?.isResumed ? await runs.earlier() : undefined
          const isWhole = pipeline.failures.length === 0 && summary.received === settled(summary)
          if (isWhole && !io.signal.aborted) await runs?.finish()
          await tell(summary, earlier, env, io)
        },
      })
    })
}

async function fileSource(
  files: readonly string[],
  { preset, source, format }: ImportOptions,
): Promise<SourceConfig> {
  if (files.length > 1 && files.includes('-')) {
    throw new HeadwaterError('USAGE', '-: the standard input is imported alone, by a command of its own')
  }
  const { config } = (await sources.file()).default
  const { sourceFields } = await import('../config/schema.ts')
  const name = sourceFields.shape.name.safeParse(source)
  if (!name.success) {
    const said = name.error.issues.map(({ message }) => message).join(', ')
    throw new HeadwaterError('USAGE', `--source: ${said}, found "${source}"`)
  }
  return {
    ...sourceFields.parse({ name: source, type: 'file', preset }),
    origin: source,
    type: 'file',
    settings: config.parse({ files, ...(format !== undefined && { format }) }),
  }
}

/** The same arguments are the same import. */
function idOf(files: readonly string[], { preset, source, format = '' }: ImportOptions): string {
  const paths = files.map((file) => resolve(file)).toSorted()
  return hash('sha256', JSON.stringify([source, preset, format, paths]), 'hex').slice(0, 16)
}

const settled = ({
  stored,
  unchanged,
  rejected,
}: Pick<Summary, 'stored' | 'unchanged' | 'rejected'>): number => stored + unchanged + rejected

async function tell(
  summary: Summary,
  earlier: Counts | undefined,
  { json }: Environment & { json: boolean },
  io: Io,
) {
  const total = earlier && {
    received: summary.received + settled(earlier),
    stored: summary.stored + earlier.stored,
    unchanged: summary.unchanged + earlier.unchanged,
    rejected: summary.rejected + earlier.rejected,
  }
  if (json) return writeJson(io, total ? { ...summary, earlier, total } : summary)
  await conclude(summary, false, io)
  if (!total) return
  const { received, stored, unchanged, rejected } = total
  io.stdout.write(
    `with what earlier runs did: received ${formatCount(received)}: ${formatCount(stored)} stored, ` +
      `${formatCount(unchanged)} unchanged, ${formatCount(rejected, 'dead letter')}\n`,
  )
}
