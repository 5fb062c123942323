import { KINDS } from '../../kinds.js';
import type { Entry } from './hypothesis.js';
import type { ActivationName } from './variant.js';

/** Entries that concern a single gate, or an LSTM's c'. */
export function gateEntries(): Entry[] {
  const gated = Object.entries(KINDS).flatMap(([kind, { gates }]) =>
    gates.length > 1 ? gates.map((gate) => [kind, gate] as const) : [],
  );
  const biases = gated.flatMap(([kind, gate]) => biasesOfGate(kind, gate));
  const products = gated.flatMap(([kind, gate]) => productsOfGate(kind, gate));
  return [...biases, ...products, ...activationsOfGates()];
}

/** Entries for the biases of one gate. */
function biasesOfGate(kind: string, gate: string): Entry[] {
  const said: Readonly<Record<'ih' | 'hh' | 'none' | 'doubled' | 'ih twice', readonly [string, string]>> = {
    ih: [`b_h${gate} is missing`, `add b_h${gate} too`],
    hh: [`b_i${gate} is missing`, `add b_i${gate} too`],
    none: [`both biases of gate ${gate} are missing`, `add b_i${gate} and b_h${gate}`],
    doubled: [`both biases of gate ${gate} are added twice`, `add b_i${gate} and b_h${gate} once each`],
    'ih twice': [`b_i${gate} is added twice, and b_h${gate} never`, `load b_h${gate} as the second bias`],
  };
  return Object.entries(said).map(([biases, [says, remedy]]) => ({
    name: `biases ${biases}, gate ${gate} of ${kind}`,
    change: { biases: biases as keyof typeof said, biasesOf: gate },
    says,
    remedy,
    when: (module) => module.kind === kind,
    alone: true,
  }));
}

/** Entries for a gate that leaves out one of its products. */
function productsOfGate(kind: string, gate: string): Entry[] {
  const said = { weightIh: `W_i${gate} x`, weightHh: `W_h${gate} h` } as const;
  return (['weightIh', 'weightHh'] as const).map((matrix) => ({
    name: `without ${matrix}, gate ${gate} of ${kind}`,
    change: { without: [matrix, gate] },
    says: `${said[matrix]} is missing: gate ${gate} is computed without it`,
    remedy: `add ${said[matrix]} to the sum of gate ${gate}`,
    when: (module) => module.kind === kind,
    alone: true,
  }));
}

const ACTIVATION_NAMES: Readonly<Record<ActivationName, string>> = {
  sigmoid: 'the sigmoid',
  tanh: 'tanh',
  relu: 'relu',
  identity: 'no activation',
  'hard 0.2': 'the hard sigmoid 0.2 x + 0.5',
  'hard 1/6': 'the hard sigmoid x / 6 + 0.5',
  'hard tanh': 'the hard tanh, x limited to -1 … 1',
  softsign: 'softsign, x / (1 + |x|)',
};

/** Entries for another activation in one gate, or of an LSTM's c'. */
function activationsOfGates(): Entry[] {
  const OF_GATE = ['tanh', 'relu', 'identity', 'hard 0.2', 'hard 1/6'] as const;
  const OF_VALUE = ['sigmoid', 'relu', 'identity', 'hard tanh', 'softsign'] as const;
  const places = [
    ...Object.entries(KINDS).flatMap(([kind, { gates, activations }]) =>
      gates.length > 1 ? gates.map((gate) => [kind, gate, activations[gate] === 'sigmoid'] as const) : [],
    ),
    ['LSTM', 'c', false] as const,
  ];
  return places.flatMap(([kind, where, isGate]) =>
    (isGate ? OF_GATE : OF_VALUE)
      // An LSTM's g and c' without any have entries of their own.
      .filter((name) => !(kind === 'LSTM' && name === 'identity' && !isGate))
      .map((name): Entry => {
        const what = where === 'c' ? "c'" : where;
        return {
          name: `activation ${name} of ${where}, ${kind}`,
          change: { activationOf: [where, name] },
          says:
            where === 'c'
              ? `h' is computed with ${ACTIVATION_NAMES[name]} of c' instead of tanh`
              : `gate ${what} has ${ACTIVATION_NAMES[name]} instead of ${isGate ? 'the sigmoid' : 'tanh'}`,
          remedy: `use ${isGate ? 'the sigmoid' : 'tanh'} for ${what}`,
          when: (module) => module.kind === kind,
          alone: true,
        };
      }),
  );
}
