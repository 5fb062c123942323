// Adds up the test runner's own reports: "N passed, N failed". A report that is missing, or in which nothing ran, is
// a failure.
import fs from 'node:fs';

let passed = 0;
let failed = 0;
let complete = true;
for (const file of process.argv.slice(2)) {
  const report = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : { numPassedTests: 0 };
  passed += report.numPassedTests;
  failed += (report.numFailedTests ?? 0) + (report.numFailedTestSuites && !report.numFailedTests ? 1 : 0);
  if (report.numPassedTests === 0) {
    console.log(`${file}: no test ran`);
    complete = false;
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(complete && failed === 0 ? 0 : 1);
