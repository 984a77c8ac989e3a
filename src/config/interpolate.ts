import { readText } from './file.ts'
import type { Answer } from './secrets/secret-manager.ts'
import { openSecrets, type SecretOptions, type Secrets } from './secrets/secrets.ts'
import { type Path, pathText } from './shape.ts'

export interface Interpolated {
  readonly value: unknown
  /** The texts that held a reference, as they were written, by their path: what may be shown in place of the value. */
  readonly references: ReadonlyMap<string, string>
}

export interface InterpolateOptions extends SecretOptions {
  readonly problem: (path: Path, message: string) => void
}

/**
 * Replaces `${NAME}`, `${NAME:-default}` (also where NAME is empty), `${file:/path}` (less its last line end) and the
 * references of managers such as `${vault:PATH#KEY}` in every text of a document; `$${` stands for `${`. What is inserted
 * is never looked at again.
 */
export async function interpolate(document: unknown, options: InterpolateOptions): Promise<Interpolated> {
  const { env, problem } = options
  const secrets = openSecrets(options)
  const references = new Map<string, string>()

  async function walk(value: unknown, path: Path, within: readonly object[]): Promise<unknown> {
    if (typeof value === 'string') return replace(value, path)
    if (typeof value !== 'object' || value === null) return value
    if (within.includes(value)) return problem(path, 'contains itself')
    const inside = [...within, value]
    if (Array.isArray(value)) return Promise.all(value.map((item, n) => walk(item, [...path, n], inside)))
    const entries = Object.entries(value).map(async ([key, item]) => {
      return [key, await walk(item, [...path, key], inside)] as const
    })
    return Object.fromEntries(await Promise.all(entries))
  }

  async function replace(text: string, path: Path): Promise<string> {
    if (!text.includes('${')) return text
    const parts = text.split(/(\$?\$\{[^{}]*\}?)/)
    if (parts.some((part) => part.startsWith('${'))) references.set(pathText(path), text)
    const answers = await Promise.all(parts.map(replacePart))
    const problems = answers.flatMap((answer) => ('problem' in answer ? answer.problem : []))
    if (problems.length > 0) problem(path, [...new Set(problems)].join('; '))
    return answers.map((answer) => ('value' in answer ? answer.value : '')).join('')
  }

  async function replacePart(part: string): Promise<Answer> {
    if (part.startsWith('$${')) return { value: part.slice(1) }
    return part.startsWith('${') ? resolve(part, env, secrets) : { value: part }
  }

  return { value: await walk(document, [], []), references }
}

const FORMS =
  '${NAME}, ${NAME:-default}, ${file:/path}, ${aws-sm:NAME#KEY}, ${gcp-sm:projects/PROJECT/secrets/SECRET#KEY} or ${vault:PATH#KEY}'

async function resolve(reference: string, env: InterpolateOptions['env'], secrets: Secrets): Promise<Answer> {
  const file = /^\$\{file:([^{}]+)\}$/.exec(reference)?.[1]
  if (file !== undefined) return readText(file)
  const secret = secrets.resolve(reference)
  if (secret) return secret
  const [, name, fallback] = /^\$\{([A-Za-z_]\w*)(?::-([^{}]*))?\}$/.exec(reference) ?? []
  if (name === undefined) {
    return { problem: `expected ${FORMS}, found "${reference}"; a literal \${ is written $\${` }
  }
  const value = env[name]
  if (fallback !== undefined) return { value: value === undefined || value === '' ? fallback : value }
  return value === undefined ? { problem: `the environment has no variable ${name}` } : { value }
}
