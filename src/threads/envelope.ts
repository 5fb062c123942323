import { type Envelope, type EnvelopeOptions, envelope, type Spread } from '../bounds/envelope.js';
import { pick } from '../engine/forward.js';
import { chooseKernels, workOf, workOfJudging } from '../engine/kernels/choose.js';
import type { Network, Sequence } from '../module/bind.js';
import { directionsOf, type Module, outputSize } from '../module/parameters.js';
import type { Floats } from '../tensor/dtype.js';
import { threadsThatPay } from './divide.js';
import { ThreadFailure } from './exchange.js';
import { rowsOf, scatter, splitRows } from './rows.js';

/** What the envelope of some batch rows is made from. */
interface Part {
  readonly rows: readonly number[];
  readonly sequence: Sequence;
  readonly options: Omit<EnvelopeOptions, 'onProgress'>;
}

/**
 * The envelope of bounds/envelope.ts, in several threads where that pays: they divide the batch rows. Results are bit for
 * bit the same for any number of threads.
 * @param rows the batch rows that are asked for; of the others everything is undecided. All of them if absent
 */
export async function envelopeInThreads(
  network: Network,
  sequence: Sequence,
  options: EnvelopeOptions,
  rows: readonly number[] = [...Array(sequence.batch).keys()],
): Promise<Envelope> {
  const { steps, batch } = sequence;
  const { onProgress, speed = {} } = options;
  const work = workOf(network, { steps, batch: rows.length });
  const count = Math.min(threadsThatPay(work, speed), rows.length);
  if (count < 2 && rows.length === batch) return envelope(network, sequence, options);
  const { module } = network;
  // The choice of kernels depends on the work of the whole; all threads use the same ones.
  const { name, release } = chooseKernels(module.kind, 'float64', workOfJudging(network, sequence), speed);
  release();
  const parts = splitRows(sequence, rows, Math.max(1, count)).map(
    (ofThread): Part => ({
      rows: ofThread,
      sequence: rowsOf(sequence, ofThread, module),
      options: { ...optionsOfRows(options, sequence, ofThread, module), speed: { kernels: name } },
    }),
  );
  const [own, ...others] = parts;
  const ourPart = () => envelope(network, own.sequence, { ...own.options, onProgress });
  try {
    const envelopes = others.length ? await withOthers(network, others, ourPart) : [ourPart()];
    return joinEnvelopes(envelopes, parts, network, sequence);
  } catch (error) {
    if (!(error instanceof ThreadFailure)) throw error;
    return envelopeInThreads(network, sequence, { ...options, speed: { ...speed, threads: 1 } }, rows);
  }
}

async function withOthers(
  network: Network,
  others: readonly Part[],
  ourPart: () => Envelope,
): Promise<Envelope[]> {
  const [{ runTogether }, { networkInSharedMemory }] = await Promise.all([
    import('./workers.js'),
    import('./shared-memory.js'),
  ]);
  const shared = networkInSharedMemory(network);
  const tasks = others.map(({ sequence, options }) => ({ network: shared, sequence, envelope: options }));
  return runTogether(tasks, ourPart);
}

/** What the options know of each value, of these batch rows only. */
function optionsOfRows(
  { profile, model, operands, known, samples, uncertainty }: EnvelopeOptions,
  { batch }: Sequence,
  rows: readonly number[],
  module: Module,
): Omit<EnvelopeOptions, 'onProgress' | 'speed'> {
  const size = outputSize(module);
  const width = directionsOf(module).length * size;
  const picked = (values: Floats, inner: number) =>
    pick(values, rows, values.length / (batch * inner), batch, inner);
  const ofRows = (values: Floats | undefined, inner: number) => values && picked(values, inner);
  return {
    profile,
    model,
    operands,
    known: known?.map(
      (output) =>
        output && {
          values: picked(output.values, width),
          uncertainty: ofRows(output.uncertainty, width),
        },
    ),
    samples: samples?.map(
      (layer) =>
        layer && {
          output: layer.output.map((values) => picked(values, width)),
          h: layer.h.map((values) => picked(values, size)),
          c: layer.c.map((values) => picked(values, module.hidden_size)),
        },
    ),
    uncertainty: uncertainty && {
      layers: uncertainty.layers,
      input: ofRows(uncertainty.input, module.input_size),
      h0: ofRows(uncertainty.h0, size),
      c0: ofRows(uncertainty.c0, module.hidden_size),
    },
  };
}

/** The envelope of all batch rows; what no part has is undecided. */
function joinEnvelopes(
  envelopes: readonly Envelope[],
  parts: readonly Part[],
  { module }: Network,
  { steps, batch, lengths }: Sequence,
): Envelope {
  const [first] = envelopes;
  const size = outputSize(module);
  const directions = directionsOf(module).length;
  const states = module.num_layers * directions;
  const join = (spreadIn: (one: Envelope) => Spread, outer: number, inner: number): Spread => {
    const length = outer * batch * inner;
    const all = {
      values: new Float64Array(length),
      error: new Float64Array(length),
      undecided: new Uint8Array(length).fill(1),
    };
    for (const [i, one] of envelopes.entries())
      for (const name of ['values', 'error', 'undecided'] as const)
        scatter(spreadIn(one)[name], all[name], outer, batch, inner, parts[i].rows);
    return all;
  };
  const found = envelopes.flatMap(({ overflows }, i) =>
    overflows.map((overflow) => ({ ...overflow, batch: parts[i].rows[overflow.batch] })),
  );
  // In the order in which they are computed: the longest rows come first.
  const inOrder = (overflow: Envelope['overflows'][number]): number[] => {
    const isForward = overflow.direction === 'forward';
    return [
      overflow.layer,
      isForward ? 0 : 1,
      isForward ? overflow.step : -overflow.step,
      lengths ? -lengths[overflow.batch] : 0,
      overflow.batch,
    ];
  };
  return {
    layers: first.layers.map((_, layer) => join(({ layers }) => layers[layer], steps, directions * size)),
    h_n: join(({ h_n }) => h_n, states, size),
    c_n: first.c_n && join(({ c_n }) => c_n!, states, module.hidden_size),
    coherent: first.coherent,
    overflows: found.sort((a, b) => compareKeys(inOrder(a), inOrder(b))),
  };
}

function compareKeys(a: readonly number[], b: readonly number[]): number {
  const i = a.findIndex((value, k) => value !== b[k]);
  return i < 0 ? 0 : a[i] - b[i];
}
