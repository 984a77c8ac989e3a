import type { SourceAdapter } from '../source.ts'
import { type Config, config } from './config.ts'
import { openPoller } from './poller.ts'

/** Asks a provider for its reviews, page by page, and again after a while. */
const httpPoll: SourceAdapter<Config> = {
  config,
  open: (given, context) => openPoller(given, context),
}

export default httpPoll
