import { after } from 'node:test'
import httpJob from '../../src/sources/http-job/index.ts'
import type { Source } from '../../src/sources/source.ts'
import { openJobProvider } from '../support/job-provider.ts'
import { sourceConformance } from './source.ts'
import { openSourcePlaces } from '../support/source-places.ts'

const REVIEWS = 50

const opened = new AsyncDisposableStack()
const places = opened.use(await openSourcePlaces({ name: 'shop', origin: 'acme' }))
const provider = opened.use(await openJobProvider('brightdata', { reviews: REVIEWS }))
after(() => opened.disposeAsync())

sourceConformance('http-job', {
  open,
  items: REVIEWS,
  origin: 'acme',
  source: 'shop',
  kind: 'http-job',
})

async function open(place: string): Promise<Source> {
  return httpJob.open(httpJob.config.parse(provider.settings), await places.contextOf(place))
}
