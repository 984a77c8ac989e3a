import { registerHooks } from 'node:module'
import { extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { HeadwaterError } from '../errors.ts'
import type { SourceAdapter } from './source.ts'

/** Whether the type of a source is the path of a user's module. */
export const isOwn = (type: string): boolean => /[/.]/.test(type)

/**
 * A user's own source, from the module with this absolute path. Throws CONFIG_INVALID with what is wrong, and where.
 */
export async function loadOwn(path: string): Promise<{ readonly default: SourceAdapter<unknown> }> {
  offerHeadwater()
  const url = pathToFileURL(path).href
  const loaded: { readonly default?: unknown } = await import(url).catch((error: unknown) => {
    throw new HeadwaterError('CONFIG_INVALID', reasonOf(error, path, url), { cause: error })
  })
  const { default: adapter } = loaded
  if (!isAdapter(adapter)) {
    const found = shapeOf(adapter)
    throw new HeadwaterError(
      'CONFIG_INVALID',
      `${path}: expected a default export { config, open } with a schema and a function, found ${found}`,
    )
  }
  return { default: adapter }
}

let isOffered = false

/** Whatever lies around a user's module, `headwater` is this very copy: an error of another one would be a stranger. */
function offerHeadwater(): void {
  if (isOffered) return
  isOffered = true
  const url = new URL(`../index${extname(import.meta.filename)}`, import.meta.url).href
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'headwater' ? { url, shortCircuit: true } : next(specifier, context),
  })
}

function isAdapter(value: unknown): value is SourceAdapter<unknown> {
  if (typeof value !== 'object' || value === null) return false
  const { config, open } = value as Record<string, unknown>
  return config instanceof z.ZodType && typeof open === 'function'
}

function shapeOf(value: unknown): string {
  if (value === undefined) return 'none'
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`
  const { config, open } = value as Record<string, unknown>
  const said = config instanceof z.ZodType ? 'a schema' : `${typeof config} that is no schema of zod 4`
  return `{ config: ${said}, open: ${typeof open} }`
}

function reasonOf(error: unknown, path: string, url: string): string {
  if (!(error instanceof Error)) return `${path}: expected a module, found that it throws ${String(error)}`
  if ('url' in error && error.url === url && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') {
    return `${path}: expected a module, found nothing there`
  }
  return `${placeOf(error) ?? path}: ${error.message}`
}

/** The file and line that an error is about: what stands first in its stack and is neither ours nor Node's. */
function placeOf({ stack = '' }: Error): string | undefined {
  const places = stack.matchAll(/(?:^|[\s(])(?:file:\/\/)?(\/[^\s()]+?):(\d+)(?::\d+)?\)?$/gm)
  const [, file, line] = places.find(([, path]) => path !== import.meta.filename) ?? []
  return file && `${file}:${line}`
}
