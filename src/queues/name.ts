import { HeadwaterError } from '../errors.ts'

/** Throws `CONFIG_INVALID` where a topic or a group has a name that no queue takes. */
export function checkName(what: 'topic' | 'group', name: string): void {
  if (/^[\p{L}\p{N}][^\p{C}]{0,199}$/u.test(name)) return
  throw new HeadwaterError(
    'CONFIG_INVALID',
    `expected a ${what} of at most 200 characters that begins with a letter or a digit, found ${JSON.stringify(name)}`,
  )
}
