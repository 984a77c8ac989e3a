import { hash } from 'node:crypto'
import { isSecretParameter } from '../../lib/redact.ts'
import type { Received } from '../../review/received.ts'
import type { Place } from '../http/paging.ts'
import type { Answer, Ask, Client } from '../http/client.ts'
import { type Page, readPage } from '../http/page.ts'
import { Trouble } from '../http/trouble.ts'
import type { SourceContext } from '../source.ts'
import { answerOrNotYet, framingOf, linksAt, wordIn } from './answers.ts'
import type { Config } from './config.ts'
import type { Requests } from './requests.ts'
import type { Downloading } from './state.ts'

/** There is no answer yet. */
export interface NotReady {
  readonly is: 'not ready'
  readonly retryAfterMs?: number | undefined
}

/** There will be no result, as this body says. */
export interface Without {
  readonly is: 'failed'
  readonly body: Buffer
}

/** What came of asking for the next part of a result. */
export type Found =
  | NotReady
  | Without
  /** The result is behind these. */
  | { readonly is: 'links'; readonly links: readonly string[] }
  /** `next` is the place behind it; undefined at the end. */
  | {
      readonly is: 'part'
      readonly items: readonly Received[]
      readonly digest: string
      readonly next: Place | undefined
    }
  /** It is not what it should be; what came is kept all the same. */
  | {
      readonly is: 'faulty'
      readonly items: readonly Received[]
      readonly digest: string
      readonly trouble: Trouble
    }

/** Reads results, part by part. */
export interface Download {
  /** Throws `Trouble` for anything but an answer, and the signal's reason. */
  next(at: Downloading, product: string | undefined, signal: AbortSignal): Promise<Found>
}

export function createDownload(
  { download, progress, maxBodyBytes }: Pick<Config, 'download' | 'progress' | 'maxBodyBytes'>,
  requests: Requests,
  client: Client,
  { name: source, origin, clock, split }: SourceContext,
): Download {
  const { scrub } = requests.secrets

  function receive(
    { pieces }: Page,
    { from }: Ask,
    { status }: Answer,
    { job, place }: Downloading,
  ): Received[] {
    const receivedAt = clock()
    const about = { source, kind: 'http-job', from, page: place.page, status, delivery: job }
    return pieces.map(({ raw, ...told }, n) => ({
      origin,
      receivedAt,
      raw,
      context: { ...about, position: n + 1, ...told },
    }))
  }

  return {
    async next(at, product, signal) {
      const { job, links, place, last } = at
      const link = links?.[place.page - 1]
      const target = links === undefined ? requests.download(job, product) : undefined
      const ask = link === undefined ? target?.ask(place) : requests.link(link)
      if (ask === undefined) return { is: 'not ready' }
      const answer = await answerOrNotYet(client, { ...ask, accepted: 'not ready' }, maxBodyBytes, signal)
      if (answer instanceof Trouble) return { is: 'not ready', retryAfterMs: answer.retryAfterMs }
      // Who is asked how the job is knows better than an empty answer here.
      const mayBeEmpty = place.page > 1 || progress.url !== undefined
      if (answer.status === 204 && !mayBeEmpty) return { is: 'not ready' }

      const page = readPage(answer, split, scrub, { framing: framingOf(answer.body), mayBeEmpty })
      const { text, digest, fault } = page
      const word = text === undefined || link !== undefined ? undefined : wordIn(text, progress)
      if (word === 'failed') return { is: 'failed', body: answer.body }
      if (word === 'other') return { is: 'not ready' }
      if (word === 'empty') return { is: 'part', items: [], digest, next: undefined }
      if (download.links !== undefined && links === undefined) {
        const found = text === undefined ? undefined : linksAt(text, download.links)
        if (found !== undefined) return { is: 'links', links: found }
        throw new Trouble(
          'PAGE_UNREADABLE',
          `expected links at ${[download.links].flat().join(', ')} of ${ask.from}, found none`,
        )
      }

      const isRepeated = link === undefined && digest === last
      const items = isRepeated ? [] : receive(page, ask, answer, at)
      if (fault !== undefined) return { is: 'faulty', items, digest, trouble: fault }
      if (links !== undefined) {
        return {
          is: 'part',
          items,
          digest,
          next: place.page < links.length ? { page: place.page + 1 } : undefined,
        }
      }
      try {
        const clues = { text, link: answer.link, isEmpty: items.length === 0 }
        return { is: 'part', items, digest, next: isRepeated ? undefined : target?.next(place, clues) }
      } catch (error) {
        if (error instanceof Trouble) return { is: 'faulty', items, digest, trouble: error }
        throw error
      }
    },
  }
}

/** Of a result that is asked for in another way, a place in the middle means nothing. Keys may be replaced. */
export function fingerprint({ url, params, paging }: Config['download']): string {
  const asked = Object.entries(params).filter(([name]) => !isSecretParameter(name))
  return hash('sha256', JSON.stringify([url, asked, paging]), 'hex').slice(0, 16)
}
