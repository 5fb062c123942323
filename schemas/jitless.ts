import { config } from 'zod/mini';

// By default zod compiles a function for every object schema at its first use, which pays from hundreds of uses on; a
// case has a handful.
config({ jitless: true });
