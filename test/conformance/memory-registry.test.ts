import type { Registry } from '../../src/stores/registry.ts'
import { createMemoryRegistry } from './memory-registry.ts'
import { registryConformance } from './registry.ts'

const registries = new Map<string, Registry>()

registryConformance('memory', {
  async open(name) {
    const registry = registries.get(name) ?? createMemoryRegistry()
    registries.set(name, registry)
    return registry
  },
})
