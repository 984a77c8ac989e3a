import { readFile } from 'node:fs/promises'
import { type Path, pathText } from './shape.ts'

export interface Interpolated {
  readonly value: unknown
  /** The texts that held a reference, as they were written, by their path: what may be shown in place of the value. */
  readonly references: ReadonlyMap<string, string>
}

export interface InterpolateOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly problem: (path: Path, message: string) => void
}

/**
 * Replaces `${NAME}`, `${NAME:-default}` (also where NAME is empty) and `${file:/path}` (less its last line end) in every
 * text of a document; `$${` stands for `${`. What is inserted is never looked at again.
 */
export async function interpolate(
  document: unknown,
  { env, problem }: InterpolateOptions,
): Promise<Interpolated> {
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
    const replaced = await Promise.all(parts.map((part) => replacePart(part, path)))
    return replaced.join('')
  }

  async function replacePart(part: string, path: Path): Promise<string> {
    if (part.startsWith('$${')) return part.slice(1)
    if (!part.startsWith('${')) return part
    const resolved = await resolve(part, env)
    if ('value' in resolved) return resolved.value
    problem(path, resolved.problem)
    return ''
  }

  return { value: await walk(document, [], []), references }
}

type Resolved = { readonly value: string } | { readonly problem: string }

async function resolve(reference: string, env: InterpolateOptions['env']): Promise<Resolved> {
  const file = /^\$\{file:([^{}]+)\}$/.exec(reference)?.[1]
  if (file !== undefined) return readSecret(file)
  const [, name, fallback] = /^\$\{([A-Za-z_]\w*)(?::-([^{}]*))?\}$/.exec(reference) ?? []
  if (name === undefined) {
    return {
      problem: `expected \${NAME}, \${NAME:-default} or \${file:/path}, found "${reference}"; a literal \${ is written $\${`,
    }
  }
  const value = env[name]
  if (fallback !== undefined) return { value: value === undefined || value === '' ? fallback : value }
  return value === undefined ? { problem: `the environment has no variable ${name}` } : { value }
}

async function readSecret(path: string): Promise<Resolved> {
  try {
    const text = await readFile(path, 'utf8')
    return { value: text.replace(/\r?\n$/, '') }
  } catch (error) {
    return { problem: `cannot read the file ${path}: ${reasonOf(error)}` }
  }
}

/** Why a file can't be read, in words. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT') return 'it does not exist'
  if (code === 'EACCES') return 'permission denied'
  if (code === 'EISDIR') return 'it is a folder'
  return error instanceof Error ? error.message : String(error)
}
