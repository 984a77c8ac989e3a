import { test } from 'node:test'
import { apart, type Section, STORES } from '../support/backends.ts'
import { freePorts } from '../support/servers/process.ts'
import { servicesOn } from './services.ts'

const [nobody = 0] = await freePorts(1)
const stores: Readonly<Record<string, Section>> = STORES

/** An address where nobody listens, as each store is told it, and the setting that the message names. */
const NOWHERE: Readonly<Record<string, { readonly at: object; readonly names: RegExp }>> = {
  mongodb: {
    at: { url: `mongodb://127.0.0.1:${nobody}` },
    names: /STORE_UNAVAILABLE\W.*store\.url/m,
  },
  cassandra: {
    at: { contact_points: [`127.0.0.1:${nobody}`] },
    names: /STORE_UNAVAILABLE\W.*store\.contact_points/m,
  },
  dynamodb: {
    at: { endpoint: `http://127.0.0.1:${nobody}` },
    names: /STORE_UNAVAILABLE\W.*store\.endpoint/m,
  },
}

for (const [name, { at, names }] of Object.entries(NOWHERE)) {
  const section = await stores[name]?.()
  if (typeof section !== 'object') test(`services on ${name}`, { skip: section ?? 'there is none' }, () => {})
  else
    servicesOn(name, {
      backends: () => ({ store: { ...section, ...apart(name) } }),
      wrong: {
        'an address where nobody listens': { backends: { store: { ...section, ...at } }, names },
        'a store that was not provisioned': {
          backends: { store: { ...section, ...apart(name) } },
          names: /^TABLES_MISSING: .*headwater provision/m,
        },
      },
      toGroup: true,
      tellsBacklog: true,
      beginsLate: false,
      count: 500,
    })
}
