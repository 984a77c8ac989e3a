/** Every code that is raised, with what it means. docs/errors.md explains each; a test keeps the two equal. */
export const CODES = {
  CONFIG_INVALID: 'the configuration has problems; all of them are listed with their paths',
  USAGE: 'the command line was not understood',
  ABORTED: 'the work was abandoned because the process was told to stop at once',
  EVENT_UNREADABLE: 'a message on the queue is not an event of Headwater, or its raw bytes were altered',
  STORE_REFUSED:
    'the store will not take a record, not even as a dead letter; the flow stops and nothing is forgotten',
  BACKEND_FAILING: 'every message of a batch fails in a way that nobody has classified; it is tried again',
  CANNOT_LISTEN: 'a listener could not be opened at its address',
  NOT_FOUND: 'there is no record, cluster, repair, source, job or group of this name',
  JOB_RUNNING: 'another process is at work on the job',
  JOB_ENDED: 'the job is in a state in which there is nothing to pause, resume or stop',
  CONFLICT: 'somebody else changed the record at the same time; try again',
  CANDIDATE_INVALID: 'a file that is to be tried is neither a JSON Schema of a review nor a preset',
  FILE_UNREADABLE: 'a file that is to be read is not there, is no file, or can not be read',
  CHECKPOINT_TAKEN:
    'another process moves the same checkpoint: it reads the same file, polls under the same source, or took a part over',
  PROVIDER_UNAVAILABLE:
    'a provider that is polled can not be reached, is unwell or asks to wait; it is asked again',
  PROVIDER_REFUSED:
    'a provider that is polled refuses what it is asked; most often the config must be corrected',
  PAGE_UNREADABLE: 'a page that was polled is not what it should be; the source does not move on behind it',
  SOFT_BLOCKED:
    'a provider answers, but withholds its reviews: a captcha, a log-in, or a page that contradicts the others',
  JOB_FAILED:
    'a job at a provider failed, expired or was lost; a new one is begun within `retries` and `budget`',
  QUEUE_FULL: 'the queue keeps as much as it may, because a group has not read it yet; publishing waits',
  QUEUE_UNAVAILABLE: 'the broker can not be reached, or is unwell; it is tried again',
  QUEUE_REFUSED: 'the broker refuses who asks or what is asked; most often the config must be corrected',
  STORE_UNAVAILABLE: 'the database can not be reached, or is unwell; it is tried again',
  STORE_REFUSED_ACCESS:
    'the database refuses who asks or what is asked; most often the config must be corrected',
  TABLES_MISSING:
    'a table, collection or index is not there, or not as it must be; `headwater provision` makes it',
  TOPIC_MISSING: 'a topic is not there, or not as it must be; `headwater provision` makes it',
  CLIENT_MISSING: 'the client library of a broker or database is not installed',
  DEAD_LETTERS_FULL: 'dead letters take as much of the store as they may; their flow waits',
  DISK_FULL: 'a folder could not be written to, most likely because its disk is full; it is tried again',
  DATA_CORRUPT: 'what is read from a data folder is not what was written to it',
  DATA_FORMAT: 'a data folder was written in a format that this version does not know',
  FOLDER_UNUSABLE: 'a data folder can not be made or opened',
  POSITION_UNKNOWN: 'a scan was to go on from a position that no scan has given out',
  REQUEST_INVALID: 'what the console or its API was asked is not what it expects; the path is named',
  TOKEN_NEEDED: 'the console or its API was asked without a token or session that is good',
  NOT_ALLOWED:
    'who asked may not do this, or asked from a page or under a name that is not the console itself',
  TOO_MANY_TRIES: 'an address gave wrong tokens too often, and has to wait',
  TOO_MANY_LISTENERS: 'as many pages as may do so listen to the live figures already',
  UNEXPECTED: 'something went wrong that nobody has foreseen; the log says what',
  REGISTRY_NAME_INVALID: 'a name in the registry is empty, longer than 1,500 bytes, or no well-formed text',
} as const

export type Code = keyof typeof CODES

/** Anything this program raises on purpose. Everything else is a bug. */
export class HeadwaterError extends Error {
  readonly code: Code
  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** Try again: the outcome is unknown or the other side is unwell. */
export class TransientError extends HeadwaterError {
  readonly retryAfterMs: number | undefined
  constructor(code: Code, message: string, options?: ErrorOptions & { retryAfterMs?: number }) {
    super(code, message, options)
    this.retryAfterMs = options?.retryAfterMs
  }
}
