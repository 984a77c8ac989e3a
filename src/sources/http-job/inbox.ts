import { z } from 'zod'
import { type Entry, overwrite, type Registry } from '../../stores/registry.ts'
import type { SourceContext } from '../source.ts'
import { wordsOf } from './answers.ts'
import type { Requests } from './requests.ts'
import type { News } from './slot.ts'
import { nameOf } from './state.ts'

/** News that came to a process which may not work on that job: whoever may finds them here. */
export interface Inbox {
  /** Resolves once it is durable. Throws `TransientError`. */
  put(part: string, news: News): Promise<void>
  /** All that is there. What was dealt with is to be taken out. */
  list(): AsyncIterable<Letter>
}

export interface Letter {
  readonly part: string
  readonly news: News
  readonly takeOut: () => Promise<void>
}

const letter = z.object({
  part: z.string(),
  word: z.enum(['done', 'empty', 'failed', 'other']),
  words: z.string(),
  links: z.array(z.string()).optional(),
})

export function openInbox(
  { name: source, registry }: Pick<SourceContext, 'name' | 'registry'>,
  { kept, secrets }: Pick<Requests, 'kept' | 'secrets'>,
): Inbox {
  const prefix = nameOf(source, 'news/')
  return {
    async put(part, { job, word, body, links }) {
      const words = wordsOf(body, secrets.scrub)
      const value = Buffer.from(JSON.stringify({ part, word, words, links: links?.map(kept) }))
      await overwrite(registry, prefix + job, value)
    },
    async *list() {
      for await (const entry of registry.list(prefix)) {
        const found = read(entry, entry.name.slice(prefix.length), registry)
        if (found) yield found
      }
    },
  }
}

/** Undefined where another version wrote it. */
function read(
  { name, value, revision }: Entry,
  job: string,
  registry: Pick<Registry, 'remove'>,
): Letter | undefined {
  const { data } = letter.safeParse(JSON.parse(value.toString()))
  if (data === undefined) return undefined
  const { part, word, words, links } = data
  return {
    part,
    news: { job, word, body: Buffer.from(words), links },
    async takeOut() {
      await registry.remove(name, revision)
    },
  }
}
