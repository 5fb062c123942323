import { config } from 'zod/mini';

// By default zod compiles a function for every object schema when it is first used. That only pays after hundreds of
// uses, and a case has a handful.
config({ jitless: true });
