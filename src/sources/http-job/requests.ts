import { HIDDEN } from '../../lib/redact.ts'
import { BEGINNING } from '../http/paging.ts'
import { createTarget, type Target, type TargetConfig } from '../http/target.ts'
import type { Ask } from '../http/client.ts'
import { createSecrets, type Secrets } from '../http/secrets.ts'
import { Trouble } from '../http/trouble.ts'
import { type Config, JOB, type Trigger } from './config.ts'

/** What is asked of a provider. */
export interface Requests {
  readonly secrets: Secrets
  /** The host that is asked first, with its port. */
  readonly host: string
  trigger(trigger: Trigger, product: string | undefined): Ask
  /** Undefined where the download itself tells how a job is. */
  progress(job: string, product: string | undefined): Ask | undefined
  /** Undefined where only links lead to the result. */
  download(job: string, product: string | undefined): Target | undefined
  /** A link as it may be saved: without what the config gives, which the provider may repeat in it. Throws `Trouble`. */
  readonly kept: (link: string) => string
  /** Asks for what is behind a link that was kept. Throws `Trouble` where it leads elsewhere than the config allows. */
  link(kept: string): Ask
}

export function createRequests({ headers, trigger, progress, download }: Config): Requests {
  const parts = [...(trigger ? [trigger] : []), progress, download]
  const urls = parts.flatMap(({ url }) => (url === undefined ? [] : new URL(url)))
  const origins = new Set(urls.map(({ origin }) => origin))
  const given = allParams(urls, parts)
  const secrets = createSecrets({ url: given.href, params: {}, headers, body: trigger?.body })

  const targetOf = (request: Partial<TargetConfig> & Where, product: string | undefined): Target =>
    createTarget({ method: 'GET', paging: { kind: 'none' }, headers, ...request }, secrets, product)

  return {
    secrets,
    host: urls[0]?.host ?? download.hosts[0] ?? '',
    trigger: (asked, product) => ({ ...targetOf(asked, product).ask(BEGINNING), accepted: 'answer' }),
    progress(job, product) {
      const where = about(job, progress)
      return where && { ...targetOf(where, product).ask(BEGINNING), accepted: 'not ready' }
    },
    download(job, product) {
      const where = about(job, download)
      return where && targetOf({ ...where, paging: download.paging }, product)
    },
    kept(link) {
      const url = URL.parse(link)
      if (url === null || !secrets.areIn(url.href)) return link
      for (const name of new Set(url.searchParams.keys())) {
        if (given.searchParams.get(name) === url.searchParams.get(name)) url.searchParams.set(name, HIDDEN)
      }
      if (!secrets.areIn(url.href)) return url.href
      throw new Trouble(
        'PAGE_UNREADABLE',
        'expected a link to a result, found one with a secret of the config',
      )
    },
    link(text) {
      const url = URL.parse(text)
      const isOurs = url !== null && origins.has(url.origin)
      if (
        url === null ||
        !(isOurs || (/^https?:$/.test(url.protocol) && download.hosts.includes(url.host)))
      ) {
        const found = url === null ? 'a text that is none' : `one to ${secrets.scrub(url.host)}`
        const message = `expected a link to a result, found ${found}: name its host in download.hosts, if you trust it`
        throw new Trouble('PAGE_UNREADABLE', message)
      }
      for (const name of new Set(url.searchParams.keys())) {
        const own = isOurs ? given.searchParams.get(name) : null
        if (url.searchParams.get(name) === HIDDEN) url.searchParams.set(name, own ?? '')
      }
      url.username = url.password = url.hash = ''
      const sent = isOurs ? Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]) : []
      const from = url.origin + url.pathname
      return { url, from, method: 'GET', headers: Object.fromEntries(sent), isAnonymous: !isOurs }
    },
  }
}

interface Where {
  readonly url: string
  readonly params: Readonly<Record<string, string>>
}

/** Where something about this job is. */
function about(
  job: string,
  { url, params }: Pick<Where, 'params'> & { url?: string | undefined },
): Where | undefined {
  if (url === undefined) return undefined
  const filled = Object.entries(params).map(([name, value]) => [name, value.replaceAll(JOB, () => job)])
  return { url: url.replaceAll(JOB, () => encodeURIComponent(job)), params: Object.fromEntries(filled) }
}

/** One URL with the parameters of all requests, of which several may have one name. */
function allParams(urls: readonly URL[], parts: readonly Pick<Where, 'params'>[]): URL {
  const all = new URL('http://config')
  const given = [
    ...urls.flatMap(({ searchParams }) => [...searchParams]),
    ...parts.flatMap(({ params }) => Object.entries(params)),
  ]
  for (const [name, value] of given) all.searchParams.append(name, value)
  return all
}
