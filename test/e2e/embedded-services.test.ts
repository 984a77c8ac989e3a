import { queueServices } from './queue-services.ts'

queueServices('embedded', {
  queue: () => ({ type: 'embedded' }),
  wrong: {
    'a folder that is a file': {
      queue: { type: 'embedded', dir: 'headwater.yaml' },
      names: /headwater\.yaml/,
    },
  },
  toGroup: true,
  tellsBacklog: true,
  beginsLate: false,
})
