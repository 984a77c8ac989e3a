import { servicesOn } from './services.ts'

servicesOn('embedded', {
  backends: () => ({}),
  wrong: {
    'a folder that is a file': {
      backends: { queue: { type: 'embedded', dir: 'headwater.yaml' } },
      names: /headwater\.yaml/,
    },
  },
  toGroup: true,
  tellsBacklog: true,
  beginsLate: false,
})
