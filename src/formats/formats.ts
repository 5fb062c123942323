import type { Format } from './format.js';
import { json } from './json.js';
import { npy } from './npy.js';
import { npz } from './npz.js';
import { numbers } from './numbers.js';
import { onnx, onnxTensor } from './onnx.js';
import { printed } from './printed.js';
import { safetensors } from './safetensors.js';
import { shards } from './shards.js';
import { torch } from './torch.js';

/**
 * The formats that cellcheck reads, in the order in which they are tried. To add one, write its file and put it here:
 * detection, messages and every command follow.
 */
export const FORMATS: readonly Format[] = [
  safetensors,
  shards,
  torch,
  npz,
  npy,
  onnx,
  onnxTensor,
  json,
  numbers,
  printed,
];
