import { formatCount, formatDuration } from '../lib/units.ts'
import type { Environment } from '../app.ts'
import type { Pipeline } from '../pipeline.ts'
import type { Config as WebhookConfig, Verify } from '../sources/webhook/config.ts'
import { type AddCommand, environment, type Io } from './command.ts'
import { writeJson } from './output.ts'
import { run, type Summary } from './run.ts'

/** Everything in one process. */
export const addUp: AddCommand = (program, io) => {
  program
    .command('up')
    .description('run everything in one process: sources, queue and store')
    .option('--until-drained', 'end when the sources that end have ended and all is stored')
    .addHelpText(
      'after',
      example('headwater up', 'headwater up -c headwater.yaml', 'headwater up --until-drained --json'),
    )
    .action(async (options: { untilDrained?: boolean }, command) => {
      const env = await environment(command, io)
      await run(env, io, {
        pipeline: { ingestion: true, storage: true, listen: true, remember: true },
        untilDrained: options.untilDrained === true,
        tell: !env.json,
        started: (pipeline) => announce(pipeline, env, io, options.untilDrained === true),
        ended: (_, summary) => conclude(summary, env.json, io),
      })
    })
}

/** Only the sources: reviews go to the queue. */
export const addIngest: AddCommand = (program, io) => {
  program
    .command('ingest')
    .description('run the ingestion service alone: sources to queue')
    .addHelpText('after', example('headwater ingest -c headwater.yaml'))
    .action(async (_, command) => {
      const env = await environment(command, io)
      await run(env, io, {
        pipeline: { ingestion: true, storage: false, listen: true, remember: true },
        untilDrained: false,
        tell: !env.json,
        started: (pipeline) => announce(pipeline, env, io, false),
      })
    })
}

/** Only the store: what is in the queue is written. */
export const addStore: AddCommand = (program, io) => {
  program
    .command('store')
    .description('run the storage service alone: queue to store')
    .addHelpText('after', example('headwater store -c headwater.yaml'))
    .action(async (_, command) => {
      const env = await environment(command, io)
      await run(env, io, {
        pipeline: { ingestion: false, storage: true, listen: true, remember: false },
        untilDrained: false,
        tell: !env.json,
        started: (pipeline) => announce(pipeline, env, io, false),
      })
    })
}

/** Only the console: what is stored, how it goes, and what operators do about it. */
export const addConsole: AddCommand = (program, io) => {
  program
    .command('console')
    .description('run the console alone: the page and the API for operators, on admin.listen')
    .addHelpText('after', example('headwater console -c headwater.yaml'))
    .action(async (_, command) => {
      const env = await environment(command, io)
      await run(env, io, {
        pipeline: { ingestion: false, storage: false, listen: true, remember: false },
        untilDrained: false,
        tell: false,
        started: (pipeline) => announce(pipeline, env, io, false),
      })
    })
}

export function example(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}\n`).join('')}`
}

/** Says what came of it: one document, or one sentence. */
export async function conclude(summary: Summary, json: boolean, io: Io): Promise<void> {
  if (json) return writeJson(io, summary)
  const { received, stored, unchanged, rejected, seconds } = summary
  io.stdout.write(
    `received ${formatCount(received)} in ${formatDuration(Math.round(seconds * 1000))}: ` +
      `${formatCount(stored)} stored, ${formatCount(unchanged)} unchanged, ${formatCount(rejected, 'dead letter')}\n`,
  )
}

async function announce(
  { addresses, run: number }: Pipeline,
  { config, json }: Environment & { json: boolean },
  io: Io,
  untilDrained: boolean,
): Promise<void> {
  const { http } = addresses
  const webhooks = http
    ? config.sources
        .filter(({ type, enabled }) => type === 'webhook' && enabled)
        .map(({ name, settings }) => {
          const { path = `/hooks/${name}`, verify = 'none' } = settings as WebhookConfig
          return { url: http + path, verify }
        })
    : []
  if (json) {
    const urls = webhooks.map(({ url }) => url)
    if (!untilDrained) await writeJson(io, { event: 'started', run: number, ...addresses, webhooks: urls })
    return
  }
  const [webhook] = webhooks
  io.stdout.write(
    [
      'Headwater is running. Stop it with Ctrl-C; nothing is lost.',
      ...webhooks.map(({ url }) => `  reviews in   ${url}`),
      `  console      ${addresses.admin}`,
      `  operators    ${addresses.admin}/health/ready  /health/sources  /metrics`,
      `  data         ${config.dataDir}`,
      ...(webhook ? ['', ...invitationOf(webhook)] : []),
      '',
      '',
    ].join('\n'),
  )
}

interface Webhook {
  readonly url: string
  readonly verify: Verify
}

/** How a person sends a review, with a secret that is theirs to put in. A signature can't be typed. */
function invitationOf({ url, verify }: Webhook): readonly string[] {
  if (verify === 'none') return curlTo(url)
  switch (verify.scheme) {
    case 'shared-secret':
      return curlTo(`${url} -H '${verify.header}: <secret>'`)
    case 'url-token':
      return curlTo(`'${url}?${verify.param}=<secret>'`)
    case 'standard-webhooks':
    case 'github':
    case 'shopify':
    case 'stripe':
    case 'judgeme':
    case 'hmac':
      return [`Reviews to ${url} must be signed (${verify.scheme}).`]
  }
}

function curlTo(where: string): readonly string[] {
  const review = {
    review_id: 'R1',
    product_id: 'B00123',
    user_id: 'U1',
    review_text: 'Great product, highly recommend!',
    rating: 5,
    review_timestamp: '2023-10-26T10:00:00Z',
  }
  const curl = `curl -sS ${where} -H 'content-type: application/json' -d '${JSON.stringify(review)}'`
  return ['Send a review of your own:', `  ${curl}`]
}
