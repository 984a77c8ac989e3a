import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const openssl = (...args: string[]) => promisify(execFile)('openssl', args)

/** PEM files of an authority and of those whose certificates it has signed. */
export interface Certificates {
  readonly ca: string
  /** What a server on this machine shows. */
  readonly server: Certificate
  readonly client: Certificate
}

export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** Makes an authority of its own, and a certificate for a server at 127.0.0.1 and for a client of the name `headwater`. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  const pem = (name: string): string => join(folder, `${name}.pem`)
  const ca = { cert: pem('ca'), key: pem('ca-key') }
  const authority = ['-x509', '-keyout', ca.key, '-out', ca.cert, '-subj', '/CN=authority', '-days', '2']
  await openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', ...authority)

  async function sign(name: string, subject: string): Promise<Certificate> {
    const [cert, key] = [pem(name), pem(`${name}-key`)]
    const [request, extensions] = [pem(`${name}-request`), pem(`${name}-extensions`)]
    await writeFile(extensions, 'subjectAltName=IP:127.0.0.1,DNS:localhost\n')
    const asked = ['-keyout', key, '-out', request, '-subj', subject]
    await openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', ...asked)
    const signer = ['-CA', ca.cert, '-CAkey', ca.key, '-CAcreateserial', '-days', '2', '-extfile', extensions]
    await openssl('x509', '-req', '-in', request, '-out', cert, ...signer)
    return { cert, key }
  }

  return {
    ca: ca.cert,
    server: await sign('server', '/CN=127.0.0.1'),
    client: await sign('client', '/CN=headwater'),
  }
}
