import type { PresetInput } from './preset.ts'

/**
 * The feed of reviews of an app in Apple's App Store. Its entry is a list, a single review, or not there; every value has a
 * label. App and author are numbers in addresses.
 */
export const appStore: PresetInput = {
  name: 'app-store',
  version: 1,
  provider: 'Apple App Store',
  about: 'App Store customer reviews, the RSS feed as JSON: the newest of an app in one country.',
  quirks: [
    'No key. The country is the first part of the path of url, us unless told: a country needs a source of its own.',
    'A page holds 50 reviews. The number of the page is in the path and the link to the next leads to XML: one page is read.',
    'feed.entry is a list, a single object, or missing.',
    'Older feeds begin with an entry about the app itself, which is rejected.',
  ],
  request: {
    url: 'https://itunes.apple.com/us/rss/customerreviews/page=1/id={product}/sortby=mostrecent/json',
  },
  coverage: 'top',
  items: ['/feed/entry/[]', '/feed/entry'],
  empty: { when: '/feed' },
  fields: {
    review_id: { from: '/id/label', parse: 'id' },
    product_id: { from: '/link/attributes/href', parse: 'store_id' },
    user_id: { from: '/author/uri/label', parse: 'store_id' },
    review_text: { from: '/content/label' },
    rating: { from: '/im:rating/label', parse: 'stars' },
    review_timestamp: { from: '/updated/label' },
    title: { from: '/title/label' },
    helpful_votes: { from: '/im:voteSum/label', parse: 'count' },
    reviewer_name: { from: '/author/name/label' },
    variant: { from: '/im:version/label' },
  },
  content: ['/content/label', '/title/label', '/im:rating/label', '/updated/label', '/author/uri/label'],
  volatile: ['/im:voteSum', '/im:voteCount'],
}
