import { once } from 'node:events'
import { howToInstall, isNotInstalled } from '../../lib/client.ts'
import { formatDuration } from '../../lib/units.ts'
import { isMapping } from '../names.ts'
import { managers as allManagers, type Managers } from './index.ts'
import { parseJson } from './json.ts'
import type { Answer, Environment, ReadSecret, SecretManager } from './secret-manager.ts'

export interface SecretOptions {
  readonly env: Environment
  readonly managers?: Managers | undefined
  /** How long a manager may take over one secret, its credentials and its retries included. */
  readonly deadlineMs?: number | undefined
}

export interface Secrets {
  /** What a reference such as `${aws-sm:NAME#KEY}` stands for; undefined where it is of no manager. */
  resolve(reference: string): Promise<Answer> | undefined
}

interface Reference {
  readonly load: Managers[string]
  readonly prefix: string
  /** What follows the prefix: `NAME#KEY`. */
  readonly written: string
}

/** The secrets of one load of the config. Each is fetched when it is first named, and once. */
export function openSecrets({ env, managers = allManagers, deadlineMs = 10_000 }: SecretOptions): Secrets {
  const readers = new Map<SecretManager, Promise<ReadSecret>>()
  const answers = new Map<string, Promise<Answer>>()

  async function resolve({ load, prefix, written }: Reference): Promise<Answer> {
    const manager = (await load()).default
    const [, name = '', key] = /^([^#]*)(?:#(.+))?$/s.exec(written) ?? []
    const fullName = manager.fullName(name)
    if (fullName === undefined || (key === undefined && manager.needsKey)) {
      return { problem: `expected \${${manager.form}}, found "\${${prefix}:${written}}"` }
    }
    const secret = `${prefix}:${fullName}`
    const answer = await known(answers, secret, () => fetch(manager, fullName))
    const picked = 'value' in answer ? pick(answer.value, key) : answer
    return 'value' in picked ? picked : { problem: `${secret}: ${picked.problem.replaceAll(/\s+/g, ' ')}` }
  }

  async function fetch(manager: SecretManager, name: string): Promise<Answer> {
    const late = AbortSignal.timeout(deadlineMs)
    const missed = once(late, 'abort').then(() => ({
      problem: `no answer within ${formatDuration(deadlineMs)}`,
    }))
    try {
      const given = known(readers, manager, () => manager.open(env)).then((read) => read(name, late))
      return await Promise.race([given, missed])
    } catch (error) {
      if (manager.library === undefined || !isNotInstalled(error)) throw error
      return { problem: howToInstall(manager.library) }
    }
  }

  return {
    resolve(reference) {
      // ${vault:-x} is a variable with a default.
      const [, prefix = '', written = ''] = /^\$\{([a-z-]+):(?!-)([^{}]*)\}$/.exec(reference) ?? []
      const load = Object.hasOwn(managers, prefix) ? managers[prefix] : undefined
      return load && resolve({ load, prefix, written })
    },
  }
}

/** What is in the map under this key; made, and put there, where there is nothing. */
function known<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const found = map.get(key) ?? make()
  map.set(key, found)
  return found
}

/** All of a secret less its last line end, or one member of it. Nothing else of it is ever told. */
function pick(secret: string, key: string | undefined): Answer {
  if (key === undefined) return { value: secret.replace(/\r?\n$/, '') }
  const members = parseJson(secret)
  if (!isMapping(members)) return { problem: `it is no JSON object, so it has no key "${key}"` }
  if (!Object.hasOwn(members, key)) return { problem: `it has no key "${key}"` }
  const value = members[key]
  return typeof value === 'string' || typeof value === 'boolean'
    ? { value: String(value) }
    : { problem: `its key "${key}" is neither a text, a number, true nor false` }
}
