import { type Command, Option } from 'commander'
import { HeadwaterError } from '../errors.ts'
import { listen } from '../listeners.ts'
import { createProvider } from '../sources/simulator/provider.ts'
import { SHAPES, type ShapeName, shapes } from '../sources/simulator/shapes/index.ts'
import type { AddCommand, Globals } from './command.ts'
import { writeJson } from './output.ts'
import { example } from './up.ts'

interface SimulateOptions {
  readonly shape: ShapeName
  readonly port: string
  readonly count?: string
  readonly products: string
  readonly pageSize: string
  readonly seed: string
  readonly hostile?: boolean
  readonly malice: string
  readonly pace: string
  readonly kindAfter?: string
  readonly requestsAtOnce: string
}

/** The simulator as a server, to develop pollers against. */
export const addSimulate: AddCommand = (program, io) => {
  program
    .command('simulate')
    .description('serve simulated reviews over HTTP on loopback, as a provider would')
    .addOption(
      new Option('--shape <provider>', 'in whose words it answers').choices(SHAPES).default('canonical'),
    )
    .option('--port <n>', 'where to listen; 0 takes any free port', '8090')
    .option('--count <n>', 'how many reviews there are: 1000, or 5000 with --hostile')
    .option('--products <n>', 'of how many products', '20')
    .option('--page-size <n>', 'reviews a page', '10')
    .option('--seed <n>', 'the same seed serves the same reviews', '1')
    .option('--hostile', 'be everything that a provider can be on a bad day, and count what the poller does')
    .option('--malice <share>', 'with --hostile: which part of the requests is treated badly', '0.3')
    .option('--pace <factor>', 'with --hostile: 0.1 makes all its limits and waits ten times shorter', '1')
    .option('--kind-after <n>', 'with --hostile: turn kind after so many requests; else at POST /kind')
    .option('--requests-at-once <n>', 'with --hostile: how many the poller may have under way', '1')
    .addHelpText(
      'after',
      example(
        'headwater simulate',
        'headwater simulate --shape rainforest --port 9000',
        'headwater simulate --hostile --seed 7 --shape rainforest',
      ),
    )
    .action(async (options: SimulateOptions, command: Command) => {
      const port = whole(options, 'port', 65_535)
      const { path, query } = shapes[options.shape]
      await using provider = options.hostile ? await hostile(options) : plain(options)
      const url = await listen(provider, { host: '127.0.0.1', port }, '--port')
      if (command.optsWithGlobals<Globals>().json) await writeJson(io, { event: 'started', url })
      else io.stdout.write(`${url}/products  ${url}${path}?${query}…\n`)
      await new Promise<void>((resolve) =>
        io.signal.addEventListener('abort', () => resolve(), { once: true }),
      )
    })
}

function plain(options: SimulateOptions) {
  const provider = createProvider({
    shape: options.shape,
    sequence: {
      seed: whole(options, 'seed', LARGEST_SEED),
      rate: 1,
      products: whole(options, 'products', MOST) || 1,
      duplicates: 0.05,
      edits: 0.02,
      invalid: 0,
    },
    startedAt: Date.UTC(2026, 0, 1),
    count: whole({ count: '1000', ...options }, 'count', MOST),
    pageSize: whole(options, 'pageSize', LARGEST_PAGE) || 1,
  })
  return { listen: provider.listen.bind(provider), [Symbol.asyncDispose]: () => provider.close() }
}

async function hostile(options: SimulateOptions) {
  const { createHostileProvider } = await import('../sources/simulator/hostile/provider.ts')
  const { kindAfter } = options
  return createHostileProvider({
    shape: options.shape,
    seed: whole(options, 'seed', LARGEST_SEED),
    products: whole(options, 'products', MOST) || 1,
    reviews: whole({ count: '5000', ...options }, 'count', MOST),
    pageSize: whole(options, 'pageSize', LARGEST_PAGE) || 1,
    malice: decimal(options, 'malice', 0, 1),
    pace: decimal(options, 'pace', 0.1, 100),
    requestsAtOnce: whole(options, 'requestsAtOnce', MOST) || 1,
    ...(kindAfter !== undefined && { kindAfter: whole(options, 'kindAfter', Number.MAX_SAFE_INTEGER) }),
  })
}

const LARGEST_SEED = 2 ** 32 - 1
const MOST = 1_000_000
const LARGEST_PAGE = 10_000

function whole(options: SimulateOptions, name: keyof SimulateOptions, max: number): number {
  const text = String(options[name])
  if (/^\d+$/.test(text) && Number(text) <= max) return Number(text)
  throw wrong(name, `a whole number up to ${max}`, text)
}

function decimal(options: SimulateOptions, name: keyof SimulateOptions, min: number, max: number): number {
  const text = String(options[name])
  const value = Number(text)
  if (/^\d*\.?\d+$/.test(text) && value >= min && value <= max) return value
  throw wrong(name, `a number from ${min} to ${max}`, text)
}

function wrong(name: string, expected: string, found: string): HeadwaterError {
  const option = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  return new HeadwaterError('USAGE', `--${option}: expected ${expected}, found "${found}"`)
}
