import { type Command, Option } from 'commander'
import { HeadwaterError } from '../errors.ts'
import { listen } from '../listeners.ts'
import { createProvider, SHAPES, type Shape } from '../sources/simulator/provider.ts'
import type { AddCommand, Globals } from './command.ts'
import { writeJson } from './output.ts'
import { example } from './up.ts'

interface SimulateOptions {
  readonly shape: Shape
  readonly port: string
  readonly count: string
  readonly products: string
  readonly pageSize: string
  readonly seed: string
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
    .option('--count <n>', 'how many reviews there are', '1000')
    .option('--products <n>', 'of how many products', '20')
    .option('--page-size <n>', 'reviews a page', '10')
    .option('--seed <n>', 'the same seed serves the same reviews', '1')
    .addHelpText('after', example('headwater simulate', 'headwater simulate --shape rainforest --port 9000'))
    .action(async (options: SimulateOptions, command: Command) => {
      const number = (name: keyof SimulateOptions, max: number): number => whole(options[name], name, max)
      const sequence = {
        seed: number('seed', 2 ** 32 - 1),
        rate: 1,
        products: number('products', 1_000_000) || 1,
      }
      const provider = createProvider({
        shape: options.shape,
        sequence: { ...sequence, duplicates: 0.05, edits: 0.02, invalid: 0 },
        startedAt: Date.UTC(2026, 0, 1),
        count: number('count', 1_000_000),
        pageSize: number('pageSize', 10_000) || 1,
      })
      const url = await listen(provider, { host: '127.0.0.1', port: number('port', 65_535) }, '--port')
      if (command.optsWithGlobals<Globals>().json) await writeJson(io, { event: 'started', url })
      else
        io.stdout.write(
          `${url}/products  ${url}${options.shape === 'rainforest' ? '/request?asin=…' : '/reviews?product=…'}&page=1\n`,
        )
      await new Promise<void>((resolve) =>
        io.signal.addEventListener('abort', () => resolve(), { once: true }),
      )
      await provider.close()
    })
}

function whole(text: string, name: string, max: number): number {
  if (/^\d+$/.test(text) && Number(text) <= max) return Number(text)
  const option = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  throw new HeadwaterError('USAGE', `--${option}: expected a whole number up to ${max}, found "${text}"`)
}
