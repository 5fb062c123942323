import { printable } from '../errors.js';
import { KIND_NAMES, KINDS } from '../kinds.js';
import type { TensorSpec } from '../tensor/tensor.js';
import { withArticle } from './parameters.js';

/** Tensors that have the shapes of a module's parameters, under names of their own. */
interface Lookalike {
  /** `an LSTM 3 → 4` */
  readonly what: string;
  /** Names, ours → theirs; patterns where they say the same in fewer words. */
  readonly names: readonly (readonly [ours: string, theirs: string])[];
}

// More tensors than this are no single network with names of its own.
const MOST_TENSORS = 200;

/**
 * Finds tensors that may be the parameters of one layer, by their shapes: weights [gates·H, H] and [gates·H, I], and
 * biases [gates·H]. Of several that fit, those whose names are most alike belong together.
 */
function lookalikesIn(specs: ReadonlyMap<string, TensorSpec>): Lookalike[] {
  if (specs.size > MOST_TENSORS) return [];
  const ofRank = (rank: number) =>
    [...specs].filter(([name, { shape }]) => name !== '' && shape.length === rank);
  const [matrices, vectors] = [ofRank(2), ofRank(1)];
  const taken = new Set<string>();
  const found: Lookalike[] = [];
  // Matrices whose names say that they belong to the recurrence come first: shapes alone may mean the other one.
  const kinds = KIND_NAMES.toReversed();
  const candidates = [true, false].flatMap((named) =>
    kinds.flatMap((kind) =>
      matrices.flatMap(([hh, { shape }]) => (RECURRENT.test(hh) === named ? [{ kind, hh, shape }] : [])),
    ),
  );
  for (const { kind, hh, shape } of candidates) {
    const gates = KINDS[kind].gates.length;
    const [rows, hidden] = shape;
    // A square matrix is anything; its name must say it.
    if (taken.has(hh) || rows !== gates * hidden || hidden === 0 || (gates === 1 && !RECURRENT.test(hh)))
      continue;
    const free = (name: string, size: number) => size === rows && name !== hh && !taken.has(name);
    const ih = nearest(
      hh,
      matrices.flatMap(([name, spec]) => (free(name, spec.shape[0]) ? name : [])),
    );
    if (ih === undefined) continue;
    const [biasIh, biasHh] = biasesOf(
      ih,
      hh,
      vectors.flatMap(([name, spec]) => (free(name, spec.shape[0]) ? name : [])),
    );
    const names: (readonly [string, string])[] = [
      ['weight_ih_l0', ih],
      ['weight_hh_l0', hh],
    ];
    if (biasIh !== undefined) names.push(['bias_ih_l0', biasIh], ['bias_hh_l0', biasHh]);
    for (const [, name] of names) taken.add(name);
    found.push({
      what: `${withArticle(kind)} ${specs.get(ih)!.shape[1]} → ${hidden}`,
      names: shortened(names),
    });
  }
  return found;
}

/** The biases of both weights, by their names; in the order of the file where these do not tell. */
function biasesOf(ih: string, hh: string, names: readonly string[]): readonly string[] {
  const distances = new Map(names.map((name) => [name, Math.min(distance(name, ih), distance(name, hh))]));
  const [a, b] = names
    .toSorted((one, other) => distances.get(one)! - distances.get(other)!)
    .slice(0, 2)
    .toSorted((one, other) => names.indexOf(one) - names.indexOf(other));
  if (b === undefined) return [];
  return distance(a, hh) + distance(b, ih) < distance(a, ih) + distance(b, hh) ? [b, a] : [a, b];
}

/** The hint that names them, ready to be pasted. */
export function lookalikeHints(specs: ReadonlyMap<string, TensorSpec>): string[] {
  const [first, ...others] = lookalikesIn(specs);
  if (!first) return [];
  const options = first.names.map(([ours, theirs]) => `--name ${quoted(`${ours}=${theirs}`)}`);
  return [
    `By their shapes, some tensors may be ${first.what}. If they are, name them for verify:`,
    `  ${options.join(' ')}`,
    ...(others.length ? [`Others may be ${others.map(({ what }) => what).join(', ')}.`] : []),
  ];
}

const RECURRENT = /hh|rec|hid|[_.]u$|^u[_.\d]|wh/i;

/** For a shell: what is not plain is in quotes. */
const quoted = (text: string) =>
  /^[\w.=:/-]+$/.test(text) ? text : `"${printable(text).replace(/^"|"$/g, '')}"`;

/** The name with the fewest letters to change, where one has fewer than the others. */
function nearest(name: string, others: readonly string[]): string | undefined {
  const distances = others.map((other) => distance(name, other));
  const least = distances.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  return others.find((_, i) => distances[i] === least);
}

/** Insertions, deletions and replacements (Levenshtein 1966). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length];
}

/** The same renames as patterns, where theirs differ from ours in the same letters: `weight_*_l0=enc_w_*`. */
function shortened(names: Lookalike['names']): Lookalike['names'] {
  const result: (readonly [string, string])[] = [];
  for (const parameter of ['weight', 'bias']) {
    const pair = names.filter(([ours]) => ours.startsWith(parameter));
    const patterns = new Set(
      pair.map(([ours, theirs]) => {
        const middle = /_(ih|hh)_/.exec(ours)?.[1] ?? '';
        return theirs.split(middle).length === 2 ? theirs.replace(middle, '*') : theirs;
      }),
    );
    const [pattern] = patterns;
    if (pair.length === 2 && patterns.size === 1 && pattern.includes('*'))
      result.push([`${parameter}_*_l0`, pattern]);
    else result.push(...pair);
  }
  return result;
}
