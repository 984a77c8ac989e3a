import { type Command, Option } from 'commander'
import type { Environment } from '../app.ts'
import { HeadwaterError } from '../errors.ts'
import { formatCount, formatDuration } from '../lib/units.ts'
import type { Queue } from '../queues/queue.ts'
import { type AddCommand, environment } from './command.ts'
import { openQueue } from './open.ts'
import { excerpt, table, write, writeJson } from './output.ts'
import { example } from './up.ts'

interface TopicOption {
  readonly topic: string
}

/** The readers of the queues, and what waits for each. */
export const addGroups: AddCommand = (program, io) => {
  const groups = program.command('groups').description('the readers of the queues, and what waits for each')

  groups
    .command('list')
    .description('list the groups of both queues with their backlog')
    .addHelpText('after', example('headwater groups list', 'headwater groups list --json'))
    .action(async (_, command: Command) => {
      const env = await environment(command, io)
      const rows: string[][] = [
        ['topic', 'group', 'backlog', 'behind', 'keeps what it has not read', 'readers'],
      ]
      for (const topic of Object.values(env.config.queue.topics)) {
        await using queue = await openQueue(env, topic)
        for (const state of await known(queue, 'groups', env)()) {
          const { group, backlog, behindMs, holds, readers } = state
          if (env.json) await writeJson(io, { topic, ...state })
          else
            rows.push([
              excerpt(topic, 40),
              excerpt(group, 40),
              backlog === undefined ? '-' : formatCount(backlog),
              behindMs === undefined ? '-' : formatDuration(behindMs),
              holds ? 'yes' : 'no',
              readers === undefined ? '-' : String(readers),
            ])
        }
      }
      if (!env.json) await write(io, table(rows))
    })

  groups
    .command('add')
    .description(
      'make a group that begins at the oldest kept message; reading under a new name makes one, too',
    )
    .argument('<group>', 'its name')
    .addOption(topicOption())
    .option('--hold', 'keep what it has not read from being deleted, and rather stop intake')
    .addHelpText('after', example('headwater groups add lake --hold'))
    .action(
      async (group: string, { topic, hold = false }: TopicOption & { hold?: boolean }, command: Command) => {
        const env = await environment(command, io)
        await using queue = await openQueue(env, topicOf(topic, env))
        await known(queue, 'addGroup', env)(group, { hold, signal: io.signal })
        if (env.json) await writeJson(io, { topic: topicOf(topic, env), group, holds: hold })
        else await write(io, `the group ${excerpt(group, 200)} is there\n`)
      },
    )

  groups
    .command('remove')
    .description('forget a group, and what was published to it alone')
    .argument('<group>', 'its name')
    .addOption(topicOption())
    .addHelpText('after', example('headwater groups remove lake'))
    .action(async (group: string, { topic }: TopicOption, command: Command) => {
      const env = await environment(command, io)
      await using queue = await openQueue(env, topicOf(topic, env))
      const removed = await known(queue, 'removeGroup', env)(group, { signal: io.signal })
      if (!removed) {
        throw new HeadwaterError(
          'NOT_FOUND',
          `there is no group ${group}: \`headwater groups list\` shows what there is`,
        )
      }
      if (env.json) await writeJson(io, { topic: topicOf(topic, env), group, removed })
      else await write(io, `the group ${excerpt(group, 200)} is forgotten\n`)
    })
}

function topicOption(): Option {
  return new Option('--topic <topic>', 'of which queue')
    .choices(['raw-reviews', 'dead-letter-queue'])
    .default('raw-reviews')
}

/** The topic as the config names it. */
function topicOf(topic: string, { config }: Environment): string {
  const { reviews, deadLetters } = config.queue.topics
  return topic === 'raw-reviews' ? reviews : deadLetters
}

/** What only some brokers can tell or do. */
function known<Method extends 'groups' | 'addGroup' | 'removeGroup'>(
  queue: Queue,
  method: Method,
  { config }: Environment,
): NonNullable<Queue[Method]> {
  const found = queue[method]
  if (found !== undefined) return found.bind(queue) as NonNullable<Queue[Method]>
  throw new HeadwaterError(
    'USAGE',
    `a queue of the type ${config.queue.type} has no such thing: use the tools of the broker`,
  )
}
