import type { Format } from './format.js';
import { json } from './json.js';
import { printed } from './printed.js';
import { safetensors } from './safetensors.js';

/**
 * The formats that cellcheck reads, in the order in which they are tried. To add one, write its file and put it here:
 * detection, messages and every command follow.
 */
export const FORMATS: readonly Format[] = [safetensors, json, printed];
