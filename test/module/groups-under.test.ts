import { expect, test } from 'vitest';
import { groupsUnder } from '../../src/module/group.js';
import { specs } from './modules.js';

/** The prefixes of the modules in such a checkpoint that a prefix means. */
const under = (prefix: string, ...present: string[]) =>
  groupsUnder(specs(Object.fromEntries(present.map((one) => [`${one}weight_ih_l0`, [4, 3]]))), prefix).map(
    (group) => group.prefix,
  );

test('the whole prefix, with its point or without', () => {
  expect(under('encoder.', 'encoder.', 'model.encoder.')).toEqual(['encoder.']);
  expect(under('encoder', 'encoder.', 'model.encoder.')).toEqual(['encoder.']);
  expect(under('rnn_', 'rnn_', 'rnn_.')).toEqual(['rnn_']);
  expect(under('rnn_', 'rnn_.')).toEqual(['rnn_.']);
  expect(under('', '', 'a.')).toEqual(['']);
  expect(under('', 'a.')).toEqual([]);
});

test('else its end, by whole names', () => {
  expect(under('encoder.', 'model_state.encoder.', 'decoder.')).toEqual(['model_state.encoder.']);
  expect(under('encoder', 'a.encoder.', 'b.encoder.', 'decoder.')).toEqual(['a.encoder.', 'b.encoder.']);
  expect(under('encoder.', 'my_encoder.', 'my_encoder.rnn.')).toEqual([]);
  expect(under('rnn.', 'x.rnn.y.', 'xrnn.')).toEqual([]);
  expect(under('encoder.rnn', 'net.encoder.rnn.', 'net.rnn.')).toEqual(['net.encoder.rnn.']);
});

test.each([
  'module.',
  '_orig_mod.',
  'model.',
  '_fsdp_wrapped_module.',
  '_forward_module.',
  '_checkpoint_wrapped_module.',
])('else its end without what a wrapper puts in between: %s', (wrapper) => {
  expect(under('encoder.rnn.', `encoder.${wrapper}rnn.`, 'decoder.rnn.')).toEqual([`encoder.${wrapper}rnn.`]);
  expect(under(`encoder.${wrapper}rnn.`, 'encoder.rnn.', 'decoder.rnn.')).toEqual(['encoder.rnn.']);
  expect(under('a.b.', `${wrapper}a.${wrapper}${wrapper}b.`)).toEqual([`${wrapper}a.${wrapper}${wrapper}b.`]);
  // What only looks like one.
  expect(under('a.b.', `a.my${wrapper}b.`)).toEqual([]);
});

test('else what is inside it', () => {
  expect(under('encoder.', 'my_encoder.', 'encoder.rnn.')).toEqual(['encoder.rnn.']);
  expect(under('model.', 'model.lstm.', 'ema.lstm.')).toEqual(['model.lstm.']);
  expect(under('model', 'model.a.', 'model.b.', 'c.')).toEqual(['model.a.', 'model.b.']);
});

test('a whole end comes before one without wrappers', () => {
  expect(under('a.b.', 'x.a.module.b.', 'x.a.b.')).toEqual(['x.a.b.']);
});
