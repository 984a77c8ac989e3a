import { readFile } from 'node:fs/promises'
import type { Answer } from './secrets/secret-manager.ts'

/** A file's text less its last line end. */
export async function readText(path: string): Promise<Answer> {
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
