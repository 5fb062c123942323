/** Where cellcheck reads a safetensors file otherwise than the Rust library (0.8.0) does, and why. */
export interface IntendedDifference {
  readonly what: string;
  readonly reason: string;
  /** What cellcheck says, where it refuses what the Rust library takes; absent where it is the other way round. */
  readonly refusal?: RegExp;
  /** What stands in the header. */
  readonly text?: (header: string) => boolean;
}

/** Whether two tensors have one name, however it is written. */
function hasTwins(header: string): boolean {
  const names = [...header.matchAll(/"((?:[^"\\]|\\.)*)"\s*:\s*[{[]/gs)].map(([, name]) => {
    try {
      return JSON.parse(`"${name}"`) as string;
    } catch {
      return name;
    }
  });
  return new Set(names).size < names.length;
}

export const INTENDED_DIFFERENCES: readonly IntendedDifference[] = [
  {
    what: 'a name that appears twice: of a tensor, in the metadata, or in an object that nobody reads',
    reason: "the format's description forbids it, and of two tensors the last would win without a word",
    refusal: /the name .* appears twice/s,
  },
  {
    what: 'a fault in the first of two tensors with one name',
    reason: 'the library forgets the first when it sees the second',
    refusal: /its \w+ is not|is larger than any file|bytes of data, expected/,
    text: hasTwins,
  },
  {
    what: 'white space before the header',
    reason: "the format's description says that a header begins with {",
    refusal: /does not begin with \{/,
  },
  {
    what: 'a description written as a list, and a dtype written as an object',
    reason: 'the library takes them by accident of its parser; no program writes them',
    refusal: /its dtype is not|is not an object with/,
    text: (header) => /:\s*\[\s*["{]|"dtype"\s*:\s*\{/.test(header),
  },
  {
    what: 'arrays of anything but numbers, ragged arrays, numbers beyond float64 and lone surrogates in fields that nobody reads',
    reason: 'one scanner reads headers and JSON tensors, and there these are faults',
    refusal:
      /is not a number|is text, not a number|a row among numbers|a number among rows|entries, the ones before it|is empty among rows|too large for float64|half of a surrogate pair/,
  },
  {
    what: 'objects or arrays in each other, 33 and more',
    reason: "the library's own limit is 128; a header needs 3",
    refusal: /nested deeper than 32/,
  },
  {
    what: 'more than 65,536 names, and more than 64 dimensions',
    reason: 'a file must not cost memory many times its size; PyTorch has no tensor of more dimensions',
    refusal: /holds more than \d+ names/,
  },
  {
    what: 'sizes, and products of sizes, beyond 2^53, though one of the sizes is 0',
    reason: 'numbers beyond 2^53 are not exact in JavaScript; the library stops at 2^64',
    refusal: /its shape is not|is larger than any file/,
    text: (header) => /\d{10,}/.test(header),
  },
  {
    what: 'sizes and offsets written as 1.0, 1e0 or -0',
    reason: 'they are the same numbers as 1 and 0, and say nothing else',
    text: (header) => /[[,]\s*(?:\d+\.\d|\d+[eE]|-0)/.test(header),
  },
];
