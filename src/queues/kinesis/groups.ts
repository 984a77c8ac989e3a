import { setTimeout as sleep } from 'node:timers/promises'
import type { Cancellable } from '../../batch.ts'
import { HeadwaterError } from '../../errors.ts'
import type { Book } from './book.ts'

export async function addGroup(
  book: Book,
  group: string,
  { hold, ...options }: { readonly hold: boolean } & Cancellable,
): Promise<void> {
  if (hold) {
    throw new HeadwaterError(
      'USAGE',
      'Kinesis keeps records for the retention of the stream, read or not: a group can not hold',
    )
  }
  await book.ensure(group, options)
}

/** One whose readers show within a lease's time that they live is left alone. */
export async function removeGroup(
  book: Book,
  group: string,
  leaseMs: number,
  options: Cancellable,
): Promise<boolean> {
  if (group === 'storage') {
    throw new HeadwaterError(
      'USAGE',
      'the group storage carries reviews into the store and can not be removed',
    )
  }
  const before = await book.read(group, options)
  if (!before.exists) return false
  if (before.beats.size > 0) {
    await sleep(leaseMs, undefined, { ...options })
    const { beats } = await book.read(group, options)
    const isAtWork = [...beats].some(([reader, { beat }]) => before.beats.get(reader)?.beat !== beat)
    if (isAtWork)
      throw new HeadwaterError('CONFLICT', `a reader of the group ${group} is at work: stop it first`)
  }
  await book.remove(group, options)
  return true
}
