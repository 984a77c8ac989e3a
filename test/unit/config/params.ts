import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { load, type LoadOptions } from '../../../src/config/load.ts'
import { HeadwaterError } from '../../../src/errors.ts'
import { temporaryFolder } from '../../support/temp.ts'
import { rooms } from './rooms.ts'

export type Options = Pick<LoadOptions, 'env' | 'managers' | 'deadlineMs'>

/** What becomes of texts that are the params of a source: their values. */
export async function paramsOf(
  params: Readonly<Record<string, string>>,
  options: Partial<Options> = {},
): Promise<Readonly<Record<string, string>>> {
  const { sources } = await loadParams(params, options)
  const settings = sources[0]?.settings as { readonly params: Record<string, string> } | undefined
  return settings?.params ?? {}
}

/** Every problem with texts that are the params of a source, by the name of the param, and any other by its path. */
export async function problemsOf(
  params: Readonly<Record<string, string>>,
  options: Partial<Options> = {},
): Promise<Readonly<Record<string, string>>> {
  const error: unknown = await loadParams(params, options).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof HeadwaterError)) throw error ?? new Error('expected problems, and there are none')
  const lines = error.message.split('\n').slice(1)
  return Object.fromEntries(
    lines.map((line) => {
      const [, path = '', problem = ''] = /^(?:sources\[0\]\.params\.)?(\S+): (.*)$/.exec(line) ?? []
      return [path, problem]
    }),
  )
}

/** A config whose one source has these params. */
export async function loadParams(params: Readonly<Record<string, string>>, options: Partial<Options> = {}) {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'headwater.yaml')
  const disk = { type: 'disk' }
  await writeFile(
    path,
    stringify({ sources: [{ name: 'a', type: 'poll', every: '1s', params }], queue: disk, store: disk }),
  )
  return await load({ path, env: {}, ...options }, rooms)
}
