import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { glob, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path/posix'
import { test } from 'node:test'

const root = join(import.meta.dirname, '../..')
const src = join(root, 'src')

/** Which rooms and files each room may open besides itself. */
const doors: Record<string, readonly string[]> = {
  lib: ['errors.ts'],
  review: ['lib/', 'errors.ts'],
  presets: ['review/', 'lib/', 'errors.ts'],
  queues: ['stores/registry.ts', 'review/', 'lib/', 'batch.ts', 'errors.ts', 'adapter.ts'],
  stores: ['review/', 'lib/', 'batch.ts', 'errors.ts', 'event.ts', 'arrival.ts', 'adapter.ts'],
  sources: ['stores/registry.ts', 'review/', 'lib/', 'batch.ts', 'errors.ts', 'adapter.ts'],
  services: [
    'queues/queue.ts',
    'stores/store.ts',
    'stores/registry.ts',
    'sources/source.ts',
    'pump.ts',
    'batch.ts',
    'event.ts',
    'arrival.ts',
    'errors.ts',
    'review/',
    'lib/',
  ],
  console: [
    'services/',
    'telemetry/',
    'config/schema.ts',
    'config/print.ts',
    'presets/',
    'queues/queue.ts',
    'stores/store.ts',
    'stores/registry.ts',
    'sources/source.ts',
    'event.ts',
    'review/',
    'lib/',
    'errors.ts',
    'adapter.ts',
  ],
  telemetry: ['sources/source.ts', 'review/', 'lib/', 'batch.ts', 'errors.ts', 'adapter.ts'],
  config: [
    'queues/index.ts',
    'stores/index.ts',
    'sources/index.ts',
    'presets/index.ts',
    'lib/',
    'errors.ts',
    'adapter.ts',
  ],
}

/** Clients of brokers, databases and secrets managers: loaded only when they are chosen. */
const clients =
  /^(lmdb|@platformatic\/kafka|amqplib|@aws-sdk\/.*|@smithy\/.*|@google-cloud\/.*|google-auth-library|mongodb|cassandra-driver)$/

test('rooms open only the doors they should', async () => {
  const trespasses: string[] = []
  for (const [room, allowed] of Object.entries(doors)) {
    for await (const file of glob(`${room}/**/*.ts`, { cwd: src })) {
      const opened = (await importsOf(file)).filter((target) => target.startsWith('.')).map(pathFrom(file))
      const wrong = opened.filter((path) => ![`${room}/`, ...allowed].some((door) => path.startsWith(door)))
      // A file outside src, such as a schema, is nobody's room.
      trespasses.push(
        ...wrong.filter((path) => !path.startsWith('../')).map((path) => `${file} opens ${path}`),
      )
    }
  }
  assert.deepEqual(trespasses, [])
})

test('the page of the console takes nothing but types from the server', async () => {
  const page = 'console/page/'
  const loaded: string[] = []
  for await (const file of glob(`${page}**/*.{ts,tsx}`, { cwd: src })) {
    const opened = (await importsOf(file, staticImports)).filter((target) => target.startsWith('.'))
    const outside = opened.map(pathFrom(file)).filter((path) => !path.startsWith(page))
    loaded.push(...outside.map((path) => `${file} loads ${path}`))
  }
  assert.deepEqual(loaded, [])
})

test('no client of a broker or database is loaded before it is chosen', async () => {
  const reached = new Set(await filesAtTheTop())
  const loaded: string[] = []
  for (const file of reached) {
    for (const target of await importsOf(file, staticImports)) {
      if (target.startsWith('.')) reached.add(pathFrom(file)(target))
      else if (clients.test(target)) loaded.push(`${file} loads ${target}`)
    }
  }
  assert.deepEqual(loaded, [])
})

test('no place is a catch-all', async () => {
  const catchAll =
    /^(utils?|helpers?|common|core|managers?|base|types|constants|misc|shared|interfaces|ports)$/
  const found: string[] = []
  for await (const path of glob('{bin,src,test,bench}/**', { cwd: root })) {
    if (catchAll.test(path.slice(path.lastIndexOf('/') + 1).replace(/\..*$/, ''))) found.push(path)
  }
  assert.deepEqual(found, [])
})

test('every room with a contract or a list has a README', async () => {
  const rooms = (await readdir(src, { withFileTypes: true })).filter((entry) => entry.isDirectory())
  const isPublic = (room: string): boolean =>
    ['index.ts', `${room.replace(/s$/, '')}.ts`].some((file) => existsSync(join(src, room, file)))
  const bare = rooms
    .map(({ name }) => name)
    .filter((room) => isPublic(room) && !existsSync(join(src, room, 'README.md')))
  assert.deepEqual(bare, [])
})

/** Static and dynamic imports and re-exports, also those of types alone. */
const allImports = /(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g
/** What is loaded with the file itself: neither types nor `import()`. */
const staticImports = /^(?:import|export)\s(?!type\b)(?:[^'();=]*?\sfrom\s)?'([^']+)'/gm

async function importsOf(file: string, pattern = allImports): Promise<string[]> {
  if (!/\.tsx?$/.test(file)) return []
  const text = await readFile(join(src, file), 'utf8')
  return [...text.matchAll(pattern)].flatMap(([, target]) => target ?? [])
}

const pathFrom = (file: string) => (target: string) => join(dirname(file), target)

async function filesAtTheTop(): Promise<string[]> {
  const files = await readdir(src)
  return files.filter((file) => file.endsWith('.ts'))
}
