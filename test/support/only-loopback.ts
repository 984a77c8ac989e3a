import { Socket } from 'node:net'

type Connect = (this: Socket, ...args: unknown[]) => Socket

/** From now on every connection of this process to another machine is refused, and its host is in what this returns. */
export function allowOnlyLoopback(): readonly string[] {
  const elsewhere: string[] = []
  const connect = Reflect.get(Socket.prototype, 'connect') as Connect
  const guarded: Connect = function (...args) {
    const host = hostOf(args)
    if (/^(localhost|127\.0\.0\.1|::1)$/.test(host)) return connect.apply(this, args)
    elsewhere.push(host)
    return this.destroy(Object.assign(new Error('another machine'), { code: 'ENETUNREACH' }))
  }
  Socket.prototype.connect = guarded as typeof Socket.prototype.connect
  return elsewhere
}

/** Node's own callers pass options, or a list that begins with them. */
function hostOf([first]: readonly unknown[]): string {
  const options: unknown = Array.isArray(first) ? first[0] : first
  const host = typeof options === 'object' && options !== null && 'host' in options ? options.host : undefined
  return typeof host === 'string' ? host : 'localhost'
}
