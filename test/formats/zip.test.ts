import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CellcheckError } from '../../src/errors.js';
import { bounded } from '../../src/formats/bytes.js';
import { openZip } from '../../src/formats/zip.js';
import { type Ending, extraField, type Member, zipOf } from './archive.js';
import { sourceOf } from './source.js';

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
const open = (bytes: Uint8Array) => openZip(bounded(sourceOf(bytes)));
const archive = (members: readonly Member[], ending?: Ending) => open(zipOf(members, ending));
/** All files of an archive. */
const contents = (bytes: Uint8Array) => {
  const zip = open(bytes);
  return Object.fromEntries([...zip.sizes.keys()].map((name) => [name, text(zip.read(name))]));
};

const A: Member = { name: 'a', content: 'first' };
const B: Member = { name: 'folder/b', content: 'second '.repeat(50), deflated: true };
const EMPTY: Member = { name: 'empty', content: '' };
const BOTH = { a: 'first', 'folder/b': 'second '.repeat(50) };
const DAMAGED = '  The archive is damaged. Was it copied completely?';

describe('what is read', () => {
  test('stored and deflated files, in the order of their places', () => {
    expect(contents(zipOf([B, A, EMPTY]))).toEqual({ ...BOTH, empty: '' });
    expect([...archive([B, A]).sizes]).toEqual([
      ['folder/b', 350],
      ['a', 5],
    ]);
    expect(contents(zipOf([]))).toEqual({});
  });

  test('a file of no bytes may be deflated too', () => {
    expect(contents(zipOf([{ ...EMPTY, deflated: true }, A]))).toEqual({ empty: '', a: 'first' });
  });

  test('streamed files, whose sizes stand behind them', () => {
    const streamed = { streamed: true };
    expect(
      contents(
        zipOf([
          { ...A, ...streamed },
          { ...B, ...streamed },
        ]),
      ),
    ).toEqual(BOTH);
  });

  test('files whose sizes and places are in 64-bit fields', () => {
    const large = { zip64: true };
    expect(
      contents(
        zipOf(
          [
            { ...A, ...large },
            { ...B, ...large },
          ],
          large,
        ),
      ),
    ).toEqual(BOTH);
    expect(contents(zipOf([A, B], large))).toEqual(BOTH);
    // Beside other fields, before and behind.
    const extra = Buffer.concat([
      extraField(0x5455, Buffer.from('time')),
      extraField(0xcafe, Buffer.alloc(0)),
    ]);
    expect(
      contents(
        zipOf([
          { ...A, ...large, extra },
          { ...B, extra },
        ]),
      ),
    ).toEqual(BOTH);
  });

  test('a field that needs no 64 bits is not taken from there', () => {
    // Only the size is in the 64-bit fields.
    const extra = extraField(1, Buffer.from(BigUint64Array.of(5n).buffer));
    expect(contents(zipOf([{ ...A, size: 0xffffffff, extra }, B]))).toEqual(BOTH);
  });

  test('local headers with fields of their own, as torch.save pads files to places', () => {
    const localExtra = extraField(0x4246, Buffer.alloc(57));
    expect(
      contents(
        zipOf([
          { ...A, localExtra },
          { ...B, localExtra },
        ]),
      ),
    ).toEqual(BOTH);
  });

  test('comments of files and of the archive, which may look like the end of one', () => {
    const end = text(zipOf([]));
    for (const comment of ['', 'x', 'PK', `${end}x`, 'x'.repeat(65_535 - 4), end.slice(0, 20)])
      expect(contents(zipOf([{ ...A, comment: 'of a' }, B], { comment }))).toEqual(BOTH);
  });

  test('names in UTF-8, of objects too', () => {
    const names = ['größe/数据.npy', '__proto__', 'constructor', ''];
    const zip = archive(names.map((name) => ({ name, content: `of ${name}` })));
    expect([...zip.sizes.keys()]).toEqual(names);
    for (const name of names) expect(Buffer.from(zip.read(name)).toString()).toBe(`of ${name}`);
  });

  test('any files, whatever is in them', () => {
    const files = fc.uniqueArray(
      fc.record({
        name: fc.string({ maxLength: 9 }).filter((name) => !/[\ud800-\udfff]/.test(name)),
        content: fc.uint8Array({ maxLength: 300 }),
        deflated: fc.boolean(),
        streamed: fc.boolean(),
        zip64: fc.boolean(),
      }),
      { selector: ({ name }) => name, maxLength: 5 },
    );
    fc.assert(
      fc.property(files, fc.boolean(), (members, zip64) => {
        const zip = archive(members, { zip64 });
        expect([...zip.sizes.keys()].sort()).toEqual(members.map(({ name }) => name).sort());
        for (const { name, content } of members)
          expect(Buffer.from(zip.read(name))).toEqual(Buffer.from(content));
      }),
    );
  });
});

describe('parts of files', () => {
  // Longer than what is read, or inflated, at once.
  const content = Buffer.from(Uint8Array.from({ length: 2 ** 22 + 70_000 }, (_, i) => (i * i) >> 5));
  const stored = zipOf([{ name: 'x', content }, A]);
  const deflated = zipOf([{ name: 'x', content, deflated: true }, A]);
  const end = content.length;

  test.each([
    ['stored', stored],
    ['deflated', deflated],
  ])('of a %s file', (_, bytes) => {
    const zip = open(bytes);
    const ranges = [
      [0, end],
      [0, 1],
      [end - 1, end],
      [2 ** 22 - 3, 2 ** 22 + 3],
      [16_380, 16_390],
      [7, 7],
      [end, end],
    ];
    for (const [from, to] of ranges) {
      expect(Buffer.compare(zip.read('x', from, to), content.subarray(from, to))).toBe(0);
      expect(Buffer.compare(zip.peek('x', from, to - from), content.subarray(from, to))).toBe(0);
    }
    expect(zip.read('x', end - 4).length).toBe(4);
  });

  test('the checksum of the whole file is checked where a part is read, but not where one is peeked at', () => {
    for (const deflate of [false, true]) {
      const zip = archive([{ name: 'x', content, deflated: deflate, crc: 1 }, A]);
      expect(() => zip.read('x', 0, 3)).toThrow('x: does not have the checksum that the directory says');
      expect(Buffer.from(zip.peek('x', 3, 3))).toEqual(content.subarray(3, 6));
      expect(text(zip.read('a'))).toBe('first');
    }
  });

  test('where a few bytes are peeked at, no more of the file is read than needs be', () => {
    const ends: number[] = [];
    const source = sourceOf(stored);
    const zip = openZip({
      ...source,
      read(offset, length) {
        ends.push(offset + length);
        return source.read(offset, length);
      },
    });
    ends.length = 0;
    zip.peek('x', 0, 100);
    // The window in which the local header is read is larger than what follows.
    expect(Math.max(...ends)).toBeLessThan(2 ** 17);
  });

  test('bytes of the source are not what is handed out: whoever reads may write to them', () => {
    const bytes = zipOf([A]);
    const before = bytes.slice();
    open(bytes).read('a').fill(0);
    expect(Buffer.compare(bytes, before)).toBe(0);
  });
});

describe('what is refused', () => {
  const refused = (members: readonly Member[], ending: Ending | undefined, message: string) =>
    expect(() => contents(zipOf(members, ending))).toThrow(expect.objectContaining({ message }));

  test('a file that is not there', () => {
    expect(() => archive([A]).read('b')).toThrow('the archive has no b');
    expect(() => archive([A]).peek('toString', 0, 1)).toThrow('the archive has no toString');
  });

  test('another content than the checksum says', () => {
    for (const member of [A, B]) {
      const name = String(member.name);
      const message = `${name}: does not have the checksum that the directory says\n${DAMAGED}`;
      refused([{ ...member, crc: 0x12345678 }], undefined, message);
    }
    const bytes = zipOf([A, B]);
    const at = Buffer.from(bytes).indexOf('first');
    bytes[at] ^= 1;
    expect(() => open(bytes).read('a')).toThrow('a: does not have the checksum');
    expect(text(open(bytes).read('folder/b'))).toBe(BOTH['folder/b']);
  });

  test('two files of one name', () => {
    refused([A, B, A], undefined, `a: has two files of this name\n${DAMAGED}`);
  });

  test('files that overlap', () => {
    // Two entries for one place.
    expect(() => archive([A, { ...A, name: 'b', at: 0 }])).toThrow('reaches into what follows it');
    // A file within another one.
    const inner = zipOf([A]).subarray(0, 36);
    const members: Member[] = [
      { name: 'outer', content: inner },
      { ...A, at: 35 },
    ];
    refused(members, undefined, `outer: reaches into what follows it\n${DAMAGED}`);
    // The last file and the directory.
    refused([{ ...A, size: 6, compressedSize: 6 }], undefined, `a: reaches into what follows it\n${DAMAGED}`);
    refused(
      [{ ...A, size: 6, compressedSize: 6 }, B],
      undefined,
      `a: reaches into what follows it\n${DAMAGED}`,
    );
  });

  test('sizes that are not those of the file', () => {
    const longer = `folder/b: is longer than the directory says\n${DAMAGED}`;
    const shorter = `folder/b: is shorter than the directory says\n${DAMAGED}`;
    refused([{ ...B, size: 349 }], undefined, longer);
    refused([{ ...B, size: 0 }], undefined, longer);
    refused([{ ...B, size: 351 }], undefined, shorter);
    refused([{ ...A, size: 4 }], undefined, `a: has two sizes\n${DAMAGED}`);
    refused(
      [{ ...A, size: 4, compressedSize: 4 }],
      undefined,
      `a: does not have the checksum that the directory says\n${DAMAGED}`,
    );
    const cut = `folder/b: is not deflated as the directory says\n${DAMAGED}`;
    const stored = deflateRawSync(Buffer.from(BOTH['folder/b']));
    refused([{ ...B, stored: stored.subarray(0, -1) }], undefined, cut);
    refused([{ ...B, stored: Buffer.from([7, 7, 7]) }], undefined, cut);
    expect(() => contents(zipOf([{ ...B, stored: new Uint8Array() }]))).toThrow(/folder\/b: .*\n.*damaged/);
  });

  test('what is encrypted', () => {
    refused([{ ...A, flags: 1 }, B], undefined, 'a: is encrypted');
    refused(
      [{ ...A, localFlags: 1 }],
      undefined,
      `a: has another header than the directory says\n${DAMAGED}`,
    );
  });

  test('other methods than storing and deflating, when the file is read', () => {
    for (const method of [1, 9, 12, 93, 99]) {
      const zip = archive([{ ...A, method }, B]);
      expect(() => zip.read('a')).toThrow(
        expect.objectContaining({
          message: 'a: is compressed by a method that is not read\n  Store or deflate it.',
        }),
      );
      expect(() => zip.peek('a', 0, 1)).toThrow('a: is compressed by a method that is not read');
      expect(text(zip.read('folder/b'))).toBe(BOTH['folder/b']);
    }
  });

  test('a local header that is another one', () => {
    const other = `a: has another header than the directory says\n${DAMAGED}`;
    refused([{ ...A, localName: 'b' }], undefined, other);
    refused([{ ...A, localMethod: 8 }], undefined, other);
    refused([{ ...A, at: 1 }], undefined, `a: is not where the directory says\n${DAMAGED}`);
    expect(() => contents(zipOf([{ ...A, at: 10_000 }]))).toThrow(CellcheckError);
  });

  test('what deflate makes large', () => {
    const zeros = (size: number) => ({ name: 'x', content: new Uint8Array(size), deflated: true });
    const zip = archive([zeros(2 ** 23 + 1)]);
    const found =
      /^x: found 8388609 bytes that are compressed to \d+, expected 100 times as many at most\n {2}Numbers are never compressed so far\. Save the file without compression\.$/;
    expect(() => zip.read('x')).toThrow(expect.objectContaining({ message: expect.stringMatching(found) }));
    expect(() => zip.peek('x', 0, 1)).toThrow('100 times as many at most');
    // No harm is done by what is small.
    expect(archive([zeros(2 ** 23)]).read('x').length).toBe(2 ** 23);
  });

  test('a size that is claimed takes no memory', () => {
    const claimed = { size: 2 ** 45, compressedSize: 2 ** 45, zip64: true };
    refused([{ ...A, ...claimed }], undefined, `a: reaches into what follows it\n${DAMAGED}`);
    const zip = archive([{ ...B, size: 2 ** 45, zip64: true }]);
    expect(() => zip.read('folder/b')).toThrow('100 times as many at most');
    const beyond = extraField(1, Buffer.from(BigUint64Array.of(2n ** 60n).buffer));
    refused(
      [{ ...A, size: 0xffffffff, extra: beyond }],
      undefined,
      `a size or an offset is larger than any file\n${DAMAGED}`,
    );
  });

  test('64-bit fields that are not there', () => {
    expect(() => archive([{ ...A, size: 0xffffffff, extra: extraField(1, Buffer.alloc(4)) }])).toThrow(
      CellcheckError,
    );
    expect(() =>
      archive([{ ...A, zip64: false, extra: extraField(1, Buffer.alloc(0)), at: 0xffffffff }]),
    ).toThrow(CellcheckError);
    // One that ends within a number, though bytes follow.
    const within = Buffer.concat([extraField(1, Buffer.alloc(4)), extraField(0xcafe, Buffer.alloc(4))]);
    refused(
      [{ ...A, size: 0xffffffff, extra: within }],
      undefined,
      `a: has a damaged entry in the directory\n${DAMAGED}`,
    );
    // A field that goes beyond the others.
    const long = extraField(0xcafe, Buffer.alloc(9)).subarray(0, 8);
    expect(() => archive([{ ...A, extra: long }])).toThrow(CellcheckError);
  });

  test('an archive in several parts', () => {
    const parts = 'is one part of a zip archive in several parts';
    refused([A], { disk: 1 }, parts);
    refused([A], { firstDisk: 1 }, parts);
    refused([A, B], { here: 1 }, parts);
    refused([{ ...A, disk: 1 }], undefined, parts);
    refused([A], { disk: 1, zip64: true }, parts);
    refused([A, B], { here: 1, zip64: true }, parts);
  });

  test('a directory that is not as its end says', () => {
    const elsewhere = `the directory of the archive does not end where it should\n${DAMAGED}`;
    refused([A], { before: Buffer.from('#!/bin/sh\n'), offset: 0 }, elsewhere);
    refused([A], { between: Uint8Array.of(0) }, elsewhere);
    refused([A, B], { offset: 3 }, elsewhere);
    refused([A, B], { size: 3 }, elsewhere);
    refused([A, B], { count: 1 }, `the directory of the archive is longer than its entries\n${DAMAGED}`);
    expect(() => archive([A, B], { count: 3 })).toThrow(CellcheckError);
    const size = zipOf([A]).length - 22;
    refused([A], { offset: 0, size }, `the directory of the archive is not one\n${DAMAGED}`);
  });

  test('more files, or a longer directory, than anybody has', () => {
    const many = { zip64: true, count: 65_537 };
    expect(() => archive([A], many)).toThrow('found an archive of 65537 files, expected 65536 at most');
    const long = Array.from({ length: 300 }, (_, i) => ({
      name: `${i}`,
      content: '',
      comment: 'x'.repeat(65_000),
    }));
    expect(() => archive(long)).toThrow('found an archive of 300 files');
    expect(archive(long.slice(0, 200)).sizes.size).toBe(200);
  });

  test('a name that is no text', () => {
    expect(() => archive([{ ...A, name: Uint8Array.of(0x62, 0xff) }])).toThrow(
      'has a file whose name is not UTF-8',
    );
  });

  test('something before or behind the archive', () => {
    expect(() => archive([A], { behind: Uint8Array.of(0) })).toThrow('the zip archive has no directory');
    // What is told where places count from the beginning of the file.
    expect(contents(zipOf([A, B], { before: Buffer.from('#!/bin/sh\n') }))).toEqual(BOTH);
  });

  test('a file that is no archive', () => {
    for (const bytes of ['', 'PK', 'PK\x03\x04', 'x'.repeat(70_000)])
      expect(() => open(Buffer.from(bytes))).toThrow('the zip archive has no directory');
  });
});

test.each([
  ['as it is', {}, {}],
  ['streamed', { streamed: true }, {}],
  ['with 64-bit fields', { zip64: true }, { zip64: true }],
  ['with a comment', { comment: 'of a file' }, { comment: 'of the archive' }],
])('an archive that is cut short anywhere is refused: %s', (_, member, ending) => {
  const bytes = zipOf(
    [
      { ...A, ...member },
      { ...B, ...member },
    ],
    ending,
  );
  for (let length = 0; length < bytes.length; length++)
    expect(() => open(bytes.subarray(0, length)), `${length} bytes`).toThrow(CellcheckError);
});

test('whatever byte is changed, the archive is refused or has the same files', () => {
  const bytes = zipOf([A, { ...B, streamed: true, zip64: true }, EMPTY], { zip64: true, comment: 'x' });
  for (let at = 0; at < bytes.length; at++) {
    for (const mask of [1, 0x80, 0xff]) {
      const changed = bytes.slice();
      changed[at] ^= mask;
      let found: Record<string, string>;
      try {
        found = contents(changed);
      } catch (error) {
        expect(error, `byte ${at}`).toBeInstanceOf(CellcheckError);
        continue;
      }
      expect(found, `byte ${at}`).toEqual({ ...BOTH, empty: '' });
    }
  }
});
