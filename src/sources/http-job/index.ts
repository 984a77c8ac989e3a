import type { SourceAdapter } from '../source.ts'
import { type Config, config } from './config.ts'
import { openRunner } from './runner.ts'

/** Begins jobs at a provider, waits until each is done, and reads what it found. */
const httpJob: SourceAdapter<Config> = {
  config,
  open: (given, context) => openRunner(given, context),
}

export default httpJob
