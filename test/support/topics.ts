import { randomUUID } from 'node:crypto'

/** The section `topics:` of a queue, with topics that nobody else uses. */
export function ownTopics() {
  const id = randomUUID().slice(0, 8)
  return { topics: { reviews: `${id}-raw-reviews`, dead_letters: `${id}-dead-letter-queue` } }
}
