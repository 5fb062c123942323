import { type Format, ZIP_MAGIC } from './format.js';
import { openTorch } from './torch/open.js';

/**
 * What torch.save and torch.jit.save write. The pickle in it is read as data: no class is imported, no function called
 * (https://docs.pytorch.org/docs/stable/notes/serialization.html).
 */
export const torch: Format = {
  name: 'torch',
  endings: ['.pt', '.pth', '.ckpt', '.bin', '.jit', '.ptl', '.tar'],
  // A zip archive, or the pickle of a number that the older form begins with.
  magic: [ZIP_MAGIC, '\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19'],
  text: false,
  open: openTorch,
};
