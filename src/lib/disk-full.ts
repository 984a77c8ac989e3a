import { TransientError } from '../errors.ts'

/** EIO, EFBIG, ENOSPC and EDQUOT, which is what a short write and a full disk look like. */
export const FULL: readonly number[] = [5, 27, 28, 122]

export function diskFull(folder: string, cause: unknown): TransientError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new TransientError(
    'DISK_FULL',
    `could not write in ${folder}, most likely because its disk is full (${reason}); nothing was written`,
    { cause },
  )
}

/** What a failed write of a file means. Errors that are not the disk's stay what they are. */
export function asDiskFull(folder: string, error: unknown): unknown {
  const errno = error instanceof Error && 'errno' in error ? error.errno : undefined
  return typeof errno === 'number' && FULL.includes(-errno) ? diskFull(folder, error) : error
}
