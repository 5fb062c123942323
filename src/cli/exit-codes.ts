/** As every command's help shows them. */
export const EXIT_CODES = `
Exit codes:
  0  parity: every value agrees
  1  differs: the numbers differ
  2  no verdict: bad input, wrong usage, an ill-conditioned network, or a reference
     that says too little`;
