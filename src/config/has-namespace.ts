import type { Linux, NamespaceType } from './config.ts'

/** Whether the container has a namespace of this type that is not the runtime's: a new one or a joined one. */
export const hasNamespace = ({ namespaces }: Pick<Linux, 'namespaces'>, wanted: NamespaceType): boolean =>
  namespaces.some(({ type }) => type === wanted)
