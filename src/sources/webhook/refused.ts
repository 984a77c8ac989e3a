/** Why a sender gets something other than 202. The message is shown to the sender, so it never holds a secret. */
export class Refused extends Error {
  readonly status: 400 | 401 | 413 | 415 | 431 | 503

  constructor(status: Refused['status'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Refused'
    this.status = status
  }
}
