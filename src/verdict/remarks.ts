import type { ProfileName } from '../bounds/profiles.js';
import type { Subject, Verdict } from '../compare/comparison.js';
import type { Cause } from '../diagnose/cause.js';
import { printable } from '../errors.js';
import { hasNonlinearity, KINDS } from '../kinds.js';
import type { BoundCase } from '../module/bind.js';
import { layoutWord } from '../module/layout.js';
import { notFinite } from '../module/not-finite.js';
import { describeParts, directionsOf } from '../module/parameters.js';
import type { Run, Settings } from '../verify.js';

/** The facts of a run that a report names. */
export function subjectOf(
  { network, layout }: BoundCase,
  { compute, equal_nan }: Pick<Settings, 'compute' | 'equal_nan'>,
): Subject {
  const { module } = network;
  const layoutWords = layoutWord(module, layout);
  const { kind, cell, nonlinearity, input_size, hidden_size, proj_size, num_layers, bias, prefix } = module;
  return {
    kind,
    cell,
    nonlinearity,
    input_size,
    hidden_size,
    proj_size,
    num_layers,
    bias,
    prefix,
    directions: directionsOf(module),
    steps: layout.steps,
    batch: layout.batch,
    batch_first: layout.batch_first,
    compute,
    equal_nan,
    words: [...describeParts(module), ...(layoutWords ? [layoutWords] : [])],
  };
}

/** The outputs of the module that the reference lacks. */
export function notChecked({ boundCase, tensors }: Run): string[] {
  const all = ['output', ...KINDS[boundCase.network.module.kind].states.map((state) => `${state}_n`)];
  // A Cell's single step has no output besides its state.
  const named = boundCase.layout.timed ? all : all.slice(1);
  return named.filter((name) => !tensors.some((tensor) => tensor.name === name));
}

/** What was taken for granted about batch_first, where it may surprise. */
export function notesOn(boundCase: BoundCase, batch_first: boolean | undefined): string[] {
  if (batch_first !== undefined) return [];
  if (boundCase.layout.batch_first) {
    return ['batch_first is not said; the shapes fit only [B, T, …], so it is taken as true'];
  }
  if (!boundCase.otherLayoutFits) return [];
  return ["batch_first is not said; the shapes fit both ways, so it is taken as false, PyTorch's default"];
}

/** Tensors that a line names. */
const MOST_NAMED = 6;

/** Tensors of few decimals that were taken as rounded. */
function roundedNames({ boundCase, tensors, settings: { rounded = 'none' } }: Run): string | undefined {
  if (rounded === 'none') return undefined;
  const references: readonly string[] = tensors.map(({ name }) => name);
  const names = boundCase.short
    .filter((name) => rounded === 'all' || references.includes(name))
    .map(printable);
  return `${names.slice(0, MOST_NAMED).join(', ')}${names.length > MOST_NAMED ? ', …' : ''}`;
}

/** What makes a parity weaker than it looks. */
export function warningsOn(run: Run, verdict: Verdict): string[] {
  const rounded = roundedNames(run);
  const taken =
    verdict === 'parity' && rounded !== undefined
      ? [`${rounded}: so few decimals were taken as rounded, for as exact numbers they differ`]
      : [];
  const weak = run.tensors.flatMap(({ name, zerosPass, nans }) => [
    ...(zerosPass ? [`${name}: most of it or all would pass as zeros too, so this proves little`] : []),
    ...(nans ? [`${name}: ${nans} expected values are NaN, and taken as equal (equal_nan)`] : []),
  ]);
  return [...taken, ...notFiniteWarnings(run), ...weak];
}

/** What goes in and is no number; where the reference has NaN too, there is an option for it. */
function notFiniteWarnings({ boundCase, settings }: Run): string[] {
  const found = notFinite(boundCase);
  if (found.length === 0) return [];
  const inReference = boundCase.references.some(({ data }) => data.some(Number.isNaN));
  const equal =
    inReference && !settings.equal_nan
      ? ['the reference has NaN too: with --equal-nan (equal_nan) NaN equals NaN']
      : [];
  return [
    ...found.map(({ name, nans, infinities, first }) => {
      const counts = [
        ...(nans ? [`${nans} NaN`] : []),
        ...(infinities ? [`${infinities} ${infinities === 1 ? 'infinity' : 'infinities'}`] : []),
      ].join(' and ');
      return `${printable(name)} has ${counts}, first at [${first.join(', ')}]: what follows from it is no number either`;
    }),
    ...equal,
  ];
}

const rounds = (what: string, remedy: string) =>
  `all of it is within ${what} rounding, and has values of ${what} only: the reference was not computed in float32. ${remedy}`;

/** Where a float32 reference was computed with less than that. */
const COARSER_ADVICE: Readonly<Partial<Record<ProfileName, string>>> = {
  tf32: 'all of it is within TF32 rounding: the reference may have been computed so. Export it with torch.backends.cudnn.allow_tf32 = False and torch.backends.cuda.matmul.allow_tf32 = False, or on a CPU; or say --profile tf32',
  f16: rounds('float16', 'Export it outside autocast, from module.float(); or say --profile f16'),
  bf16: rounds('bfloat16', 'Export it outside autocast, from module.float(); or say --profile bf16'),
};

/** Why a reference differs, in a sentence; nothing where that is not known. */
export function causeLine({
  conventions,
  changed,
  notFinite,
  precision,
  weights: [weight],
}: Cause): string | undefined {
  if (conventions.length) {
    // What was not compared with all of the reference is for the whole diagnosis to say.
    if (conventions[0].partial) return undefined;
    const others = conventions.length - 1;
    const also = others ? ` (or ${others === 1 ? 'another cause' : `${others} other causes`})` : '';
    return conventions[0].says.join(', and ') + also;
  }
  if (changed.length) {
    const [{ tensor, row, batch, unit }] = changed;
    const count = changed.length === 1 ? 'one value' : `${changed.length} values`;
    return `${count} of the reference ${changed.length === 1 ? 'was' : 'were'} changed after it was computed: ${tensor}[${row}, ${batch}, ${unit}]`;
  }
  // The advice says it.
  if (precision) return undefined;
  if (notFinite)
    return `the reference has ${notFinite.expected} at ${notFinite.tensor}[${notFinite.row}, ${notFinite.batch}, ${notFinite.unit}]`;
  if (!weight) return undefined;
  const { tensors, row, column } = weight;
  return `${tensors.join(' or ')}[${column === undefined ? row : `${row}, ${column}`}] is another number than in the file`;
}

const UNDECIDED_ADVICE = {
  printed: 'the printed digits cannot tell; print more: torch.set_printoptions(precision=8)',
  rounding:
    'rounding may have taken most values as far as they are apart from each other: give a reference in a wider dtype, or the outputs of the layers below (--layer-outputs)',
} as const;

const EXACT_ADVICE =
  'so few decimals may be rounded; where they are exact, give them as JSON, which is taken as it is written: then this differs';

/** What to try where the verdict is not parity. */
export async function adviceFor(
  verdict: Verdict,
  run: Run,
  runAs: (other: Partial<Settings>) => Promise<Run>,
): Promise<string[]> {
  if (verdict === 'parity') return [];
  if (verdict === 'undecided') {
    const rounded = roundedNames(run);
    const printed = run.boundCase.decimals !== undefined;
    return [
      UNDECIDED_ADVICE[printed ? 'printed' : 'rounding'],
      ...(rounded === undefined ? [] : [`${rounded}: ${EXACT_ADVICE}`]),
    ];
  }
  // Another reading that fits is the answer, however the numbers were made.
  const other = await betterReading(run, runAs);
  if (other.length) return other;
  const decimals = decimalsOf(run);
  if (decimals !== undefined)
    return [
      `no number of the reference has more than ${decimals} decimals: if it was printed so, say "decimals": ${decimals} in the case`,
    ];
  const coarser = run.judgements && run.coarser();
  if (coarser) return [COARSER_ADVICE[coarser]!];
  if (verdict === 'differs') return [];
  if (run.settings.compute === 'float32')
    return ['leave --compute float32 away: it is less exact than this tolerance'];
  const wider = run.tensors.every(({ dtype }) => dtype === 'float64')
    ? ''
    : 'a reference in float64 (module.double()), or ';
  return [`${wider}a shorter sequence`];
}

/** Numbers with more decimals were hardly printed for people. */
const MOST_DECIMALS = 8;

/** With how many decimals a reference was written, where they are few; whole numbers say nothing. */
function decimalsOf({ boundCase }: Run): number | undefined {
  if (boundCase.decimals !== undefined) return undefined;
  const every = (test: (value: number) => boolean) =>
    boundCase.references.every(({ data }) => data.every(test));
  const has = (decimals: number) => every((value) => Number(value.toFixed(decimals)) === value);
  if (has(0)) return undefined;
  for (let decimals = 1; decimals <= MOST_DECIMALS; decimals++) if (has(decimals)) return decimals;
  return undefined;
}

/** A reading that is right but for a fault agrees far better than one that is wrong. */
const FAR_BETTER = 0.5;

/** Whether another reading of the case agrees: what its names and shapes don't say may be said wrong. */
async function betterReading(run: Run, runAs: (other: Partial<Settings>) => Promise<Run>): Promise<string[]> {
  const { boundCase } = run;
  const { module } = boundCase.network;
  const { batch_first: taken } = boundCase.layout;
  const layouts = boundCase.otherLayoutFits ? [taken, !taken] : [taken];
  const nonlinearities = KINDS[module.kind].nonlinearities;
  const total = run.tensors.reduce((sum, { elements }) => sum + elements, 0);
  const count = ({ tensors }: Run) => tensors.reduce((sum, { mismatches }) => sum + mismatches, 0);
  // A tolerance tells a reading that is wrong from one that is right but for a fault, or but for what was printed.
  const close = { rule: 'close' } as const;
  const readings = layouts.length * nonlinearities.length;
  const own = readings > 1 ? count(await runAs(close)) : 0;
  for (const batch_first of layouts) {
    for (const nonlinearity of nonlinearities) {
      const flags = [
        ...(batch_first !== taken ? [batch_first ? '--batch-first' : '--no-batch-first'] : []),
        ...(nonlinearity !== module.nonlinearity ? [`--nonlinearity ${nonlinearity}`] : []),
      ].join(' ');
      if (!flags) continue;
      const mismatches = count(
        await runAs({
          ...close,
          ...(module.cell ? {} : { batch_first }),
          ...(hasNonlinearity(module.kind) ? { nonlinearity } : {}),
        }),
      );
      if (mismatches === 0) return [`every value agrees with ${flags}: add it, or say it in the case`];
      if (mismatches < FAR_BETTER * own) {
        return [`with ${flags} only ${mismatches} of ${total} values differ: is that what the case is?`];
      }
    }
  }
  return [];
}
