import { DatabaseSync } from 'node:sqlite'

/** Adds rows to the table that examples/my-source.ts reads, in a database that is made where it is absent. */
export function writeOutbox(path: string, bodies: readonly string[]): void {
  using db = new DatabaseSync(path)
  db.exec('CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL)')
  db.exec('BEGIN')
  const insert = db.prepare('INSERT INTO outbox (body) VALUES (?)')
  for (const body of bodies) insert.run(body)
  db.exec('COMMIT')
}
