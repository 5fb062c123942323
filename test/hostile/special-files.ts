import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { lstmBundle, safetensorsBytes, writeSparse } from '../write.js';
import type { HostileCase } from './corpus.js';

const BUNDLE = safetensorsBytes(lstmBundle());
const CASE = { weights: 'w.safetensors', input: 'w.safetensors', expected: 'w.safetensors' };
const caseJson = (options: object) => JSON.stringify({ ...CASE, ...options });

/** What a path may lead to that is no regular file, and what a case may name. */
export const SPECIAL_CASES: readonly HostileCase[] = [
  {
    name: 'a FIFO',
    make: (folder) => execFileSync('mkfifo', [path.join(folder, 'x.safetensors')]),
    argv: ['x.safetensors'],
    exit: 2,
    says: ['x.safetensors: is not a regular file'],
  },
  {
    name: 'a FIFO that a case names',
    files: { 'case.json': caseJson({ weights: 'fifo.safetensors' }), 'w.safetensors': BUNDLE },
    make: (folder) => execFileSync('mkfifo', [path.join(folder, 'fifo.safetensors')]),
    argv: ['.'],
    exit: 2,
    says: ['fifo.safetensors: is not a regular file'],
  },
  ...['/dev/zero', '/dev/null', '/dev/urandom', '/dev/stdin', '/dev/tty'].map((device) => ({
    name: device,
    argv: [device],
    exit: 2 as const,
    says: [device],
  })),
  {
    name: 'a file of /proc that says it is empty',
    argv: ['/proc/self/environ'],
    exit: 2,
    says: ['is empty'],
  },
  { name: 'memory', argv: ['/proc/self/mem'], exit: 2, says: ['/proc/self/mem'] },
  {
    name: 'a folder with the name of a file',
    make: (folder) => fs.mkdirSync(path.join(folder, 'x.safetensors')),
    argv: ['x.safetensors'],
    exit: 2,
    says: ['x.safetensors: holds no case'],
  },
  {
    name: 'a folder in the place of the weights',
    files: { 'case.json': caseJson({ weights: 'folder' }), 'w.safetensors': BUNDLE },
    make: (folder) => fs.mkdirSync(path.join(folder, 'folder')),
    argv: ['.'],
    exit: 2,
    says: ['folder: is a folder'],
  },
  { name: 'an empty folder', make: () => undefined, argv: ['.'], exit: 2, says: ['holds no case'] },
  {
    name: 'a link to itself',
    make: (folder) => fs.symlinkSync('x.safetensors', path.join(folder, 'x.safetensors')),
    argv: ['x.safetensors'],
    exit: 2,
    says: ['x.safetensors'],
  },
  {
    name: 'a link to nowhere',
    make: (folder) => fs.symlinkSync('nowhere', path.join(folder, 'x.safetensors')),
    argv: ['x.safetensors'],
    exit: 2,
    says: ['x.safetensors'],
  },
  {
    name: 'a link to a file',
    files: { 'real.safetensors': BUNDLE },
    make: (folder) => fs.symlinkSync('real.safetensors', path.join(folder, 'x.safetensors')),
    argv: ['x.safetensors'],
    exit: 0,
    says: ['parity'],
  },
  {
    name: 'a link out of the case',
    files: { 'case/case.json': caseJson({}) },
    make: (folder) => fs.symlinkSync('/etc/passwd', path.join(folder, 'case/w.safetensors')),
    argv: ['case'],
    exit: 2,
    says: ['outside the case', '--allow-outside'],
  },
  ...['../secret.json', '/etc/passwd', '/proc/self/environ', '../../../../../../../../etc/passwd'].map(
    (target) => ({
      name: `a case that names ${target}`,
      files: { 'case.json': caseJson({ weights: target }), 'w.safetensors': BUNDLE },
      argv: ['.'],
      exit: 2 as const,
      says: ['case.json'],
      hides: ['root:', 'PATH='],
    }),
  ),
  {
    name: 'a case that names itself',
    files: { 'case.json': caseJson({ weights: 'case.json', input: 'case.json', expected: 'case.json' }) },
    argv: ['.'],
    exit: 2,
    says: ['case.json'],
  },
  {
    name: 'a case that names an empty file',
    files: { 'case.json': caseJson({ weights: 'w.safetensors' }), 'w.safetensors': '' },
    argv: ['.'],
    exit: 2,
    says: ['w.safetensors: is empty'],
  },
  ...['weights', 'input', 'expected'].map((role) => ({
    name: `a case without ${role}`,
    files: { 'case.json': caseJson({ [role]: undefined }), 'w.safetensors': BUNDLE },
    argv: ['.'],
    exit: 2 as const,
    says: [`case.json: ${role}: is missing`],
  })),
  {
    name: 'a case that is a list',
    files: { 'case.json': '[1]' },
    argv: ['.'],
    exit: 2,
    says: ['case.json: found a list'],
  },
  {
    name: 'a case that is text',
    files: { 'case.json': '"x"' },
    argv: ['.'],
    exit: 2,
    says: ['case.json: found a string'],
  },
  {
    name: 'a case that is empty',
    files: { 'case.json': '{}' },
    argv: ['.'],
    exit: 2,
    says: ['weights: is missing'],
  },
  {
    name: 'a path that is longer than any',
    argv: ['x'.repeat(5000)],
    exit: 2,
    says: ['xxx…'],
  },
  {
    name: 'a pattern that means very much',
    argv: ['{a,b}'.repeat(12)],
    exit: 2,
    says: ['nothing matches this pattern'],
  },
  {
    name: 'a pattern with an end that is missing',
    argv: ['[[[[{{{{((((*'],
    exit: 2,
    says: ['nothing matches this pattern'],
  },
  {
    name: 'a report into a folder that is not there',
    files: { 'x.safetensors': BUNDLE },
    argv: ['x.safetensors', '--reporter', 'json=nowhere/report.json'],
    exit: 2,
    says: ['nowhere/report.json: cannot be written', 'Its folder does not exist'],
  },
  {
    name: 'a report over a folder',
    files: { 'x.safetensors': BUNDLE },
    argv: ['x.safetensors', '--reporter', 'json=.'],
    exit: 2,
    says: ['cannot be written'],
  },
  {
    name: 'a report to a full disk',
    files: { 'x.safetensors': BUNDLE },
    argv: ['x.safetensors', '--reporter', 'json=/dev/full'],
    exit: 2,
    says: ['/dev/full: cannot be written'],
  },
  {
    name: 'a sparse file of 8 GB with a small module',
    make: (folder) => writeSparse(path.join(folder, 'x.safetensors'), lstmBundle(), 8 * 2 ** 30),
    argv: ['x.safetensors'],
    exit: 0,
    says: ['parity'],
  },
];
