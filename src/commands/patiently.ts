import type { TransientError } from '../errors.ts'
import { retry } from '../lib/retry.ts'
import type { Io } from './command.ts'

/** Repeats what fails for now until the person wants it to end, and says why each time. */
export function patiently({ signal, stderr }: Io): <T>(work: () => Promise<T>) => Promise<T> {
  const onFailure = ({ message }: TransientError): void => void stderr.write(`${message}; trying again\n`)
  return (work) => retry(work, signal, { baseMs: 50, maxMs: 30_000, onFailure })
}
