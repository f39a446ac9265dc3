// The parts of yargs that src/cli/yargs.ts imports (scripts/yargs-parts.mjs), with the members that it uses.

declare module 'yargs-factory' {
  export interface Yargs {
    scriptName(name: string): Yargs
    help(enable: false): Yargs
    version(enable: false): Yargs
    parserConfiguration(options: Readonly<Record<string, boolean>>): Yargs
    usageConfiguration(options: Readonly<Record<string, boolean>>): Yargs
    usage(text: string): Yargs
    command(name: string, summary: string): Yargs
    option(name: string, option: Readonly<Record<string, unknown>>): Yargs
    group(names: readonly string[], title: string): Yargs
    wrap(width: number): Yargs
    exitProcess(enable: false): Yargs
    strictOptions(): Yargs
    showHelp(print: (text: string) => void): Yargs
    parse(
      argv: readonly string[],
      context: object,
      done: (error: Error | undefined, values: Readonly<Record<string, unknown>>, output: string) => void,
    ): unknown
  }
  export function YargsFactory(shim: object): (argv: readonly string[], cwd: string) => Yargs
}

declare module 'yargs-cliui' {
  export function cliui(options: object, texts: object): object
}

declare module 'yargs-parser-core' {
  const parser: object

  // biome-ignore lint/style/noDefaultExport: the package has one
  export default parser
}
