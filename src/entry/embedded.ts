// The entry of the static program: the host (addon/quickjs/engine.c) calls main() with the addon's functions and the
// arguments, and exits with the status that it resolves to.

export { main } from '../main.ts'
