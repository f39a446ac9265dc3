/**
 * The type of a rule: a check of a parsed config that concerns the meaning of one or several values. A rule reports
 * every problem it finds, with its path, and throws nothing. rules.ts lists them.
 */

import type { Config, Namespace, NamespaceType } from './config.ts'

/** `suggestion`: the value that was probably meant. */
export type Report = (path: string, message: string, suggestion?: string) => void
export type Rule = (config: Config, report: Report) => void

/** The entry of `linux.namespaces` with this type; undefined: the container shares the runtime's. */
export function findNamespace(config: Config, type: NamespaceType): Namespace | undefined {
  for (const namespace of config.linux.namespaces) if (namespace.type === type) return namespace
  return undefined
}

/** `"name"`, shortened: the form of values in messages. */
export function quote(value: string): string {
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
}
