import { create } from 'xmlbuilder2';
import { printable } from '../errors.js';
import { farText, full, whereText } from './comparison-text.js';
import type { ReportedCase, ReportedComparison } from './reported.js';
import { REPORT_COLUMNS, type Reporter, type ReporterOptions } from './reporter.js';

/**
 * JUnit's XML, as Jenkins, GitLab and others read it: a suite for each case, with a test for each compared tensor.
 * https://github.com/jenkinsci/xunit-plugin/blob/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd
 */
export function comparisonJunit(options: ReporterOptions): Reporter<'verify'> {
  return {
    begin: () => '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="cellcheck">\n',
    result: (result) => `${suiteText(result, options)}\n`,
    end: () => '</testsuites>\n',
  };
}

interface Test {
  readonly name: string;
  readonly result?: 'failure' | 'error' | 'skipped';
  readonly message?: string;
  readonly text?: string;
}

function suiteText(result: ReportedCase, { allSteps }: ReporterOptions): string {
  const { label, comparison, error, seconds } = result;
  const name = printable(label);
  const terminal = { columns: REPORT_COLUMNS, color: false };
  const tests: Test[] = error
    ? [{ name: 'case', result: 'error', message: error.message.split('\n')[0], text: error.message }]
    : testsOf(comparison, full(label, comparison, { terminal, allSteps }));
  const count = (wanted: Test['result']) => tests.filter((test) => test.result === wanted).length;
  // The time of the whole case stands at its first test, so that it counts once.
  const time = (i: number) => (seconds === undefined ? {} : { time: (i === 0 ? seconds : 0).toFixed(3) });
  const suite = create().ele('testsuite', {
    name: literal(name),
    tests: tests.length,
    failures: count('failure'),
    errors: count('error'),
    skipped: count('skipped'),
    ...time(0),
  });
  for (const [i, test] of tests.entries()) {
    const element = suite.ele('testcase', { classname: literal(name), name: test.name, ...time(i) });
    if (!test.result) continue;
    const { result: outcome, message = '', text = '' } = test;
    // Jenkins' schema has no message for what is skipped.
    const type = comparison?.verdict ?? 'error';
    const attributes = outcome === 'skipped' ? {} : { message: literal(message), type };
    element.ele(outcome, attributes).txt(literal(text));
  }
  if (comparison?.warnings.length)
    suite
      .ele('system-out')
      .txt(literal(comparison.warnings.map((warning) => `warning: ${warning}`).join('\n')));
  return suite.end({ headless: true, prettyPrint: true });
}

/** The library takes `&lt;` in a text for `<`: so that a text stays what it is, its ampersands are references. */
function literal(text: string): string {
  return text.replaceAll('&', '&amp;');
}

function testsOf(comparison: ReportedComparison, details: string): Test[] {
  const { verdict, tensors, notChecked, cause } = comparison;
  const message = [...whereText(comparison), farText(comparison), ...(cause ? [cause] : [])].join(', ');
  const failing = tensors.filter(({ mismatches }) => mismatches > 0);
  // A verdict that rests on no single value is that of the first tensor.
  const blamed = verdict === 'parity' ? [] : failing.length ? failing : [tensors[0]];
  return [
    ...tensors.map((tensor): Test => {
      if (!blamed.includes(tensor)) return { name: tensor.name };
      const text = tensor === blamed[0] ? details : undefined;
      return { name: tensor.name, result: verdict === 'differs' ? 'failure' : 'error', message, text };
    }),
    ...notChecked.map((name): Test => ({ name, result: 'skipped', text: 'not in the reference' })),
  ];
}
