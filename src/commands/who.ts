import { hostname, userInfo } from 'node:os'

/** Who changes something by the command line: the user of the system and the host. */
export function who(): string {
  return `${userName()}@${hostname()}`
}

/** A container may run as a user whom the system has no name for. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid-${process.getuid?.()}`
  }
}
