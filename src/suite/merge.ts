import { CellcheckError, printable } from '../errors.js';
import type { Report } from '../report/comparison-from-json.js';
import type { ReportedCase } from '../report/reported.js';

/** A shard's report, and the file that it is in. */
export interface ShardReport {
  readonly file: string;
  readonly report: Report;
}

/** What the shards of a suite come to. */
export interface Merged {
  /** In the order of the suite. */
  readonly cases: readonly ReportedCase[];
  readonly notRun: number;
}

/**
 * Joins the reports of all shards of one suite.
 * @throws CellcheckError where one is missing or there twice, or belongs to another suite
 */
export function mergeShards(reports: readonly ShardReport[]): Merged {
  const shards = reports.map(({ file, report: { shard } }) => {
    if (!shard)
      throw new CellcheckError({
        file,
        problem: 'is the report of a whole suite, not of a shard',
        hints: ['Shards are written by: cellcheck verify --shard 1/4 --reporter json=shard-1.json'],
      });
    return { file, ...shard };
  });
  const [first] = shards;
  for (const shard of shards) {
    const isOther = shard.suite !== first.suite || shard.count !== first.count;
    if (isOther || reports[0].report.cellcheck !== reports[shards.indexOf(shard)].report.cellcheck)
      throw new CellcheckError({
        file: shard.file,
        problem: `belongs to another suite than ${printable(first.file)}: other cases, options, number of shards or version of cellcheck`,
        hints: ['Keep the reports of one run together, away from older ones.'],
      });
    const twin = shards.find((other) => other !== shard && other.index === shard.index);
    if (twin)
      throw new CellcheckError({
        file: twin.file,
        problem: `is shard ${shard.index} of ${shard.count}, and so is ${printable(shard.file)}`,
      });
  }
  const missing = Array.from({ length: first.count }, (_, i) => i + 1).filter((index) =>
    shards.every((shard) => shard.index !== index),
  );
  if (missing.length)
    throw new CellcheckError({
      problem: `${missing.length === 1 ? `shard ${missing[0]}` : `shards ${missing.join(', ')}`} of ${first.count} ${missing.length === 1 ? 'is' : 'are'} missing`,
      hints: ['Give the reports of all shards: was a job cancelled, or its artifact not downloaded?'],
    });
  for (const { file, report } of reports) {
    if (report.cases.length + report.summary.not_run !== report.shard!.cases.length)
      throw new CellcheckError({ file, problem: 'is incomplete: its cases are not as many as it says' });
  }
  const placed = reports.flatMap(({ report: { cases, shard } }) =>
    cases.map((one, i) => ({ one, place: shard!.cases[i] })),
  );
  // Every case of the suite is in one of them: else one that differs could have been taken out.
  const places = shards.flatMap(({ cases }) => cases).sort((a, b) => a - b);
  if (places.some((place, i) => place !== i))
    throw new CellcheckError({
      problem: 'shards have the same cases, or one is in none of them: the reports were changed',
    });
  return {
    cases: placed.sort((a, b) => a.place - b.place).map(({ one }) => one),
    notRun: reports.reduce((sum, { report }) => sum + report.summary.not_run, 0),
  };
}
