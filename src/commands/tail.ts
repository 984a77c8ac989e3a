import { Argument, type Command } from 'commander'
import { type AddCommand, environment, parseCount } from './command.ts'
import { openQueue } from './open.ts'
import { lineFor, write } from './output.ts'
import { example } from './up.ts'

/** Reads a queue as NDJSON. */
export const addTail: AddCommand = (program, io) => {
  program
    .command('tail')
    .description('read a queue as NDJSON: everything that is kept, then what comes')
    .addArgument(new Argument('[topic]', 'which queue').default('raw-reviews'))
    .option('--group <name>', 'go on where this group left off; without a group nothing is left behind')
    .option('--limit <n>', 'end after so many events')
    .addHelpText(
      'after',
      example(
        'headwater tail',
        'headwater tail dead-letter-queue --group triage',
        'headwater tail --limit 10 | jq .data.review',
      ),
    )
    .action(async (topic: string, { group, limit }: { group?: string; limit?: string }, command: Command) => {
      let left = limit === undefined ? Number.POSITIVE_INFINITY : parseCount(limit, '--limit')
      const env = await environment(command, io)
      const { reviews, deadLetters } = env.config.queue.topics
      const name = { 'raw-reviews': reviews, 'dead-letter-queue': deadLetters }[topic] ?? topic
      if (name !== reviews && name !== deadLetters)
        io.stderr.write(
          `${topic} is none of ${reviews} and ${deadLetters}; waiting for what is published to it\n`,
        )
      await using queue = await openQueue(env, name)
      const maxItems = Math.min(left, 500)
      const reading = queue.read({ signal: io.signal, maxItems, ...(group !== undefined && { group }) })
      for await (const batch of reading) {
        for (const { body } of batch.items.slice(0, left)) {
          await write(io, lineFor(body, io))
        }
        // What was written is committed; a batch that was cut short comes again.
        if (batch.items.length <= left) await batch.ack()
        left -= batch.items.length
        if (left <= 0) return
      }
    })
}
