import { CommanderError } from 'commander'
import { HeadwaterError } from '../errors.ts'
import { redactText } from '../lib/redact.ts'
import { ABORTED, DONE, FAILED, type Io, WRONG_CONFIG, WRONG_USAGE } from './command.ts'
import { ReaderGone, steady } from './output.ts'

/** Tells a person why the command ended, without a secret in it, and returns the exit code that this means. */
export function tellFailure(error: unknown, { stderr, signal }: Pick<Io, 'stderr' | 'signal'>): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : WRONG_USAGE // told already
  if (error instanceof ReaderGone) return DONE
  if (signal.aborted && isAbort(error)) return ABORTED
  stderr.write(`${steady(redactText(textOf(error)))}\n`)
  return exitCodeOf(error)
}

function exitCodeOf(error: unknown): number {
  const code = error instanceof HeadwaterError ? error.code : undefined
  if (code === 'CONFIG_INVALID') return WRONG_CONFIG
  return code === 'USAGE' ? WRONG_USAGE : FAILED
}

/** What was raised on purpose is said in a line, and so is what the system says; of a bug, the stack is wanted. */
function textOf(error: unknown): string {
  if (error instanceof HeadwaterError) {
    const { code, message, cause } = error
    return `${code}: ${message}${isFromSystem(cause) ? ` (${cause.message})` : ''}`
  }
  if (isFromSystem(error)) return error.message
  return error instanceof Error ? String(error.stack) : String(error)
}

function isFromSystem(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error
}

function isAbort(error: unknown): boolean {
  return (
    error instanceof Error && (error.name === 'AbortError' || ('code' in error && error.code === 'ABORTED'))
  )
}
