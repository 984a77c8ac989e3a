import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { startProgram } from '../support/cli.ts'
import { json, lines, type Row, rows, writeConfig } from '../support/pipeline.ts'
import { pythonPackages } from '../support/python.ts'
import { review } from '../support/reviews.ts'
import { kafkaConsole, kafkaServer } from '../support/servers/kafka.ts'
import { rabbitmqServer } from '../support/servers/rabbitmq.ts'
import { temporaryFolder } from '../support/temp.ts'
import { ownTopics } from '../support/topics.ts'

const LIMIT_MS = 300_000
const execute = promisify(execFile)
const consumers = join(import.meta.dirname, '../../examples/consumers')

/** Reviews whose bytes a JSON parser would not give back. */
const EXACT = [
  review('R1', { helpful_votes: 3 }).replace('3}', '3.0}'),
  `{ "review_id" : "R2", ${review('R2').slice(1)}`,
  review('R3', { review_text: 'żółć 🧭 ' + '\u2028' }),
  review('R4').replace('4', '4.00'),
]

/** A folder whose queue has these reviews; what is stored are their exact bytes. */
async function openShop(queue: object, groups: readonly string[]) {
  const folder = await temporaryFolder()
  await writeConfig(folder.path, '', 0, { queue })
  await json(['provision'], folder.path)
  for (const group of groups) await json(['groups', 'add', group], folder.path)
  await writeFile(join(folder.path, 'in.ndjson'), EXACT.join('\n'))
  await json(['import', 'in.ndjson'], folder.path)
  return folder
}

/** Runs a consumer in Python until it has them all, and looks whether the bytes are those that came. */
async function consumed(folder: string, packages: string, args: readonly string[]): Promise<void> {
  const raw = join(folder, 'raw')
  await mkdir(raw)
  const program = [...args, '--raw', raw, '--limit', String(EXACT.length)]
  await using consumer = startProgram('python3', program, { env: { PYTHONPATH: packages } })
  const { code, stdout, stderr } = await consumer.exited
  assert.equal(code, 0, stderr)
  assert.equal(stdout.trim().split('\n').length, EXACT.length)
  const files = await readdir(raw)
  const taken = await Promise.all(files.map((file) => readFile(join(raw, file), 'utf8')))
  assert.deepEqual(taken.toSorted(), EXACT.toSorted())
  assert.deepEqual(files.toSorted(), (await rows(folder)).map(({ key }: Row) => key).toSorted())
}

test('events on Kafka are read by a consumer in Python, and by the console consumer of Kafka itself', {
  timeout: LIMIT_MS,
}, async (t) => {
  const server = await kafkaServer()
  if (server.skip !== false) return t.skip(server.skip)
  await using _ = server
  const python = await pythonPackages('confluent-kafka==2.16.1')
  if (python.skip !== false) return t.skip(python.skip)
  const { topics } = ownTopics()
  const queue = { type: 'kafka', brokers: [server.address], partitions: 3, replication: 1, topics }
  await using folder = await openShop(queue, [])
  const program = join(consumers, 'kafka_consumer.py')
  await consumed(folder.path, python.path, [program, server.address, topics.reviews, 'analytics'])

  const { command, args } = await kafkaConsole(server.address, topics.reviews)
  const { stdout } = await execute(command, args, { maxBuffer: 2 ** 24 })
  const tailed = await lines<object>(['tail', '--limit', String(EXACT.length)], folder.path)
  const printed = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object)
  const sorted = (events: readonly object[]) => events.map((event) => JSON.stringify(event)).toSorted()
  assert.deepEqual(sorted(printed), sorted(tailed))
})

test('events on RabbitMQ are read by a consumer in Python, from the queues of a group', {
  timeout: LIMIT_MS,
}, async (t) => {
  const server = await rabbitmqServer()
  if (server.skip !== false) return t.skip(server.skip)
  await using _ = server
  const python = await pythonPackages('pika==1.4.4')
  if (python.skip !== false) return t.skip(python.skip)
  const { topics } = ownTopics()
  const url = `amqp://${server.user}:${server.password}@${server.host}:${server.port}/${server.vhost}`
  await using folder = await openShop({ type: 'rabbitmq', url, topics }, ['analytics'])
  const program = join(consumers, 'rabbitmq_consumer.py')
  await consumed(folder.path, python.path, [program, url, `headwater.${topics.reviews}.analytics`])
})
