import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import type { Context, Logger } from './adapter.ts'
import type { Config, SourceConfig, StoreConfig } from './config/schema.ts'
import { HeadwaterError } from './errors.ts'
import { presets, loadPreset } from './presets/index.ts'
import { createProvider } from './presets/provider.ts'
import { compileRules } from './presets/rules.ts'
import { createSplit } from './presets/split.ts'
import { queues } from './queues/index.ts'
import { outlastRefusals } from './queues/outlast.ts'
import type { Queue, QueueAdapter, QueueContext } from './queues/queue.ts'
import type { Rules } from './review/interpret.ts'
import type { ReviewRecord } from './review/record.ts'
import type { Repair } from './review/repair.ts'
import type { DataFolder } from './services/backup.ts'
import { keptRepairs } from './services/repairs.ts'
import type { ReplayInto } from './services/replay.ts'
import type { ReplayTarget } from './services/replay-params.ts'
import { isOwn, loadOwn, sources } from './sources/index.ts'
import type { NextPollOptions } from './sources/next-poll.ts'
import type { NextPoll, Source, SourceAdapter, SourceContext, Throttled } from './sources/source.ts'
import { stores } from './stores/index.ts'
import type { Registry } from './stores/registry.ts'
import type { Store, StoreAdapter } from './stores/store.ts'

/**
 * The composition root: the only file that knows every room. It opens what a config names; what is opened is the caller's
 * to dispose.
 */
export interface Environment {
  readonly config: Config
  readonly logger: Logger
  /** Aborts the opening. */
  readonly signal: AbortSignal
}

/** A number of its own for each start of a process; later starts sort behind earlier ones. */
export function newRun(now: number): string {
  return `${now.toString(36).padStart(9, '0')}-${randomBytes(4).toString('hex')}`
}

export async function openStore(env: Environment): Promise<Store> {
  const { type, settings } = env.config.store
  return (await storeAdapter(type)).open(settings, await contextOf(env))
}

export async function openRegistry(env: Environment): Promise<Registry> {
  const { type, settings } = env.config.registry
  return (await storeAdapter(type)).openRegistry(settings, await contextOf(env))
}

/** Opens the queue of one topic. */
export async function openQueue(env: Environment, topic: string): Promise<Queue> {
  const { type, settings } = env.config.queue
  const queue = await (await queueAdapter(type)).open(settings, await queueContextOf(env, topic))
  return outlastRefusals(queue)
}

/** Opens where a replay goes. Throws USAGE where a group has no queue of its own. */
export async function openTarget(env: Environment, target: ReplayTarget): Promise<ReplayInto> {
  const { type, topics } = env.config.queue
  const queue = await openQueue(env, target.to === 'topic' ? target.name : topics.reviews)
  if (target.to !== 'group') return queue
  const publishTo = queue.publishTo?.bind(queue)
  if (publishTo === undefined) {
    await queue[Symbol.asyncDispose]()
    const message = `a group has no queue of its own on a queue of the type ${type}: use --to-topic (toTopic in the API)`
    throw new HeadwaterError('USAGE', message)
  }
  return {
    publish: (messages, options) => publishTo(target.name, messages, options),
    [Symbol.asyncDispose]: () => queue[Symbol.asyncDispose](),
  }
}

export type SourceParts = Omit<SourceContext, keyof Context | 'name' | 'origin' | 'split' | 'provider'>

/** Opens a source with the rules its items are judged by, which follow the repairs that it keeps at the time. */
export async function openSource(
  env: Environment,
  { type, name, origin, settings, preset, missingUserId, missingReviewId, versions }: SourceConfig,
  parts: SourceParts,
  repairs: () => readonly Repair[],
): Promise<{ source: Source; rules: () => Rules }> {
  const data = await loadPreset(preset)
  const options = { missingUserId, missingReviewId, versions }
  const rules = following(repairs, (kept) => compileRules(data, { ...options, repairs: kept }))
  rules().validator.prepare()
  const adapter = await sourceAdapter(type)
  const provider = createProvider(data, rules)
  const context = { ...(await contextOf(env)), ...parts, name, origin, split: createSplit(data), provider }
  return { source: await adapter.open(settings, context), rules }
}

/** What is made of a value, made again whenever it is another one. */
function following<Value, Made>(current: () => Value, make: (value: Value) => Made): () => Made {
  let value = current()
  let made = make(value)
  return () => {
    const now = current()
    if (now !== value) [value, made] = [now, make(now)]
    return made
  }
}

/** Finds the rules to interpret a stored record by. */
export type RulesFor = (record: Pick<ReviewRecord, 'received' | 'verdict'>) => Promise<Rules>

/**
 * The rules of today: those of a record's source with the repairs that it keeps now; where the config no longer has the
 * source, those of the preset that judged it, or of the one that is named. They are compiled once a source.
 */
export async function openRules(
  { config }: Pick<Environment, 'config'>,
  registry: Registry,
  preset?: string,
): Promise<RulesFor> {
  const kept = Map.groupBy(await keptRepairs(registry).list(), ({ source }) => source)
  const compiled = new Map<string, Promise<Rules>>()

  async function compile(sourceName: string, judgedBy: string): Promise<Rules> {
    const source = config.sources.find(({ name }) => name === sourceName)
    const name = preset ?? source?.preset ?? judgedBy
    if (preset === undefined && source === undefined && !Object.hasOwn(presets, name)) {
      const message = `the preset ${name} is no source's in this config: name its file with --preset`
      throw new HeadwaterError('USAGE', message)
    }
    const repairs = (kept.get(sourceName) ?? []).map(({ id, mends, steps }) => ({ id, mends, steps }))
    return compileRules(await loadPreset(name), { ...source, repairs })
  }

  return ({ received, verdict }) => {
    const { source } = received.context
    const judgedBy = verdict.by.preset.slice(0, verdict.by.preset.lastIndexOf('@'))
    const name = JSON.stringify([source, judgedBy])
    const rules = compiled.get(name) ?? compile(source, judgedBy)
    compiled.set(name, rules)
    return rules
  }
}

/** How the provider of a source is left alone; undefined for a source that asks none, or never had to be. */
export async function throttledOf(
  source: Pick<SourceConfig, 'name' | 'type'>,
  registry: Registry,
): Promise<Throttled | undefined> {
  if (!polls(source)) return undefined
  const { throttledOf: savedOf } = await import('./sources/http/throttle.ts')
  return savedOf(source.name, registry)
}

/** When a source asks its provider next; undefined for one that asks none, is off, or that nobody runs. */
export async function nextPollOf(
  source: Pick<SourceConfig, 'name' | 'type' | 'enabled'>,
  registry: Registry,
  options: NextPollOptions,
): Promise<NextPoll | undefined> {
  if (!polls(source) || !source.enabled) return undefined
  const { nextPollOf: shownOf } = await import('./sources/next-poll.ts')
  return shownOf(source.name, registry, options)
}

const polls = ({ type }: Pick<SourceConfig, 'type'>): boolean => type === 'http-poll' || type === 'http-job'

/** Creates whatever the config's queue, store and registry need, and topics beside those of the config. Safe to repeat. */
export async function provision(env: Environment, more: readonly string[] = []): Promise<readonly string[]> {
  const { queue, store, registry } = env.config
  const context = await contextOf(env)
  const done: string[] = []
  const places: readonly [string, StoreConfig][] = [
    ['store', store],
    ['registry', registry],
  ]
  for (const [role, { type, settings }] of places) {
    const adapter = await storeAdapter(type)
    await adapter.provision?.(settings, context)
    await using _ =
      role === 'store' ? await adapter.open(settings, context) : await adapter.openRegistry(settings, context)
    done.push(`${type} ${role}`)
  }
  // Behind the registry, in which some queues keep what their broker does not.
  for (const topic of new Set([...Object.values(queue.topics), ...more])) {
    const adapter = await queueAdapter(queue.type)
    const queueContext = await queueContextOf(env, topic)
    await adapter.provision?.(queue.settings, queueContext)
    await using _ = await adapter.open(queue.settings, queueContext)
    done.push(`${queue.type} queue ${topic}`)
  }
  return done
}

/**
 * The folders that hold everything, in the order in which they may be copied one after the other: what a checkpoint has
 * passed is in the queue or in the store, and what the queue's cursor has passed is in the store. Throws USAGE where a
 * server keeps a part of it.
 */
export async function dataFolders(env: Pick<Environment, 'config'>): Promise<readonly DataFolder[]> {
  return (await placesOf(env)).map(({ what, type, path }) => {
    if (path !== undefined) return { what, path }
    const message = `the ${what} is no folder of this machine but of the type ${type}: use the tools of that server`
    throw new HeadwaterError('USAGE', message)
  })
}

/** Those of them that no server keeps. */
export async function localFolders(env: Pick<Environment, 'config'>): Promise<readonly DataFolder[]> {
  return (await placesOf(env)).flatMap(({ what, path }) => (path === undefined ? [] : [{ what, path }]))
}

/** Where each part of all data is: in a folder, or with a server. */
async function placesOf({ config: { queue, store, registry, dataDir } }: Pick<Environment, 'config'>) {
  const [queues, stores, registries] = await Promise.all([
    queueAdapter(queue.type),
    storeAdapter(store.type),
    storeAdapter(registry.type),
  ])
  const placeOf = (what: string, type: string, folders?: Readonly<Record<string, string>>) => {
    return { what, type, path: folders?.[what] }
  }
  return [
    placeOf('registry', registry.type, registries.folders?.(registry.settings, { dataDir })),
    placeOf('queue', queue.type, queues.folders?.(queue.settings, { dataDir })),
    placeOf('store', store.type, stores.folders?.(store.settings, { dataDir })),
  ]
}

async function queueContextOf(env: Environment, topic: string): Promise<QueueContext> {
  return { ...(await contextOf(env)), topic, openRegistry: () => openRegistry(env) }
}

async function contextOf({ config: { dataDir }, logger, signal }: Environment): Promise<Context> {
  await mkdir(dataDir, { recursive: true }).catch((cause: unknown) => {
    throw new HeadwaterError('CONFIG_INVALID', `--data: cannot create the folder ${dataDir}`, { cause })
  })
  return { dataDir, logger, signal }
}

// The settings are what the adapter's own schema made of them, which the list of adapters can't say.
async function sourceAdapter(type: string): Promise<SourceAdapter<unknown>> {
  if (isOwn(type)) return (await loadOwn(type)).default
  return (await sources[type as keyof typeof sources]()).default as SourceAdapter<unknown>
}

const queueAdapter = async (type: keyof typeof queues) =>
  (await queues[type]()).default as QueueAdapter<unknown>
const storeAdapter = async (type: keyof typeof stores) =>
  (await stores[type]()).default as StoreAdapter<unknown>
