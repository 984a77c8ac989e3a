import { HeadwaterError } from '../errors.ts'

/** A client library that is installed only where it is wanted. Throws `CLIENT_MISSING` with the command that brings it. */
export async function loadClient<Library>(name: string, load: () => Promise<Library>): Promise<Library> {
  try {
    return await load()
  } catch (error) {
    // Another package that is missing is a fault of this one's installation, and has its own words.
    if (!isNotInstalled(error) || !error.message.includes(`'${name}'`)) throw error
    throw new HeadwaterError('CLIENT_MISSING', howToInstall(name))
  }
}

/** Whether a package could not be loaded since one is not there. */
export function isNotInstalled(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
}

export const howToInstall = (name: string): string => `this needs the package ${name}: npm install ${name}`
