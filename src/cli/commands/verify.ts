import { type Command, InvalidArgumentError, Option } from 'commander';
import { summaryOf, type Verdict } from '../../compare/summary.js';
import { CellcheckError, printable } from '../../errors.js';
import { besideConfig, type FoundConfig } from '../../files/config.js';
import { whenInterrupted } from '../../files/interruption.js';
import { estimatedWork } from '../../files/work.js';
import { reportedCase } from '../../report/in-words.js';
import type { Shard } from '../../report/reporter.js';
import { casesOfPart, type Part } from '../../suite/shards.js';
import type { Work } from '../cases/job.js';
import { type Concurrency, runCases } from '../cases/run-cases.js';
import { EXIT_CODES } from '../exit-codes.js';
import type { Io } from '../io.js';
import {
  addCaseOptions,
  type CaseOptionValues,
  computeOption,
  inputsOf,
  type Pending,
  pendingCases,
} from '../options/case.js';
import { fromOne } from '../options/parsers.js';
import {
  configuredTargets,
  listsErrors,
  type OpenTarget,
  type ReportTarget,
  reporterOption,
  reportTo,
  usualTargets,
  withTargets,
} from '../options/reports.js';
import { addRuleOptions, CALLER, type RuleOptionValues } from '../options/rule.js';
import {
  type SpeedOptionValues,
  speedLine,
  speedOf,
  threadsOption,
  verboseOption,
} from '../options/speed.js';
import {
  addConfigOption,
  type CaseSettings,
  type ConfigOptionValues,
  configOf,
  mustBeInSuite,
  settingsWith,
  suitePaths,
} from '../options/suite.js';
import { showSuiteProgress } from '../progress.js';

interface Options extends CaseOptionValues, ConfigOptionValues, RuleOptionValues, SpeedOptionValues {
  strict?: boolean;
  only?: readonly string[];
  list?: boolean;
  shard?: Part;
  bail?: number;
  jobs?: number;
  allSteps?: boolean;
  reporter?: readonly ReportTarget[];
  quiet?: boolean;
  color: boolean;
}

const EXAMPLES = `
Examples:
  cellcheck verify                              the suite of cellcheck.config.json
  cellcheck verify samples/lstm                 one case, with its table
  cellcheck verify "exports/*.safetensors"      bundles: everything in one file
  cellcheck verify --weights model.safetensors --prefix encoder.lstm. \\
                   --input input.safetensors --expected out.safetensors
  cellcheck verify exports --reporter table --reporter junit=report.xml`;

/** Defines `cellcheck verify`. */
export function addVerify(program: Command, io: Io, exit: (code: number) => void): void {
  const command = program
    .command('verify')
    .description('Compares reference outputs with those that follow from the weights.')
    .argument('[cases...]', 'case files, bundles, globs, folders (default: suite)');
  addRuleOptions(addCaseOptions(command))
    .option('--strict', 'no parity (exit 2) where there is a warning')
    .addOption(computeOption())
    .optionsGroup('Many cases:');
  addConfigOption(command)
    .addOption(
      new Option('--only <pattern>', 'those that match; may be repeated').argParser(
        (text: string, before: readonly string[] = []) => [...before, text],
      ),
    )
    .option('--list', 'prints the cases, and runs none')
    .option('--bail <count>', 'stops after so many without parity', fromOne)
    .addOption(
      new Option('--shard <i/n>', 'one of n parts; cellcheck merge joins the reports').argParser(part),
    )
    .addOption(new Option('--jobs <count>', 'at the same time (default, and most: cores)').argParser(fromOne))
    .addOption(threadsOption())
    .optionsGroup('Reports:')
    .addOption(reporterOption('verify'))
    .option('--all-steps', 'shows every step of a long sequence')
    .option('-q, --quiet', 'a line a case, no tables')
    .option('--no-color', 'no colours')
    .addOption(verboseOption())
    .addHelpOption(new Option('-h, --help', 'print this help').helpGroup('Reports:'))
    .showHelpAfterError('  cellcheck verify --help lists the options.')
    .addHelpText('after', `${EXAMPLES}\n${EXIT_CODES}`)
    .action(async (cases: string[], options: Options, command: Command) => {
      exit(await verifyCommand(cases, options, command, io));
    });
}

function part(text: string): Part {
  const [, index, count] = /^([1-9]\d{0,3})\/([1-9]\d{0,3})$/.exec(text) ?? [];
  if (count === undefined || Number(index) > Number(count))
    throw new InvalidArgumentError('It takes <i>/<n>, as 1/4 to 4/4.');
  return { index: Number(index), count: Number(count) };
}

/** A case to verify, and how. */
interface Planned {
  readonly pending: Pending;
  readonly settings: CaseSettings;
}

async function verifyCommand(paths: string[], options: Options, command: Command, io: Io): Promise<number> {
  const found = await configOf(options, io);
  const cases = await plannedCases(paths, found, options, command, io);
  const selected = await selectedOf(cases, options);
  const shard = options.shard && (await shardOf(selected, options.shard));
  const ours = shard ? shard.cases.map((place) => selected[place]) : selected;
  if (options.list) {
    for (const { pending } of ours) io.stdout.write(`${printable(pending.label)}\n`);
    return 0;
  }
  const targets = options.reporter ?? targetsOf(found) ?? usualTargets(io);
  const writesFiles = targets.some(({ file }) => file !== undefined);
  const inputs = writesFiles ? ours.flatMap(({ pending }) => inputsOf(pending)) : [];
  return withTargets(targets, { ...options, inputs }, io, (open, leaveFiles) =>
    verifyInto(
      { open, leaveFiles },
      ours,
      { ...options, bail: options.bail ?? found?.config.bail },
      shard,
      found,
      io,
    ),
  );
}

/** The cases of the command line, or of the suite, with the settings of each. */
async function plannedCases(
  paths: readonly string[],
  found: FoundConfig | undefined,
  options: Options,
  command: Command,
  io: Io,
): Promise<Planned[]> {
  const isSuite = found && paths.length === 0 && !(options.weights || options.input || options.expected);
  const settingsOf = await settingsWith(found, options, io);
  const planned = (pending: Pending): Planned => ({ pending, settings: settingsOf(pending) });
  if (!isSuite) return (await pendingCases(paths, options, command, io)).map(planned);
  const { matcherOf } = await import('../../suite/options.js');
  const all = suitePaths(found, options.allowOutside ?? false);
  const isLeftOut = matcherOf(all.filter((one) => one.startsWith('!')).map((one) => one.slice(1)));
  const there = { ...io, cwd: found.folder };
  const wanted = all.filter((one) => !one.startsWith('!'));
  const pending = wanted.length ? await pendingCases(wanted, options, command, there) : [];
  const byLabel = new Map(pending.map((one) => [one.label, one]));
  const kept = [...byLabel.values()].filter(({ label }) => !isLeftOut(label));
  if (!options.allowOutside) for (const one of kept) mustBeInSuite(found, one);
  if (kept.length === 0)
    throw new CellcheckError({ file: found.file, tensor: 'cases', problem: 'leaves no case' });
  return kept.map(planned);
}

async function selectedOf(cases: readonly Planned[], { only }: Options): Promise<readonly Planned[]> {
  if (!only) return cases;
  const { selects } = await import('../../suite/options.js');
  const isWanted = selects(only);
  const selected = cases.filter(({ pending }) => isWanted(pending.label));
  if (selected.length) return selected;
  throw new CellcheckError({
    code: 'option',
    problem: `no case matches --only ${only.map(printable).join(', ')}`,
    hints: [`There are ${cases.length}: --list prints them.`],
  });
}

/** The cases of one shard, and what all shards of the same suite have in common. */
async function shardOf(cases: readonly Planned[], part: Part): Promise<Shard> {
  const { fingerprint } = await import('../cases/fingerprint.js');
  const work = cases.map(({ pending }) => estimatedWork(inputsOf(pending)));
  const same = cases.map(({ pending: { label }, settings: { load, options, strict } }) => {
    const { cwd: _, ...loading } = load;
    return { label, loading, options, strict };
  });
  return { ...part, suite: fingerprint(same), cases: casesOfPart(work, part) };
}

function targetsOf(found: FoundConfig | undefined): readonly ReportTarget[] | undefined {
  const { reporters } = found?.config ?? {};
  return (
    reporters && configuredTargets(reporters, found!.file, (file) => besideConfig(found!, 'reporters', file))
  );
}

async function verifyInto(
  { open: targets, leaveFiles }: { readonly open: readonly OpenTarget[]; readonly leaveFiles: () => void },
  cases: readonly Planned[],
  options: Options,
  shard: Shard | undefined,
  found: FoundConfig | undefined,
  io: Io,
): Promise<number> {
  const started = performance.now();
  const speed = speedOf(options, io);
  const reports = await reportTo('verify', targets, { ...options, shard });
  reports.begin(cases.map(({ pending }) => pending.label));

  const stop = new AbortController();
  let interruptedBy: number | undefined;
  const listenNoMore = whenInterrupted((exitCode) => {
    interruptedBy = exitCode;
    // The second time the process ends at once.
    listenNoMore();
    stop.abort();
  });
  const isListed = listsErrors(targets, cases.length);
  const verdicts: (Verdict | undefined)[] = [];
  const progress = showSuiteProgress(io, cases.length);
  let failed = 0;
  try {
    for await (const outcome of runCases(
      works(cases, showsCauses(targets, options)),
      { ...concurrencyOf(options, found, io), count: cases.length },
      speed,
      io,
      stop.signal,
    )) {
      const { result, verdict, speed: used } = outcome;
      const { label, error } = result;
      progress.clear();
      if (options.verbose && used) io.stderr.write(speedLine(label, used, used.compute));
      if (error && !isListed) io.stderr.write(`cellcheck: ${error.message}\n`);
      verdicts.push(verdict);
      reports.result(result);
      if (verdict !== 'parity') failed++;
      if (options.bail !== undefined && failed >= options.bail) break;
      progress.show(verdicts.length, failed);
    }
  } finally {
    progress.clear();
    listenNoMore();
  }

  const summary = summaryOf(verdicts, {
    notRun: cases.length - verdicts.length,
    interruptedBy,
    isEmptyPart: shard !== undefined && cases.length === 0,
    seconds: (performance.now() - started) / 1000,
  });
  // An interruption before the first result tells nothing: what another run has written stays.
  if (interruptedBy !== undefined && verdicts.length === 0) leaveFiles();
  reports.end(summary);
  if (interruptedBy !== undefined)
    io.stderr.write(`cellcheck: interrupted after ${verdicts.length} of ${cases.length} cases\n`);
  return summary.exitCode;
}

/** Whether a report says why a case differs, so that it is worth a search. */
function showsCauses(targets: readonly OpenTarget[], { quiet }: Options): boolean {
  return !quiet || targets.some(({ name }) => name !== 'table');
}

/** One after the other, as they are asked for: many thousands at once take much memory. */
function* works(cases: readonly Planned[], explain: boolean): Generator<Work, undefined> {
  for (const one of cases) yield workOf(one, explain);
}

function workOf({ pending: { label, source }, settings }: Planned, explain: boolean): Work {
  if (source instanceof CellcheckError)
    return { outcome: { result: reportedCase({ label, error: source }, CALLER) } };
  const options = { ...settings.options, explain };
  return { job: { label, source, ...settings, options, caller: CALLER } };
}

/** Jobs × threads are never more than the cores; stated threads come first. */
function concurrencyOf(options: Options, found: FoundConfig | undefined, { speed }: Io): Concurrency {
  const cores = speed.threads ?? 1;
  const stated = options.threads ?? found?.config.threads;
  const most = Math.max(1, Math.floor(cores / (stated ?? 1)));
  const jobs = Math.min(options.jobs ?? found?.config.jobs ?? most, most);
  return { jobs, threads: stated ?? Math.floor(cores / jobs) };
}
