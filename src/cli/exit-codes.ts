/** The end of the help of every command with a verdict. */
export const EXIT_CODES = `
Exit codes:
  0  parity: every value agrees
  1  differs: the numbers differ
  2  no verdict: bad input or usage, an ill-conditioned network, too little said`;
