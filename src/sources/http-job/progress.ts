import type { Ask, Client } from '../http/client.ts'
import { Trouble } from '../http/trouble.ts'
import { answerOrNotYet, jsonOf, linksAt, wordIn } from './answers.ts'
import type { Config } from './config.ts'
import type { NotReady, Without } from './download.ts'

/** How a job is. */
export type Progress =
  | NotReady
  | Without
  /** Done, and there is nothing. */
  | { readonly is: 'empty' }
  /** The result may be had; it is behind these links, where there are any. */
  | { readonly is: 'done'; readonly links: readonly string[] | undefined }

/** Throws `Trouble` for anything but an answer, and the signal's reason. */
export async function askProgress(
  ask: Ask,
  { progress, download, maxBodyBytes }: Pick<Config, 'progress' | 'download' | 'maxBodyBytes'>,
  client: Client,
  signal: AbortSignal,
): Promise<Progress> {
  const answer = await answerOrNotYet(client, ask, maxBodyBytes, signal)
  if (answer instanceof Trouble) return { is: 'not ready', retryAfterMs: answer.retryAfterMs }
  if (answer.body.length === 0) return { is: 'not ready' }
  const text = jsonOf(answer.body)
  if (text === undefined) {
    const message = `expected JSON from ${ask.from}, found something else`
    throw new Trouble('PAGE_UNREADABLE', message, { isShared: true })
  }
  switch (progress.status === undefined ? 'done' : wordIn(text, progress)) {
    case 'failed':
      return { is: 'failed', body: answer.body }
    case 'empty':
      return { is: 'empty' }
    case 'done':
      return { is: 'done', links: download.links === undefined ? undefined : linksAt(text, download.links) }
    case 'other':
    case undefined:
      return { is: 'not ready' }
  }
}
