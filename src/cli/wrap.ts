/** Breaks lines so that none is wider, at spaces where there are some; a line's indentation is kept. */
export function wrap(text: string, width: number): string {
  return text
    .split('\n')
    .flatMap((line) => wrapLine(line, width))
    .join('\n')
}

function wrapLine(line: string, width: number): readonly string[] {
  if (line.length <= width) return [line]
  const indent = line.slice(0, line.length - line.trimStart().length)
  const room = Math.max(1, width - indent.length)
  const lines: string[] = []
  let current = ''
  for (let word of line.trimStart().split(' ')) {
    if (current !== '' && current.length + 1 + word.length > room) {
      lines.push(indent + current)
      current = ''
    }
    for (; word.length > room; word = word.slice(room)) lines.push(indent + word.slice(0, room))
    current = current === '' ? word : `${current} ${word}`
  }
  return [...lines, indent + current]
}
