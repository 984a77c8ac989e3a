import type { ServerResponse } from 'node:http'

export const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' } as const

/** Answers with JSON, in one write. */
export function answer(
  response: ServerResponse,
  status: number,
  content: object,
  headers?: Readonly<Record<string, string>>,
): void {
  const body = JSON.stringify(content)
  const length = { 'content-length': Buffer.byteLength(body) }
  response.writeHead(status, { ...headers, ...JSON_TYPE, ...length }).end(body)
}
