// Counts the results of a run, with the suite's own rules: a test whose dependency fails says nothing.
//
//   node judge.mjs SUITE RESULTS.json             counts, and the ids that did not pass, with why
//   node judge.mjs --passing SUITE RESULTS.json   the ids that pass, sorted
//   node judge.mjs --expect FILE SUITE RESULTS…   fails when an id in FILE passes in none of the results
import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const args = process.argv.slice(2)
const mode = args[0].startsWith('--') ? args.shift() : '--counts'
const expectFile = mode === '--expect' ? args.shift() : null
const suite = path.resolve(args.shift())
const { default: suites } = await import(pathToFileURL(path.join(suite, 'tests/index.mjs')))
// What only a browser can be asked is not asked.
const tests = new Map(suites.flatMap(s => s.tests).filter(t => !t.browser_only).map(t => [t.id, t]))
const runs = args.map(file => JSON.parse(fs.readFileSync(file, 'utf8')))

const passing = new Set(['pass', 'yes'])
function verdict (id, results) {
  const test = tests.get(id)
  const result = results[id]
  if (test === undefined || result === undefined) return 'untested'
  const dependencies = test.depends_on ?? []
  if (dependencies.some(id => !passing.has(verdict(id, results)))) return 'dependency'
  if (result[0] === 'Setup') return result[1] === 'retry' ? 'retry' : 'setup'
  if (result[0] === 'AbortError') return 'harness'
  if (test.kind === 'check') return result === true ? 'yes' : 'no'
  return result === true ? 'pass' : 'fail'
}

const passes = results => [...tests.keys()].filter(id => passing.has(verdict(id, results))).sort()

if (mode === '--passing') {
  console.log(passes(runs[0]).join('\n'))
} else if (mode === '--expect') {
  const expected = fs.readFileSync(expectFile, 'utf8').split('\n').filter(line => line && !line.startsWith('#'))
  const passed = new Set(runs.flatMap(passes))
  const lost = expected.filter(id => !passed.has(id))
  for (const id of lost) console.error(`lost: ${id}: ${runs.map(r => JSON.stringify(r[id])).join(' / ')}`)
  const won = [...passed].filter(id => !expected.includes(id)).sort()
  if (won.length > 0) console.log(`not expected, and passing: ${won.join(' ')}`)
  console.log(`${expected.length - lost.length} of ${expected.length} expected tests pass`)
  process.exitCode = lost.length === 0 && expected.length > 0 ? 0 : 1
} else {
  for (const kind of ['required', 'optimal', 'check']) {
    const ids = [...tests.values()].filter(t => (t.kind ?? 'required') === kind).map(t => t.id)
    const failing = ids.filter(id => !passing.has(verdict(id, runs[0])))
    console.log(`${kind}: ${ids.length - failing.length} of ${ids.length}`)
    for (const id of failing) {
      console.log(`  ${verdict(id, runs[0])} ${id}: ${JSON.stringify(runs[0][id])}`)
    }
  }
}
