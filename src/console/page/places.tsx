import type { ComponentChild } from 'preact'
import { Cluster } from './dead-letters/cluster.tsx'
import { Clusters } from './dead-letters/clusters.tsx'
import { NowPage } from './now/now.tsx'
import { Replay } from './replay/replay.tsx'
import { Passport } from './reviews/passport.tsx'
import { Reviews } from './reviews/reviews.tsx'
import { Settings } from './settings/settings.tsx'
import { Sources } from './sources/sources.tsx'

export interface Place {
  readonly path: string
  readonly title: string
  /** What it shows; given what follows the path, if anything. */
  readonly show: (rest: string | undefined) => ComponentChild
}

/** Every page, in the order of the navigation. */
export const PLACES: readonly Place[] = [
  { path: '/', title: 'Now', show: () => <NowPage /> },
  { path: '/sources', title: 'Sources', show: () => <Sources /> },
  { path: '/reviews', title: 'Reviews', show: (key) => (key ? <Passport id={key} /> : <Reviews />) },
  {
    path: '/dead-letters',
    title: 'Dead letters',
    show: (cluster) => (cluster ? <Cluster id={cluster} /> : <Clusters />),
  },
  { path: '/replay', title: 'Replay', show: () => <Replay /> },
  { path: '/settings', title: 'Settings', show: () => <Settings /> },
]

/** The page at a path, and what the path says beyond it. */
export function placeAt(
  path: string,
): { readonly place: Place; readonly rest: string | undefined } | undefined {
  const [, first = '', second, ...more] = path.split('/')
  const place = PLACES.find((one) => one.path === `/${first}`)
  return place && more.length === 0 ? { place, rest: second ? decoded(second) : undefined } : undefined
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
