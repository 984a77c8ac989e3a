/** How the groups of one topic are called on the brokers. */
export interface GroupNames {
  toBroker(group: string): string
  /** The group, where it is one of this topic and installation. */
  fromBroker(id: string): string | undefined
}

/** `<prefix><topic>.<group>`: in the last part all but ASCII letters, digits, `-` and `_` is percent-encoded, dots too. */
export function groupNames(prefix: string, topic: string): GroupNames {
  const start = `${prefix}${topic}.`
  return {
    toBroker: (group) => start + encode(group),
    fromBroker(id) {
      const rest = id.startsWith(start) ? id.slice(start.length) : ''
      // Others may have groups whose names begin in the same way, and were never written by this.
      const group = decode(rest)
      return group !== undefined && group !== '' && encode(group) === rest ? group : undefined
    },
  }
}

function encode(group: string): string {
  return encodeURIComponent(group.toWellFormed()).replace(
    /[.!~*'()]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
