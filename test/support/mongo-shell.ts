import { Script } from 'node:vm'
import type { Db } from 'mongodb'

/** What a line of the shell, such as `db.reviews.find({})`, is answered with: run by the driver, and of a cursor everything. */
export async function answerOf(line: string, database: Db): Promise<unknown> {
  const db = new Proxy({}, { get: (_, collection) => database.collection(String(collection)) })
  const scope = { db, ISODate: (text: string) => new Date(text) }
  const answer: unknown = new Script(line).runInNewContext(scope)
  const isCursor = typeof answer === 'object' && answer !== null && 'toArray' in answer
  return isCursor ? (answer as { toArray(): Promise<unknown> }).toArray() : answer
}
