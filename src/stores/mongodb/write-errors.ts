import type { Refusal } from '../../batch.ts'

/** What the server or the client says of one document of an insert. */
interface WriteTrouble {
  readonly index: number
  readonly code: number
  readonly errmsg: string
}

const DUPLICATE_KEY = 11_000

/** What is wrong with the document itself, for ever. */
const NEVER: ReadonlySet<number> = new Set([
  2, // BadValue
  15, // Overflow: nested too deep
  22, // InvalidBSON
  52, // DollarPrefixedFieldName
  57, // DottedFieldName
  121, // DocumentValidationFailure
  10_334, // BSONObjectTooLarge
])

/** Whether a key was there already. */
export const isDuplicate = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === DUPLICATE_KEY && isOfKey(error.message)

/**
 * What became of the documents that an insert did not take, by their places. Undefined where the fate of any is unknown: an
 * error says nothing of the others unless each of its complaints is about one document, and all are final.
 */
export function outcomesIn(error: unknown): ReadonlyMap<number, 'unchanged' | Refusal> | undefined {
  const troubles = troublesOf(error)
  if (troubles.length === 0 || !troubles.every(isFinal)) return undefined
  return new Map(
    troubles.map(
      (trouble) => [trouble.index, isOfThere(trouble) ? 'unchanged' : refusalOf(trouble)] as const,
    ),
  )
}

function troublesOf(error: unknown): readonly WriteTrouble[] {
  if (!(error instanceof Error) || !('writeErrors' in error)) return []
  // An answer with an error of the write concern has its place here too: nothing of it is known to be durable.
  if ('err' in error && error.err !== undefined) return []
  return [error.writeErrors].flat() as WriteTrouble[]
}

const isFinal = ({ code }: WriteTrouble): boolean => code === DUPLICATE_KEY || NEVER.has(code)

const isOfThere = ({ code, errmsg }: WriteTrouble): boolean => code === DUPLICATE_KEY && isOfKey(errmsg)

/** A unique index that somebody added to the collection is another matter: the record is not there. */
function isOfKey(message: string): boolean {
  const index = /index: (\S+)/.exec(message)?.[1]
  return index === undefined || index.endsWith('_id_')
}

function refusalOf({ code, errmsg }: WriteTrouble): Refusal {
  return { code: 'refused_by_store', message: `MongoDB: ${errmsg} (${code})` }
}
