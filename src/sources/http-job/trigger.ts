import type { Client } from '../http/client.ts'
import { Trouble } from '../http/trouble.ts'
import { jsonOf, textAt, unzipped, wordsOf } from './answers.ts'
import type { Config, Trigger } from './config.ts'
import type { Requests } from './requests.ts'

/** What came of asking for a job. */
export type Triggered =
  | { readonly is: 'begun'; readonly job: string }
  /** It certainly did not begin. */
  | { readonly is: 'refused'; readonly trouble: Trouble }
  /** It may have begun, and nobody knows its id. */
  | { readonly is: 'lost'; readonly why: string; readonly trouble?: Trouble }

const MAX_ID_LENGTH = 256

/** Statuses of 500 and more, and others of trouble that passes, with which a provider says that it did nothing. */
const NOTHING_DONE = new Set([425, 429, 503])
/** Errors of a connection on which nothing was sent yet. */
const NOTHING_SENT = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** Begins a job for a product. Throws only the signal's reason, or a bug. */
export async function triggerJob(
  trigger: Trigger,
  product: string | undefined,
  { maxBodyBytes }: Pick<Config, 'maxBodyBytes'>,
  requests: Requests,
  client: Client,
  signal: AbortSignal,
): Promise<Triggered> {
  try {
    const { body } = await unzipped(
      await client.ask(requests.trigger(trigger, product), signal),
      maxBodyBytes,
    )
    const text = jsonOf(body)
    const job = text === undefined ? undefined : textAt(text, trigger.job)
    if (job !== undefined && isId(job)) return { is: 'begun', job }
    const words = wordsOf(body, requests.secrets.scrub)
    const places = [trigger.job].flat().join(', ')
    return {
      is: 'lost',
      why: `expected the id of a job at ${places} of the answer to trigger, found: ${words}`,
    }
  } catch (error) {
    if (!(error instanceof Trouble)) throw error
    if (!mayHaveBegun(error)) return { is: 'refused', trouble: error }
    const why = `a job may have begun, but nobody knows its id: ${error.message}`
    return { is: 'lost', why, trouble: error }
  }
}

/** Whether this may be the id of a job. */
export function isId(text: string): boolean {
  return text !== '' && text.length <= MAX_ID_LENGTH && text.isWellFormed()
}

function mayHaveBegun({ code, status, cause }: Trouble): boolean {
  if (code === 'PROVIDER_REFUSED' || (status !== undefined && NOTHING_DONE.has(status))) return false
  const why = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return !NOTHING_SENT.has(why)
}
