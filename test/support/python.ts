import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { cached } from './servers/cache.ts'

const execute = promisify(execFile)

export type Python = { readonly path: string; readonly skip: false } | { readonly skip: string }

/** A folder with packages of Python, such as `pika==1.4.4`, for PYTHONPATH; or why there is none. */
export async function pythonPackages(...packages: readonly string[]): Promise<Python> {
  try {
    const { stdout } = await execute('python3', ['-c', 'import sys; print(sys.version_info[:2])'])
    const version = stdout.replaceAll(/\D+/g, '-')
    const path = await cached(`python${version}${packages.join('+')}`, async (folder) => {
      const quiet = ['--quiet', '--disable-pip-version-check', '--root-user-action=ignore']
      await execute('python3', ['-m', 'pip', 'install', ...quiet, '--target', folder, ...packages])
    })
    return { path, skip: false }
  } catch (error) {
    if (process.env['CI'] === 'true') throw error
    return { skip: `python3 with pip is not here: the packages ${packages.join(' ')} can't be had` }
  }
}
