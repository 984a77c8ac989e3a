import { setFlagsFromString } from 'node:v8'

/**
 * Imported first, for its effect: the young generation stays as small as it begins. What is young here dies in batches, so
 * that a larger one saves no work and holds a hundred MB of what is dead already.
 */
setFlagsFromString('--semi-space-growth-factor=1')
