// Makes images with sharp, as it is told on standard input, a line each; says what each took.
import { createInterface } from 'node:readline'
import { createRequire } from 'node:module'
import { writeFileSync } from 'node:fs'

const sharp = createRequire(process.argv[2] + '/')('sharp')
// One thread and no memory of the last image, as ours.
sharp.concurrency(1)
sharp.cache(false)

for await (const line of createInterface({ input: process.stdin })) {
  const { file, width, output, options, into } = JSON.parse(line)
  const before = process.cpuUsage()
  const bytes = await sharp(file).rotate().resize(width)[output](options).toBuffer()
  const { user, system } = process.cpuUsage(before)
  writeFileSync(into, bytes)
  console.log(JSON.stringify({ seconds: (user + system) / 1e6, bytes: bytes.length }))
}
