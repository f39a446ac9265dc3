// The parameters of every function of the addon, for arguments.ts.

export interface Parameter {
  readonly name: string
  readonly kind: 'path' | 'data' | 'word' | 'bytes' | 'list' | 'object' | 'integer'
  readonly optional?: boolean
  readonly lowest?: number
  readonly highest?: number
}

const path: Parameter = { name: 'path', kind: 'path' }
const text = (name: string): Parameter => ({ name, kind: 'path' })
const data: Parameter = { name: 'text', kind: 'data' }
const word = (name: string): Parameter => ({ name, kind: 'word' })
const bytes = (name: string): Parameter => ({ name, kind: 'bytes' })
const integer = (name: string, lowest: number, highest = 2 ** 31 - 1): Parameter => ({
  name,
  kind: 'integer',
  lowest,
  highest,
})
const fd = integer('fd', 0)
const pid = integer('pid', 1)
const mode = integer('mode', 0, 0o7777)
const within = integer('milliseconds', 0)
const patience = integer('milliseconds', -1)
const startTime = text('startTime')
const directory = text('directory')

/** The parameters of every function, written by hand: the addon's own table is under test. */
export const functions: Readonly<Record<string, readonly Parameter[]>> = {
  programName: [],
  env: [text('name')],
  cwd: [],
  pid: [],
  euid: [],
  now: [],
  uptime: [],
  realpath: [path],
  isTerminal: [fd],
  readFile: [path, { ...integer('limit', 0, 2 ** 30), optional: true }],
  writeFile: [path, data, mode],
  writeFileAtomic: [path, data, mode],
  appendFile: [path, data, mode],
  write: [fd, data],
  status: [path],
  exists: [path],
  writable: [path],
  readDirectory: [path],
  mkdir: [path, mode],
  mkdirAll: [path, mode],
  rmdir: [path],
  removeDirectory: [path, text('last')],
  symlink: [text('target'), path],
  readLink: [path],
  unlink: [path],
  rename: [text('from'), text('to')],
  fifoHasReader: [path],
  lockByte: [path, integer('offset', 0, 2 ** 53 - 1)],
  attribute: [path, { ...path, name: 'name' }],
  setAttribute: [path, { ...path, name: 'name' }, { ...path, name: 'value' }],
  lock: [path],
  lookInRoot: [{ ...path, name: 'root' }, path],
  close: [fd],
  probe: [],
  launch: [{ name: 'plan', kind: 'object' }],
  resume: [],
  abandon: [],
  start: [text('stateDirectory')],
  processStatus: [integer('pid', 0)],
  signal: [pid, startTime, integer('signal', 0)],
  waitForExit: [pid, startTime, patience],
  becomeSubreaper: [],
  holdSignals: [],
  supervise: [pid, integer('terminal', -1), integer('watch', -1)],
  receiveSeccompNotif: [integer('listener', 0)],
  readNotifiedString: [integer('listener', 0), text('question'), text('address')],
  sendSeccompResponse: [integer('listener', 0), text('question'), word('answer'), integer('errno', 0, 4095)],
  signalCgroup: [directory, integer('signal', 0)],
  destroyCgroup: [directory, patience],
  removeCgroup: [directory, patience],
  terminalSize: [],
  sendPidfd: [path, pid],
  connectSocket: [path, within],
  exchangeWithin: [integer('socket', 0), bytes('bytes'), within],
  bindNotify: [path],
  receiveNotify: [integer('socket', 0), pid, startTime],
  sendNotify: [text('address'), text('text'), word('end')],
  reap: [pid],
  sendDescriptor: [path, fd, text('name')],
  exchange: [integer('socket', 0), bytes('message')],
  watchEvents: [text('file'), { ...text('control'), optional: true }],
  waitForEvent: [integer('watch', -1), pid, startTime, patience],
  runProgram: [{ name: 'argv', kind: 'list' }],
  sleep: [within],
}
