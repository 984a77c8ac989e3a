import { createHash } from 'node:crypto'

/** The longest id that the service takes. */
const LONGEST = 255

/** The ids of one topic and of what belongs to it. Two names never have one id. */
export interface Names {
  readonly topicId: string
  readonly topic: string
  subscription(group: string): string
  /** A subscription that no group has. */
  temporary(id: string): string
  /** The group whose subscription this is; undefined where it is none. One too long to be an id is told as it was cut. */
  groupOf(subscription: string): string | undefined
}

export function namesOf(project: string, prefix: string, topicName: string): Names {
  const topicId = shorten(prefix + escape(topicName), LONGEST)
  const home = `projects/${project}/subscriptions/`
  // No dot is left in the topic, so the first one behind the prefix ends it.
  const ofTopic = `${shorten(topicId, 127)}.`
  return {
    topicId,
    topic: `projects/${project}/topics/${topicId}`,
    subscription: (group) => home + shorten(ofTopic + escape(group, '.'), LONGEST),
    temporary: (id) => `${home}${ofTopic}~${id}`,
    groupOf(subscription) {
      if (!subscription.startsWith(home + ofTopic)) return undefined
      const group = subscription.slice(home.length + ofTopic.length)
      if (group.startsWith('~')) return undefined
      return group.includes('~') ? group : decodeURIComponent(group)
    },
  }
}

/** Letters, digits, `-` and `_` as they are, and all other bytes as `%XX`. */
function escape(name: string, also = ''): string {
  return [...Buffer.from(name)]
    .map((byte) => {
      const character = String.fromCharCode(byte)
      const isPlain = /[A-Za-z0-9_-]/.test(character) || also.includes(character)
      return isPlain ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')
}

/** A long id is cut, and told apart by a hash of the whole; no id that was not cut has a `~`. */
function shorten(id: string, longest: number): string {
  if (id.length <= longest) return id
  const hash = createHash('sha256').update(id).digest('hex').slice(0, 32)
  return `${id.slice(0, longest - hash.length - 1)}~${hash}`
}
